"""What a killed agent leaves on its machine: processes of its runs, kept connections, private directories.

Workers of Ansible lead sessions of their own and become children of init when ansible-playbook dies, so neither a process group
nor a parent tells whose they were. Their environment does: ansible-runner puts the path of the run's private directory into it,
and every child inherits it (Linux: `/proc/<pid>/environ` is what was given at exec, whatever the process does later).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import structlog

from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.execution.private_data import unused_directories
from mgmt_ansible.execution.run_processes import PROC, RunProcess, look, stop_tree

_OWN_CONTROL_PATH = re.compile(r"^\s*control_path(?:_dir)?\s*[=:]", re.M)
_SERVED = frozenset({b"supervise", b"serve"})
"""Words of the host's programs, which outlive their run on purpose where host and agent are one machine."""

_ID_LENGTH = 8

_log = structlog.get_logger()


def clear_left_behind() -> None:
    """Stop what runs of dead agents left running here, and remove their directories; those in use are never touched."""
    for directory in unused_directories():
        left = tuple(_processes(partial(_belongs, os.fsencode(f"{directory}/"))))
        if left:
            stop_tree(left)
            _log.warning("left_behind_stopped", directory=str(directory), pids=[one.pid for one in left])


def control_path_directory(binding: EnvironmentBinding, agent_id: str) -> str | None:
    """Return where Ansible shall keep the connections of an agent's environment.

    Nobody else shares them, so they may be ended with the agent. None when nobody asks, or when the user's own `ansible.cfg`
    says where; those end by themselves.
    """
    if not agent_id:
        return None
    if binding.ansible_cfg is not None and _OWN_CONTROL_PATH.search(_text(Path(binding.ansible_cfg))):
        return None
    return f"{_prefix(agent_id)}{binding.environment_id[:_ID_LENGTH]}"


def end_connections(agent_id: str) -> None:
    """End the connections that OpenSSH keeps for an agent; none of its runs may be under way."""
    prefix = Path(_prefix(agent_id)).expanduser()
    mark = os.fsencode(prefix)
    kept = tuple(_processes(partial(_is_master, mark)))
    if kept:
        stop_tree(kept)
        _log.info("connections_ended", pids=[one.pid for one in kept])
    for folder in prefix.parent.glob(f"{prefix.name}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _prefix(agent_id: str) -> str:
    return f"~/.ansible/cp/{agent_id[:_ID_LENGTH]}-"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _processes(wanted: Callable[[int], bool]) -> Iterator[RunProcess]:
    if not PROC.is_dir():
        return
    for folder in PROC.iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            seen = look(int(folder.name))
            if seen is not None and _is_ours(seen[1].pid) and wanted(seen[1].pid):
                yield seen[1]


def _is_ours(pid: int) -> bool:
    try:
        return (PROC / str(pid)).stat().st_uid == os.geteuid()
    except OSError:
        return False


def _belongs(mark: bytes, pid: int) -> bool:
    words = _read(pid, "cmdline").split(b"\0")
    if _SERVED.intersection(words[1:]):
        return False
    return any(mark in word for word in words) or mark in _read(pid, "environ")


def _is_master(mark: bytes, pid: int) -> bool:
    """Tell a kept connection by the title that OpenSSH gives its process: `ssh: <control path> [mux]`."""
    title = _read(pid, "cmdline").rstrip(b"\0 ")
    return title.startswith(b"ssh: " + mark) and title.endswith(b"[mux]")


def _read(pid: int, name: str) -> bytes:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""
