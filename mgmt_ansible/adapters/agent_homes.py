"""The data directory as an agent's home: one process at a time lives in it, and it has a name that stays.

The lock is the kernel's and ends with the process, however it ends. So whoever holds it may say that every earlier process of
this agent is dead, and what those held can be taken over at once.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from mgmt_ansible import errors
from mgmt_ansible.identifiers import make_id

_LOCK = "agent.lock"
_NAME = "agent.json"
_ID = re.compile(r"^[0-9a-f]{24}$")

_log = structlog.get_logger()


@contextmanager
def agent_home(directory: Path) -> Iterator[str]:
    """Hold an agent's data directory, made when missing, and give its agent id.

    Raises:
        ConfigError: Another process lives there, or it cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise errors.ConfigError(f"data_dir: {directory} cannot be used: {exc}") from exc
    try:
        _take(lock, directory)
        yield _agent_id(directory)
    finally:
        os.close(lock)


def _take(lock: int, directory: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
        text = f"data_dir: {directory} is in use by another agent, pid {holder}: give each agent a data_dir of its own"
        raise errors.ConfigError(text) from exc
    except OSError as exc:
        raise errors.ConfigError(f"data_dir: {directory} cannot be locked: {exc}") from exc
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _agent_id(directory: Path) -> str:
    """Return the id; one that is missing or damaged is made anew, and its former claims expire by themselves."""
    path = directory / _NAME
    agent_id = _read(path)
    if agent_id:
        return agent_id
    agent_id = make_id()
    try:
        _write(path, json.dumps({"agent_id": agent_id}) + "\n")
    except OSError as exc:
        raise errors.ConfigError(f"data_dir: {path} cannot be written: {exc}") from exc
    return agent_id


def _read(path: Path) -> str:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as exc:
        _log.warning("agent_id_unreadable", path=str(path), error=str(exc))
        return ""
    agent_id = value.get("agent_id") if isinstance(value, dict) else None
    return agent_id if isinstance(agent_id, str) and _ID.fullmatch(agent_id) else ""


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
