"""Files that are old or new but never half: temp, fsync, rename; and logs that do not grow for ever."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import stat
import tempfile
import time
from contextlib import contextmanager
from typing import IO, Any, Callable, Iterator

_DRAFT = ".draft-"


def write_text(path: str, text: str, mode: int = 0o600) -> None:
    """Replace a file's content as one step that survives a crash; one writer at a time.

    What a killed writer leaves as `<path>.new` is overwritten by the next one, what a refused one leaves goes at once.
    """
    draft = path + ".new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, path)
    except OSError:
        os.unlink(draft)
        raise
    sync_folder(os.path.dirname(path))


def write_json(path: str, value: Any) -> None:
    """Replace a JSON file as one step that survives a crash."""
    write_text(path, json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n")


def read_json(path: str) -> dict[str, Any] | None:
    """Return a JSON file's object; None when it is absent, broken or something else."""
    try:
        with open(path, encoding="utf-8") as stream:
            value = json.load(stream)
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def sync_folder(path: str) -> None:
    """Make the folder's entries survive a crash."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_line(path: str, value: Any, limit_bytes: int = 1 << 20) -> None:
    """Append a JSON line, whole or not at all, first moving a file beyond the limit to `<path>.1`."""
    if os.path.exists(path) and os.path.getsize(path) > limit_bytes:
        os.replace(path, path + ".1")
    line = json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    with open(path, "ab", buffering=0) as stream:
        size = stream.tell()
        try:
            _write_whole(stream, line)
        except OSError:
            stream.truncate(size)
            raise
        os.fsync(stream.fileno())


def _write_whole(stream: IO[bytes], line: bytes) -> None:
    if stream.write(line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def spare_room(path: str, size_bytes: int = 1 << 18) -> Iterator[Callable[[], None]]:
    """Keep room on the disk back, for what must still be written when the disk fills up meanwhile.

    Yields:
        What gives the room back early; the end does in any case.

    Raises:
        OSError: There is no such room now.
    """

    def give_back() -> None:
        if os.path.exists(path):
            os.unlink(path)

    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            os.posix_fallocate(descriptor, 0, size_bytes)
        finally:
            os.close(descriptor)  # room that somebody has open is not given back
        yield give_back
    finally:
        give_back()


def tail(path: str, limit_bytes: int = 8000) -> str:
    """Return the end of a text file, empty when it is absent."""
    try:
        with open(path, "rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - limit_bytes))
            return stream.read(limit_bytes).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def remove_tree(path: str) -> None:
    """Remove a folder with read-only folders inside, or a link, or nothing."""
    if os.path.islink(path):
        os.unlink(path)
        return
    for folder, _, _ in os.walk(path):
        os.chmod(folder, stat.S_IRWXU)
    shutil.rmtree(path, ignore_errors=False) if os.path.isdir(path) else None


@contextmanager
def locked(
    path: str, seconds: float = 600.0, poll_seconds: float = 0.02, waiting: Callable[[], object] | None = None
) -> Iterator[int]:
    """Hold an exclusive lock on a file that is never renamed or removed; children do not inherit it by themselves.

    Args:
        path: Of the file; it is made when absent.
        seconds: How long to wait for it.
        poll_seconds: Between two tries.
        waiting: Called after each try that failed; what it raises ends the wait.

    Yields:
        The descriptor; who is given it holds the lock for as long as it lives.

    Raises:
        TimeoutError: Somebody else held it all the time.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, path, time.monotonic() + seconds, poll_seconds, waiting)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def draft(parent: str) -> Iterator[str]:
    """Hand out a new folder inside another, to be renamed when whole; what is left of it goes at the end.

    Who drafts holds a lock on the draft itself, so that drafts of killed runs are known and removed first.
    """
    with locked(parent + ".lock"):
        _sweep_drafts(parent)
        folder = tempfile.mkdtemp(prefix=_DRAFT, dir=parent)
        descriptor = _open_folder(folder)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        os.close(descriptor)
        remove_tree(folder)


def _sweep_drafts(parent: str) -> None:
    for name in os.listdir(parent):
        folder = os.path.join(parent, name)
        if name.startswith(_DRAFT) and os.path.isdir(folder) and not _is_held(folder):
            remove_tree(folder)


def _is_held(folder: str) -> bool:
    try:
        descriptor = _open_folder(folder)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _open_folder(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _lock(
    descriptor: int, path: str, deadline: float, poll_seconds: float, waiting: Callable[[], object] | None
) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError("somebody else holds {}".format(path)) from None
            if waiting is not None:
                waiting()
            time.sleep(poll_seconds)
        else:
            return
