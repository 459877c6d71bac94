"""The processes of one run, found in `/proc`: ansible-playbook and everything that it started.

Workers of Ansible lead sessions of their own, so a signal to the process group of ansible-playbook reaches neither them
nor the ssh and pip that they started; once it is gone, nothing tells whose they were (measured with ansible-core 2.19).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

PROC = Path("/proc")
"""What Linux tells of processes; where it is missing nothing is found."""

_GRACE_SECONDS = 2.0
_POLL_SECONDS = 0.02
_ROUNDS = 3

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RunProcess:
    """One process of this boot.

    Attributes:
        pid: Process id.
        start_time: Clock ticks since boot, field 22 of `/proc/<pid>/stat` (source: proc(5)); with pid it is unique.
    """

    pid: int
    start_time: int

    @property
    def alive(self) -> bool:
        """Whether this very process runs; a zombie does not."""
        seen = look(self.pid)
        return seen is not None and seen[1] == self


def stop_run_processes(directory: Path) -> bool:
    """Kill ansible-playbook of a run and stop what it started.

    It is halted first, so that it starts nothing more and reports nothing about what is stopped; the others are asked
    to end, then killed.

    Args:
        directory: The run's private data directory; its path stands in the command line of ansible-playbook, which is a
            child of this process.

    Returns:
        Whether there was anything.
    """
    roots = _find_roots(directory)
    stop_tree(roots)
    return bool(roots)


def stop_tree(roots: tuple[RunProcess, ...]) -> None:
    """Kill processes and stop what they started; they are halted first, so that they start nothing more."""
    for root in roots:
        _signal(root, signal.SIGSTOP)
    left = _with_descendants(roots, _children_by_parent())[len(roots) :]
    for root in roots:
        _signal(root, signal.SIGKILL)
    _stop((*left, *roots))


def _stop(left: tuple[RunProcess, ...]) -> None:
    for _ in range(_ROUNDS):
        left = tuple(one for one in _with_descendants(left, _children_by_parent()) if one.alive)
        if not left:
            return
        _end(left)
    _log.warning("processes_left", pids=[one.pid for one in left if one.alive])


def _find_roots(directory: Path) -> tuple[RunProcess, ...]:
    own = _children_by_parent().get(os.getpid(), ())
    return tuple(one for one in own if _names(one.pid, directory))


def _end(processes: tuple[RunProcess, ...]) -> None:
    for one in processes:
        _signal(one, signal.SIGTERM)
    if not _wait_gone(processes):
        for one in processes:
            _signal(one, signal.SIGKILL)
        _wait_gone(processes)


def _wait_gone(processes: tuple[RunProcess, ...]) -> bool:
    deadline = time.monotonic() + _GRACE_SECONDS
    while any(one.alive for one in processes):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _signal(process: RunProcess, number: signal.Signals) -> None:
    try:
        if process.alive:
            os.kill(process.pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        _log.warning("process_of_another_user", pid=process.pid)


def _with_descendants(found: Iterable[RunProcess], children: Mapping[int, list[RunProcess]]) -> tuple[RunProcess, ...]:
    seen: dict[RunProcess, None] = {}
    waiting = list(found)
    while waiting:
        one = waiting.pop(0)
        if one not in seen:
            seen[one] = None
            waiting.extend(children.get(one.pid, ()))
    return tuple(seen)


def _children_by_parent() -> dict[int, list[RunProcess]]:
    children: dict[int, list[RunProcess]] = {}
    for folder in PROC.iterdir():
        seen = look(int(folder.name)) if folder.name.isdigit() else None
        if seen is not None:
            children.setdefault(seen[0], []).append(seen[1])
    return children


def look(pid: int) -> tuple[int, RunProcess] | None:
    """Return a live process with its parent's pid before it; None when it is gone, a zombie, or hidden from us."""
    try:
        stat = (PROC / str(pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    if fields[0] in (b"Z", b"X"):
        return None
    return int(fields[1]), RunProcess(pid=pid, start_time=int(fields[19]))


def _names(pid: int, directory: Path) -> bool:
    try:
        return os.fsencode(f"{directory}/") in (PROC / str(pid) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
