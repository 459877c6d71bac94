"""Processes known by pid, start time and boot, so that a reused pid is never taken for them."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Iterator

from ..failures import HostError

_POLL_SECONDS = 0.005
_KILL_SECONDS = 5.0
_MACHINE_COUNTER = "/proc/vmstat"
SLOT_VARIABLE = "MGMT_ANSIBLE_SLOT"
"""Environment variable with the slot's folder, by which every process of a server is known for its life."""


@dataclass(frozen=True)
class ProcessMark:
    """One process.

    Attributes:
        pid: Process id.
        start_time: Clock ticks since boot, field 22 of `/proc/<pid>/stat` (source: proc(5)).
        boot_id: Of the boot in which it ran.
    """

    pid: int
    start_time: int
    boot_id: str

    @property
    def alive(self) -> bool:
        """Whether this very process runs; a zombie does not."""
        return find_start_time(self.pid) == self.start_time and self.boot_id == boot_id()

    def to_json(self) -> dict[str, Any]:
        """Return the mark as a JSON object."""
        return asdict(self)


def boot_id() -> str:
    """Return the kernel's random id of this boot."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
        return stream.read().strip()


def find_start_time(pid: int) -> int | None:
    """Return a live process's start time in clock ticks since boot; None when there is none or it is a zombie."""
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def find_mark(pid: int) -> ProcessMark | None:
    """Return the mark of a live process, or None."""
    start_time = find_start_time(pid)
    return None if start_time is None else ProcessMark(pid, start_time, boot_id())


def mark_from_json(value: object) -> ProcessMark | None:
    """Return the mark that a JSON value describes; None when it describes none."""
    if not isinstance(value, dict):
        return None
    try:
        return ProcessMark(int(value["pid"]), int(value["start_time"]), str(value["boot_id"]))
    except (KeyError, TypeError, ValueError):
        return None


def wait_gone(mark: ProcessMark, seconds: float) -> bool:
    """Wait until a process has ended; False when it still lives after that long."""
    deadline = time.monotonic() + seconds
    while mark.alive:
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def send(mark: ProcessMark, number: int) -> None:
    """Signal a process; nothing happens when it is gone."""
    if not mark.alive:
        return
    try:
        os.kill(mark.pid, number)
    except ProcessLookupError:
        return


def stop(mark: ProcessMark | None, seconds: float) -> bool:
    """Ask a process to end, and kill it when it has not ended after that long.

    Returns:
        Whether it lived when asked.

    Raises:
        HostError: It lives although it was killed.
    """
    if mark is None or not mark.alive:
        return False
    send(mark, signal.SIGTERM)
    if not wait_gone(mark, seconds):
        send(mark, signal.SIGKILL)
        if not wait_gone(mark, _KILL_SECONDS):
            message = "process {} cannot be killed; it waits for the kernel: look at the host's disks".format(mark.pid)
            raise HostError("timeout", message)
    return True


def family(leader: ProcessMark) -> list[int]:
    """Return the pids of a process's session and of its descendants, itself among them where it lives.

    A server leads its session; the session outlives it while a child does, and the kernel gives its pid to nobody until then.
    """
    rows = {pid: fields for pid in list_pids() for fields in [_stat(pid)] if fields}
    found = {pid for pid, fields in rows.items() if int(fields[3]) == leader.pid}
    found |= {leader.pid} & rows.keys()
    while True:
        more = {pid for pid, fields in rows.items() if int(fields[1]) in found} - found
        if not more:
            return sorted(found)
        found |= more


def belongs_to(pid: int, folder: str) -> bool:
    """Tell whether a live process was started for a folder of ours, or by one that was.

    It names the folder, or what lies in it, in its command line or as its working folder, or carries the mark `SLOT_VARIABLE`,
    which outlives a change of session and of parent. What we may not look at does not belong.
    """
    inside = os.path.join(folder, "")
    named = [*read_words(pid, "cmdline"), *read_variable(pid, SLOT_VARIABLE)]
    with suppress(OSError):
        named.append(os.readlink("/proc/{}/cwd".format(pid)))
    return any(word == folder or word.startswith(inside) for word in named)


