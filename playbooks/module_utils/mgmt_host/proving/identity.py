"""Prove which package answers on a slot's port.

A server of ours computes its digest itself and tells it. Another's cannot, so three things are proved in its place: the process
that was started for this slot lives (pid, start time and boot), it or a descendant of it holds every listener that answers
there, and the package's files are those of its digest.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any, Iterator

from ..content import packages
from ..failures import HostError, evidence
from ..machine import durable_files, http_probe, ports, processes
from ..running import slots
from . import drift

_KNOWN = "files.json"


def of_ours(slot: slots.Slot, server: processes.ProcessMark, answer: http_probe.Answer) -> None:
    """Check what a server of ours tells, and that no other process listens.

    Raises:
        HostError: `wrong_model`.
    """
    config = slot.config
    said = answer.json().get("parameters")
    parameters = said if isinstance(said, dict) else {}
    wanted = {"package_digest": config["digest"], "generation": config["generation"]}
    if {key: parameters.get(key) for key in wanted} != wanted:
        message = "the server serves another model than generation {generation}".format(**config)
        raise HostError("wrong_model", message, [evidence("http", answer.text())], _kind(slot, parameters))
    if ports.listens(server.pid, config["port"]) is False:
        raise drift.of_listener(slot)


def of_another(slot: slots.Slot, server: processes.ProcessMark, remember: bool) -> None:
    """Check that a server that is not ours was started for this slot, listens, and has its package's files.

    Args:
        slot: Names the package.
        server: What its supervisor started.
        remember: Write down which files were hashed, so that looks need not read them again while nothing touches them.

    Raises:
        HostError: `wrong_model`.
    """
    config = slot.config
    sockets = ports.answering(http_probe.local_address(config["bind_address"]), config["port"])
    held = ports.held_sockets([server.pid])
    if not sockets <= held:
        held = ports.held_sockets(processes.family(server))
    if not sockets or not sockets <= held:
        raise drift.of_listener(slot)
    refuse_tampered(slot, remember)


def refuse_tampered(slot: slots.Slot, remember: bool) -> None:
    """Check that the slot's package has the files of its digest; `remember` as for `of_another`.

    Raises:
        HostError: `wrong_model`.
    """
    found = _find_other_digest(slot, remember)
    if found:
        message = "the package's files were changed on this host, so nobody knows what the server has loaded"
        raise HostError("wrong_model", message, [_digests(slot, found)], drift.TAMPERED_FILE)


def find_tampering(slot: slots.Slot) -> HostError | None:
    """Return that the package's files were changed while a server of ours serves what it had loaded before; None when not."""
    if _unchanged_since_start(slot):
        return None
    found = _find_other_digest(slot, remember=False)
    if not found:
        return None
    message = (
        "the package's files were changed on this host; the model that was loaded before serves until it starts anew"
    )
    return HostError("artifact", message, [_digests(slot, found)], drift.TAMPERED_FILE)


def _kind(slot: slots.Slot, said: dict[str, Any]) -> str:
    """Return why a server of ours tells something else than its slot: it loaded changed files, or it is not of this release."""
    if said.get("package_digest") != slot.config["digest"] and _find_other_digest(slot, remember=False):
        return drift.TAMPERED_FILE
    generation = said.get("generation")
    older = isinstance(generation, int) and generation < slot.config["generation"]
    return drift.STALE_PROCESS if older else drift.WRONG_MODEL


def _find_other_digest(slot: slots.Slot, remember: bool) -> str:
    """Return the digest of the package's files where it is not the slot's; empty when it is."""
    folder, digest = slot.config["package_dir"], slot.config["digest"]
    if durable_files.read_json(slot.path(_KNOWN)) == _seen(slot):
        return ""
    rows, opened = packages.measure(folder)
    for stream in opened:
        stream.close()
    found = packages.manifest_digest(rows)
    if found != digest:
        return found
    if remember:
        durable_files.write_json(slot.path(_KNOWN), _seen(slot))
    return ""


def _digests(slot: slots.Slot, found: str) -> dict[str, str]:
    return evidence("digest", "{} instead of {}".format(found, slot.config["digest"]))


def _seen(slot: slots.Slot) -> dict[str, str]:
    return {"digest": slot.config["digest"], "seen": _look(slot.config["package_dir"])}


def _unchanged_since_start(slot: slots.Slot) -> bool:
    """Tell whether the kernel last touched files and folders before `slot.json` was written: before the server began to load."""
    folder = slot.config["package_dir"]
    started = os.stat(slot.path("slot.json")).st_mtime_ns
    changed = [os.stat(parent).st_ctime_ns for parent, _, _ in os.walk(folder)]
    changed += [found.st_ctime_ns for _, found in _files(folder)]
    return bool(changed) and max(changed) < started


def _look(folder: str) -> str:
    """Return a hash of what the kernel says of the files; who writes one cannot set its change time back."""
    rows = [
        (path, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        for path, found in _files(folder)
    ]
    return hashlib.sha256(repr(sorted(rows)).encode()).hexdigest()


def _files(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            yield path, os.lstat(path)


def describe(slot: slots.Slot, server: processes.ProcessMark) -> dict[str, Any]:
    """Return the identity of the host contract."""
    config = slot.config
    return {
        "digest": config["digest"],
        "generation": config["generation"],
        "slot": slot.name,
        "port": slot.stable_port,
        "slot_port": config["port"],
        "pid": server.pid,
        "start_time": server.start_time,
        "url": slot.url(),
    }
