"""What the kernel says about the processes of a site: `/proc`, and nothing that anybody wrote down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mgmt_ansible.quickstart import processes

_PROC = Path("/proc")
_LISTEN = "0A"


@dataclass(frozen=True)
class Process:
    """One living process.

    Attributes:
        pid: Process id.
        parent: Of its parent.
        name: As the kernel keeps it, 15 characters.
        arguments: Its command line.
        ours: Whether command line, environment or working directory name the site's folder.
    """

    pid: int
    parent: int
    name: str
    arguments: tuple[str, ...]
    ours: bool

    @property
    def text(self) -> str:
        """One line about it."""
        return f"{self.pid} ({self.name}, child of {self.parent}): {' '.join(self.arguments)[:160]}"


def list_processes(folder: Path) -> tuple[Process, ...]:
    """Return all living processes of the machine; zombies are none."""
    pids = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
    return tuple(found for pid in pids if (found := _look(pid, folder)) is not None)


def descendants(pid: int, table: tuple[Process, ...]) -> frozenset[int]:
    """Return a process and all below it."""
    found = {pid}
    while True:
        more = {one.pid for one in table if one.parent in found} - found
        if not more:
            return frozenset(found)
        found |= more


def servers(base_dir: Path, deployment_id: str, table: tuple[Process, ...]) -> tuple[Process, ...]:
    """Return the model servers of a deployment on a host, by their command line."""
    return _with_verb("serve", base_dir, deployment_id, table)


def supervisors(base_dir: Path, deployment_id: str, table: tuple[Process, ...]) -> tuple[Process, ...]:
    """Return the supervisors of a deployment on a host, by their command line."""
    return _with_verb("supervise", base_dir, deployment_id, table)


def proxies(base_dir: Path, deployment_id: str, table: tuple[Process, ...]) -> tuple[Process, ...]:
    """Return the proxies of a deployment on a host, by their command line."""
    folder = f"{base_dir}/deployments/{deployment_id}/traffic"
    return tuple(one for one in table if one.name == "haproxy" and folder in one.arguments)


def listening_ports(pid: int) -> tuple[int, ...]:
    """Return the TCP ports that a process listens on, sorted.

    Source: proc(5), `/proc/net/tcp` (state 0A is LISTEN) and `/proc/<pid>/fd`.
    """
    links = {_link(entry) for entry in _entries(_PROC / str(pid) / "fd")}
    rows = [line.split() for line in (_PROC / "net" / "tcp").read_text().splitlines()[1:]]
    return tuple(
        sorted(
            int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == _LISTEN and f"socket:[{row[9]}]" in links
        )
    )


def _with_verb(verb: str, base_dir: Path, deployment_id: str, table: tuple[Process, ...]) -> tuple[Process, ...]:
    slots = f"{base_dir}/deployments/{deployment_id}/slots/"
    return tuple(
        one
        for one in table
        if any(
            left == verb and right.startswith(slots)
            for left, right in zip(one.arguments, one.arguments[1:], strict=False)
        )
    )


def _look(pid: int, folder: Path) -> Process | None:
    try:
        if processes.find_start_time(pid) is None:
            return None
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
        line = (_PROC / str(pid) / "cmdline").read_bytes()
        environment = (_PROC / str(pid) / "environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    name = stat[stat.index("(") + 1 : stat.rindex(")")]
    marked = (
        bytes(folder) in line or bytes(folder) in environment or _link(_PROC / str(pid) / "cwd").startswith(str(folder))
    )
    arguments = tuple(part.decode(errors="replace") for part in line.split(b"\0") if part)
    return Process(pid, int(stat[stat.rindex(")") + 2 :].split()[1]), name, arguments, marked)


def _entries(folder: Path) -> tuple[Path, ...]:
    try:
        return tuple(folder.iterdir())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ()


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""
