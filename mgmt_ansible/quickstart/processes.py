"""Processes that are known by pid and start time, so that a reused pid is never taken for them."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_POLL_SECONDS = 0.02
_ORPHAN_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessMark:
    """One process of this boot.

    Attributes:
        pid: Process id.
        start_time: Clock ticks since boot, field 22 of `/proc/<pid>/stat` (source: proc(5)).
    """

    pid: int
    start_time: int

    @property
    def alive(self) -> bool:
        """Whether this very process runs; a zombie does not."""
        return find_start_time(self.pid) == self.start_time


def find_start_time(pid: int) -> int | None:
    """Return a live process's start time in clock ticks since boot; None when there is none or it is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def _find_parent(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat[stat.rindex(b")") + 2 :].split()[1])


def mark_process(pid: int) -> ProcessMark | None:
    """Return the mark of a live process, or None."""
    start_time = find_start_time(pid)
    return None if start_time is None else ProcessMark(pid=pid, start_time=start_time)


def write_mark(path: Path, mark: ProcessMark) -> None:
    """Write a mark as JSON, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps(asdict(mark)))
    draft.replace(path)


def find_mark(path: Path) -> ProcessMark | None:
    """Return the mark in a file; None when there is no such file or it holds something else."""
    try:
        value = json.loads(path.read_text())
        return ProcessMark(pid=int(value["pid"]), start_time=int(value["start_time"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def ask_to_end(mark: ProcessMark) -> None:
    """Send SIGTERM to a process, if it is still the one that is meant."""
    if mark.alive:
        _signal(mark, signal.SIGTERM)


def stop_process(mark: ProcessMark, *, grace_seconds: float = 5.0, ask: bool = True) -> bool:
    """Ask a process to end, then kill it; does nothing when it is gone or its pid belongs to another.

    Args:
        mark: Which process.
        grace_seconds: Between SIGTERM and SIGKILL.
        ask: False when it was asked before.

    Returns:
        Whether it lived when asked.
    """
    if not mark.alive:
        return False
    if ask:
        _signal(mark, signal.SIGTERM)
    if not wait_gone(mark, seconds=grace_seconds):
        _signal(mark, signal.SIGKILL)
        wait_gone(mark, seconds=grace_seconds)
    return True


def list_descendants(pid: int) -> tuple[ProcessMark, ...]:
    """Return the marks of a process's children, their children and so on, as they are now."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (parent := _find_parent(int(folder.name))) is not None:
            children.setdefault(parent, []).append(int(folder.name))
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        waiting.extend(below)
        found.extend(below)
    return tuple(mark for one in found if (mark := mark_process(one)) is not None)


def stop_tree(mark: ProcessMark, *, grace_seconds: float = 5.0) -> bool:
    """Ask a process to end, then kill it, and then whatever it left of its descendants.

    Args:
        mark: Which process.
        grace_seconds: Between SIGTERM and SIGKILL.

    Returns:
        Whether it lived when asked.
    """
    if not mark.alive:
        return False
    before = list_descendants(mark.pid)
    _signal(mark, signal.SIGTERM)
    if not wait_gone(mark, seconds=grace_seconds):
        before = (*before, *list_descendants(mark.pid))
        _signal(mark, signal.SIGKILL)
        wait_gone(mark, seconds=grace_seconds)
    for one in before:
        stop_process(one, grace_seconds=_ORPHAN_SECONDS)
    return True


def wait_gone(mark: ProcessMark, *, seconds: float) -> bool:
    """Wait until a process has ended; False when it still lives after that long."""
    deadline = time.monotonic() + seconds
    while mark.alive:
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _signal(mark: ProcessMark, number: signal.Signals) -> None:
    try:
        os.kill(mark.pid, number)
    except ProcessLookupError:
        return
