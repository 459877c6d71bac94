"""Is there room for two copies of a model on this host? What is free, what the running one takes, and what follows.

| way | what happens | needs |
|---|---|---|
| `side_by_side` | the new model passes its gates beside the old one, then traffic moves | memory for both |
| `stop_first` | the old model is stopped, then the new one starts; it comes back when the new one fails | memory for one |
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Iterator

from ..machine import processes
from ..running import slots

SIDE_BY_SIDE, STOP_FIRST = "side_by_side", "stop_first"
_RESERVE = 1.1
"""A new model may need a little more than the old one has in memory now."""
_MEGABYTE = 1 << 20
_UNLIMITED = 1 << 60
"""A version 1 cgroup without a limit says a number above this."""


@dataclass(frozen=True)
class Way:
    """How a model is replaced here, and why.

    Attributes:
        name: `side_by_side` or `stop_first`.
        why: For people, with the figures.
    """

    name: str
    why: str


def way_for(live: slots.Slot) -> Way:
    """Return how what runs in a slot is to be replaced on this host, as it is now; reads only."""
    return choose_way(free_memory(), footprint(live.server))


def choose_way(free_bytes: int | None, taken_bytes: int | None) -> Way:
    """Return how the running model is to be replaced.

    Args:
        free_bytes: Memory that a new process may take; None when the host does not tell.
        taken_bytes: What the running model takes; None when nobody can tell.
    """
    if free_bytes is None or not taken_bytes:
        return Way(SIDE_BY_SIDE, "nobody can tell that memory is short")
    need = int(taken_bytes * _RESERVE)
    figures = "a copy of the running model takes {:,} MB, {:,} MB of memory are free".format(
        need // _MEGABYTE, free_bytes // _MEGABYTE
    )
    return Way(SIDE_BY_SIDE if free_bytes >= need else STOP_FIRST, figures)


def footprint(server: processes.ProcessMark | None) -> int | None:
    """Return how many bytes a server and what it started have in memory, shared pages by their share; None: nobody can tell."""
    if server is None:
        return None
    found = [size for size in map(_size_of, processes.family(server)) if size is not None]
    return sum(found) if found else None


def free_memory() -> int | None:
    """Return how many bytes a new process may take, by the machine and by every memory cgroup above us; None: unknown."""
    found = [size for size in (_available(), *(_left_in(folder) for folder in _memory_cgroups())) if size is not None]
    return min(found) if found else None


def _size_of(pid: int) -> int | None:
    for name, word in (
        ("smaps_rollup", "Pss:"),
        ("status", "VmRSS:"),
    ):  # the first needs Linux 4.14 and the same account
        size = _kilobytes("/proc/{}/{}".format(pid, name), word)
        if size is not None:
            return size
    return None


def _available() -> int | None:
    return _kilobytes("/proc/meminfo", "MemAvailable:")


def _kilobytes(path: str, word: str) -> int | None:
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            found = next((line.split()[1] for line in stream if line.startswith(word)), None)
    except OSError:
        return None
    return int(found) * 1024 if found and found.isdigit() else None


def _left_in(folder: str) -> int | None:
    """Return what may still be taken in one cgroup, its file cache counted as free; None where it has no limit."""
    for limit_name, used_name, cache_word in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, used = _number(folder, limit_name), _number(folder, used_name)
        if limit is not None and used is not None and limit < _UNLIMITED:
            return max(0, limit - used + (_stat(folder, cache_word) or 0))
    return None


def _number(folder: str, name: str) -> int | None:
    try:
        with open(os.path.join(folder, name), encoding="ascii", errors="replace") as stream:
            text = stream.read().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _stat(folder: str, word: str) -> int | None:
    try:
        with open(os.path.join(folder, "memory.stat"), encoding="ascii", errors="replace") as stream:
            rows = [line.split() for line in stream]
    except OSError:
        return None
    return next((int(row[1]) for row in rows if len(row) > 1 and row[0] == word and row[1].isdigit()), None)


def _memory_cgroups() -> Iterator[str]:
    """Yield our own memory cgroup and all above it, of version 2 and 1 (cgroups(7))."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="replace") as stream:
            rows = [line.rstrip("\n").split(":", 2) for line in stream]
    except OSError:
        return
    for _, controllers, path in (row for row in rows if len(row) == 3):  # noqa: PLR2004 - hierarchy, controllers, path
        if not controllers or "memory" in controllers.split(","):
            root = "/sys/fs/cgroup/memory" if controllers else "/sys/fs/cgroup"
            names = [name for name in path.split("/") if name]
            for depth in range(len(names), -1, -1):
                yield "/".join([root, *names[:depth]])
