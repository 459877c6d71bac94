"""A cgroup for each host: what teardown, power cuts and limits act on, never a list of process ids.

Works with pure version 2 and with version 1 beside it (`/sys/fs/cgroup/unified`), where the controllers are version 1's and
each hierarchy gets the same tree. Version 1's inner systemd sees its own part only, so a host's limits are effective.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from tests.testbed.commands import BedError, wait_until

_MOUNT = Path("/sys/fs/cgroup")
_CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd")
_VERSION_2_CONTROLLERS = ("cpu", "memory", "pids", "io", "cpuset")
_PERIOD_MICROSECONDS = 100_000
_NO_LIMIT = ("max", "-1")
_DEVICES = (
    "c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:1 rwm",
    "c 5:2 rwm", "c 136:* rwm", "c 10:200 rwm", "c 10:229 rwm",
)  # fmt: skip
"""null, zero, full, random, urandom, terminals, tun and fuse: the machine's disks stay out of a host's reach."""


def version_2_root() -> Path | None:
    """Return where version 2 is mounted, or None."""
    for root in (_MOUNT, _MOUNT / "unified"):
        if (root / "cgroup.controllers").exists():
            return root
    return None


def is_pure() -> bool:
    """Return whether the controllers are version 2's."""
    return version_2_root() == _MOUNT


def roots() -> list[Path]:
    """Return the root of every hierarchy."""
    if is_pure():
        return [_MOUNT]
    return [_MOUNT / name for name in (*_CONTROLLERS, "unified") if (_MOUNT / name / "cgroup.procs").exists()]


def folders(*names: str) -> list[Path]:
    """Return a cgroup's folder in every hierarchy, whether it exists or not."""
    return [root.joinpath(*names) for root in roots()]


def make(label: str, name: str) -> None:
    """Make the cgroup of one host, or of what runs outside of hosts; again is no error."""
    for parent in folders(label):
        parent.mkdir(exist_ok=True)
    if is_pure():
        _delegate(_MOUNT)
        _delegate(_MOUNT / label)
    else:
        _inherit_processors(_MOUNT / "cpuset", label)
    for folder in folders(label, name):
        folder.mkdir(exist_ok=True)


def shield_devices(label: str, name: str) -> None:
    """Keep a host away from the machine's devices (version 1; with version 2 nspawn does it)."""
    folder = _MOUNT / "devices" / label / name
    if (folder / "devices.deny").exists():
        (folder / "devices.deny").write_text("a")
        for rule in _DEVICES:
            (folder / "devices.allow").write_text(rule)


def _delegate(folder: Path) -> None:
    for controller in _VERSION_2_CONTROLLERS:
        with contextlib.suppress(OSError):  # this kernel, or this container, has not all of them
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def _inherit_processors(root: Path, label: str) -> None:
    folder = root / label
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (folder / name).exists() and not (folder / name).read_text().strip():
            (folder / name).write_text((root / name).read_text())
    if (folder / "cgroup.clone_children").exists():
        (folder / "cgroup.clone_children").write_text("1")


def join(label: str, name: str) -> None:
    """Move the calling process into a cgroup, in every hierarchy."""
    for folder in folders(label, name):
        (folder / "cgroup.procs").write_text(str(os.getpid()))


def processes(*names: str) -> list[int]:
    """Return the ids of all processes in a cgroup and below."""
    root = version_2_root()
    found: list[int] = []
    for folder, _, _ in os.walk(root.joinpath(*names)) if root else ():  # some vanish meanwhile: walk does not mind
        with contextlib.suppress(OSError):
            found.extend(int(word) for word in Path(folder, "cgroup.procs").read_text().split())
    return found


def freeze(frozen: bool, *names: str) -> None:
    """Stop or continue everything in a cgroup; nothing to do when it is gone."""
    for folder in folders(*names):
        if (folder / "cgroup.freeze").exists():
            (folder / "cgroup.freeze").write_text("1" if frozen else "0")


def kill(*names: str) -> None:
    """SIGKILL everything in a cgroup and below, and nothing else; returns when it is empty.

    Raises:
        BedError: Something lived on for a minute.
    """
    root = version_2_root()
    folder = root.joinpath(*names) if root else None
    if folder is None or not folder.exists():
        return
    if (folder / "cgroup.kill").exists():
        (folder / "cgroup.kill").write_text("1")
    wait_until(lambda: _is_empty(folder, names), f"the end of the processes of {'/'.join(names)}")


def _is_empty(folder: Path, names: tuple[str, ...]) -> bool:
    if not (folder / "cgroup.kill").exists():  # Linux before 5.14
        for pid in processes(*names):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        freeze(False, *names)
    return "populated 0" in (folder / "cgroup.events").read_text()


def remove(*names: str) -> None:
    """Remove an empty cgroup and all below, in every hierarchy.

    Raises:
        BedError: One is still in use.
    """
    for folder in folders(*names):
        wait_until(lambda folder=folder: _removed(folder), f"the removal of {folder}")


def _removed(folder: Path) -> bool:
    try:
        for path, _, _ in os.walk(folder, topdown=False):
            Path(path).rmdir()
    except OSError:
        return False
    return not folder.exists()


def limit_processor(label: str, name: str, percent: int | None) -> None:
    """Give a host so many percent of one processor; None lifts it."""
    quota = None if percent is None else percent * _PERIOD_MICROSECONDS // 100
    if is_pure():
        _write(_MOUNT / label / name / "cpu.max", f"{'max' if quota is None else quota} {_PERIOD_MICROSECONDS}")
    else:
        _write(_MOUNT / "cpu" / label / name / "cpu.cfs_quota_us", str(-1 if quota is None else quota))


def limit_memory(label: str, name: str, size: str) -> None:
    """Limit a host's memory to a size like `200M`; "" lifts it."""
    if is_pure():
        _write(_MOUNT / label / name / "memory.max", size or "max")
    else:
        _write(_MOUNT / "memory" / label / name / "memory.limit_in_bytes", size or "-1")


def _write(path: Path, text: str) -> None:
    if not path.exists() and text.startswith(_NO_LIMIT):
        return  # this machine has not that controller: there is nothing to lift
    try:
        path.write_text(text)
    except OSError as error:
        raise BedError(f"this machine's cgroups refuse {text!r} in {path}: {error.strerror}") from error
