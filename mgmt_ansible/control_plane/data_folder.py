"""The control plane's own folder: package archives, the first token, and where the server can be found."""

from __future__ import annotations

import json
import os
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.control_plane.access import Access
from mgmt_ansible.control_plane.credentials import new_token
from mgmt_ansible.control_plane.package_files import PackageFiles

FIRST_TOKEN = "admin.token"  # noqa: S105 - a file's name
ADDRESS = "control-plane.json"
_START_TIME_FIELD = 19
"""Of what follows the command's name in `/proc/<pid>/stat`: field 22 of the whole. Source: proc(5)."""


def make_private(folder: Path) -> None:
    """Make the folder, for nobody else; ConfigError when it cannot be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(0o700)
    except OSError as exc:
        raise errors.ConfigError(f"data: {folder} cannot be made: {exc.strerror}") from exc
    if not os.access(folder, os.W_OK | os.X_OK):
        raise errors.ConfigError(f"data: {folder} cannot be written: choose another with --data")


def open_package_files(folder: Path, *, max_bytes: int) -> PackageFiles:
    """Return the archives' place, prepared."""
    files = PackageFiles(folder / "packages", max_bytes=max_bytes)
    files.prepare()
    return files


def write_first_token(folder: Path, access: Access) -> None:
    """Create the user token `admin` in `<data>/admin.token` (0600), unless a user token was ever made.

    The file is on disk before the token is good: a crash between the two leaves a file that the next start replaces. Of
    two first starts at the same time one writes it.
    """
    if access.has_user_token():
        return
    text = new_token()
    access.create_first_token(text, lambda: write_private(folder / FIRST_TOKEN, text + "\n"))


def write_address(folder: Path, url: str) -> None:
    """Tell other programs where this server answers, and which process it is."""
    stat = Path("/proc/self/stat").read_text()
    start_time = int(stat.rpartition(")")[2].split()[_START_TIME_FIELD])
    write_private(folder / ADDRESS, json.dumps({"url": url, "pid": os.getpid(), "start_time": start_time}) + "\n")


def find_running(folder: Path) -> str | None:
    """Return the URL of the server that lives in a folder; None when none does."""
    try:
        told = json.loads((folder / ADDRESS).read_text())
        stat = Path(f"/proc/{int(told['pid'])}/stat").read_text()
        alive = int(stat.rpartition(")")[2].split()[_START_TIME_FIELD]) == told["start_time"]
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    return str(told.get("url")) if alive else None


def remove_address(folder: Path) -> None:
    """Say that no server answers any more."""
    (folder / ADDRESS).unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read: whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