def read_variable(pid: int, name: str) -> list[str]:
    """Return what a process got as an environment variable when it started; empty when it got none, or is not ours to see."""
    start = name + "="
    return [word[len(start) :] for word in read_words(pid, "environ") if word.startswith(start)]


def read_words(pid: int, name: str) -> list[str]:
    """Return the texts of a process's `cmdline` or `environ`; none when it is gone, or is not ours to see."""
    try:
        with open("/proc/{}/{}".format(pid, name), "rb") as stream:
            return [os.fsdecode(word) for word in stream.read(1 << 21).split(b"\0")]
    except OSError:
        return []


def stop_family(leader: ProcessMark | None, seconds: float) -> bool:
    """Stop a server and what it started: it first, so that it can end its own; what is left then is ended, too.

    Returns:
        Whether anything lived.

    Raises:
        HostError: One lives although it was killed.
    """
    if leader is None or leader.boot_id != boot_id() or find_start_time(leader.pid) not in (None, leader.start_time):
        return False
    deadline = time.monotonic() + seconds
    marks = [find_mark(pid) for pid in family(leader) if pid != leader.pid]
    stopped = stop(leader, seconds)
    marks += [find_mark(pid) for pid in family(leader)]
    left = [mark for mark in marks if mark is not None and mark.alive and mark.start_time >= leader.start_time]
    stop_each(left, max(0.0, deadline - time.monotonic()))
    return stopped or bool(left)


def stop_each(marks: list[ProcessMark], seconds: float) -> None:
    """Ask processes to end, all at once, and kill those that have not ended after that long.

    Raises:
        HostError: One lives although it was killed.
    """
    deadline = time.monotonic() + seconds
    for mark in marks:
        send(mark, signal.SIGTERM)
    for mark in marks:
        stop(mark, max(0.0, deadline - time.monotonic()))


def describe(pid: int) -> str:
    """Return a process for people: its pid and the beginning of its command line."""
    return "{} {}".format(pid, " ".join(read_words(pid, "cmdline"))[:200])


def name_exit(code: int | None) -> str:
    """Return how a process ended, for people: `exit code 3`, or `signal 9 (SIGKILL)` for a negative code."""
    if code is None or code >= 0:
        return "exit code {}".format(code)
    try:
        return "signal {} ({})".format(-code, signal.Signals(-code).name)
    except ValueError:
        return "signal {}".format(-code)


def find_oom_counter(pid: int) -> str:
    """Return the file in which the kernel counts processes that it killed for memory, as near to a process as it does.

    That is its own memory cgroup's (version 2 or 1), else the whole machine's. Source: cgroup-v2.rst, memory.rst.
    """
    for folder, name in _memory_folders(pid):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return path
    return _MACHINE_COUNTER


def read_oom_count(counter: str) -> int:
    """Return `oom_kill` of such a file; 0 where it does not say (before Linux 4.13, or the cgroup is gone)."""
    try:
        with open(counter, encoding="ascii") as stream:
            counts = dict(line.split()[:2] for line in stream)
    except (OSError, ValueError):
        return 0
    return int(counts.get("oom_kill", "0"))


def _stat(pid: int) -> list[bytes]:
    """Return the fields of a live process from the third on (proc(5)); none when there is none or it is a zombie."""
    try:
        with open("/proc/{}/stat".format(pid), "rb") as stream:
            stat = stream.read()
    except (FileNotFoundError, ProcessLookupError):
        return []
    fields = stat[stat.rindex(b")") + 2 :].split()
    return [] if fields[0] in (b"Z", b"X") else fields


def list_pids() -> list[int]:
    """Return the pids of all processes that are to be seen."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _memory_folders(pid: int) -> Iterator[tuple[str, str]]:
    try:
        with open("/proc/{}/cgroup".format(pid), encoding="utf-8", errors="replace") as stream:
            rows = [line.rstrip("\n").split(":", 2) for line in stream]
    except OSError:
        return
    for _, controllers, path in rows:
        if "memory" in controllers.split(","):
            yield "/sys/fs/cgroup/memory" + path, "memory.oom_control"
        elif not controllers:
            yield "/sys/fs/cgroup" + path, "memory.events.local"  # of this cgroup alone, since Linux 5.2
            yield "/sys/fs/cgroup" + path, "memory.events"
