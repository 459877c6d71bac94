"""What belongs to every failure besides its own proof: the log's end, who listens, room on the disk, and the kernel's own words.

Each is bounded (`failures.evidence`); the agent redacts them all before they leave it.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Any, Iterator

from ..content import packages
from ..failures import evidence
from ..inputs import Inputs
from ..machine import durable_files, ports
from ..running import slots

FAILED = ("failed", "rolled_back", "degraded")
_OOM = re.compile(r"out of memory|oom-kill|oom_kill|oom_reaper", re.IGNORECASE)
_OOM_LINES = 5
_OOM_CHARACTERS = 1000
_RECORD_BYTES = 8192
_MOST_RECORDS = 100_000


def of_slot(slot: slots.Slot, told: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the log's end and who listens on the slot's port, as far as they are not told yet."""
    port = int(slot.config.get("port") or 0)
    found = [one for one in slot.log_evidence() if one["text"]]
    found += [evidence("ss", ports.describe(port))] if port else []
    return _new(found, told)


def complete(result: dict[str, Any], inputs: Inputs) -> list[dict[str, str]]:
    """Return the evidence of a result; a failure has at least `df`, `ss` where a port is known, and `oom` where memory ran out."""
    told: list[dict[str, str]] = result["evidence"]
    if result["outcome"] not in FAILED or inputs.check:
        return told
    found = []
    with suppress(OSError):
        port = inputs.port or int((durable_files.read_json(inputs.own.state) or {}).get("stable_port") or 0)
        found += [evidence("ss", ports.describe(port))] if port else []
    if result["cause"] == "oom_killed":
        lines = "\n".join(list(_kernel_lines())[-_OOM_LINES:])
        found += [evidence("oom", lines[-_OOM_CHARACTERS:])] if lines else []
    return with_room([*told, *_new(found, told)], inputs.layout.base_dir)


def with_room(told: list[dict[str, str]], base_dir: str) -> list[dict[str, str]]:
    """Return evidence with how full the disk is."""
    with suppress(OSError):
        return [*told, *_new([packages.disk_evidence(base_dir)], told)]
    return told


def find_oom_lines(records: Iterator[str]) -> Iterator[str]:
    """Yield what the kernel says of memory that ran out, without the head of each of its records."""
    for record in records:
        line = record.partition(";")[2].partition("\n")[0]
        if _OOM.search(line):
            yield line


def _new(found: list[dict[str, str]], told: list[dict[str, str]]) -> list[dict[str, str]]:
    kinds = {one["kind"] for one in told}
    return [one for one in found if one["kind"] not in kinds]


def _kernel_lines() -> Iterator[str]:
    """Yield the kernel's lines about memory, oldest first; none where we may not read them."""
    with suppress(OSError):
        yield from find_oom_lines(_records())


def _records() -> Iterator[str]:
    descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        for _ in range(_MOST_RECORDS):
            try:
                yield os.read(descriptor, _RECORD_BYTES).decode("utf-8", "replace")
            except BrokenPipeError:  # the ring has overtaken us: the next read goes on with the oldest that is left
                continue
            except BlockingIOError:
                return
    finally:
        os.close(descriptor)
