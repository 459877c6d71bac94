"""Searching for planted secrets: in files, in the command lines of all processes, in what programs answer."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mgmt_ansible.quickstart.leak_channels import Secret

_LARGEST_FILE_BYTES = 256 << 20
_PIECE_BYTES = 1 << 20
_OVERLAP_BYTES = 8_192
_SAMPLE_SECONDS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A secret where it does not belong; its value is not told."""

    channel: str
    place: str


@dataclass(slots=True)
class Places:
    """How many places of each kind were searched, and what was found there.

    Attributes:
        counts: Kind, such as `file` or `page` -> places.
        hits: In the order in which they were found, each once.
    """

    counts: dict[str, int] = field(default_factory=dict)
    hits: dict[Hit, None] = field(default_factory=dict)

    def search(self, kind: str, name: str, content: bytes, secrets: Iterable[Secret]) -> None:
        """Search one place that lies in memory."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        for secret in secrets:
            if any(needle in content for needle in secret.needles):
                self.hits[Hit(channel=secret.channel, place=f"{kind} {name}")] = None

    def search_files(self, kind: str, paths: Iterable[Path], secrets: Sequence[Secret]) -> None:
        """Search files as raw bytes: a database's pages and its log as well; where a secret belongs it is no hit."""
        for path in paths:
            foreign = [secret for secret in secrets if path not in secret.belongs]
            self.counts[kind] = self.counts.get(kind, 0) + 1
            for found in _found_in_file(path, foreign):
                self.hits[Hit(channel=found, place=f"{kind} {path}")] = None


class ProcessWatch:
    """Reads the command line of every process again and again, as anybody on the machine may.

    Attributes:
        samples: How often all of them were read.
    """

    def __init__(self) -> None:
        """Watch nothing yet."""
        self.samples = 0
        self._seen: dict[bytes, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="process-watch", daemon=True)

    def __enter__(self) -> ProcessWatch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def command_lines(self) -> dict[bytes, str]:
        """Every command line that was seen -> its program; read it after the end."""
        return dict(self._seen)

    def _watch(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            self.samples += 1
            for line in _command_lines():
                if line not in self._seen:
                    self._seen[line] = line.partition(b"\0")[0].decode(errors="replace").rpartition("/")[2]


def files_below(*folders: Path, newer_than: float = 0.0) -> Iterator[Path]:
    """Yield regular files below folders, links not followed.

    Args:
        folders: May be absent.
        newer_than: Seconds since the epoch; older ones are passed over.
    """
    for folder in folders:
        for home, _, names in os.walk(folder):
            for name in names:
                path = Path(home) / name
                try:
                    about = path.lstat()
                except OSError:
                    continue
                if path.is_file() and not path.is_symlink() and about.st_mtime >= newer_than:
                    yield path


def shared_folders() -> tuple[Path, ...]:
    """Return where programs leave things behind: temporary folders, shared memory, Ansible's own folder."""
    found = {Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path.home() / ".ansible"}  # noqa: S108 - searched only
    return tuple(sorted(path for path in found if path.is_dir()))


def _found_in_file(path: Path, secrets: Sequence[Secret]) -> set[str]:
    found: set[str] = set()
    with contextlib.suppress(OSError):  # removed or somebody else's by now: what was read counts
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            return found
        with path.open("rb") as file:
            before = b""
            while piece := file.read(_PIECE_BYTES):
                window = before + piece
                found |= {one.channel for one in secrets if any(needle in window for needle in one.needles)}
                before = window[-_OVERLAP_BYTES:]
    return found


def _command_lines() -> Iterator[bytes]:
    for entry in os.listdir("/proc"):  # noqa: PTH208 - a hundred times a second
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:  # noqa: PTH123 - see above
                    line = file.read()
            except OSError:
                continue
            if line:
                yield line
