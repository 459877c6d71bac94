"""The programs that a quickstart starts: each in a session of its own, with a log and a mark."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.quickstart import processes
from mgmt_ansible.quickstart.data_folder import DataFolder

_LOG_END_BYTES = 2000


class Child:
    """One program of ours; it outlives nobody: whoever starts it stops it, or the next start does by its mark.

    Attributes:
        name: Of the log and the mark.
        log: Where it writes.
    """

    def __init__(self, folder: DataFolder, name: str) -> None:
        """Describe a program; nothing is started."""
        self.name = name
        self.log = folder.logs / f"{name}.log"
        self._mark_path = folder.marks / f"{name}.json"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id; None before the start."""
        return self._process.pid if self._process is not None else None

    @property
    def exit_code(self) -> int | None:
        """What it ended with; None while it runs or was not started."""
        return self._process.poll() if self._process is not None else None

    def start(self, module: str, arguments: Sequence[str]) -> None:
        """Start a module of this Python; a leftover of the same name is stopped first.

        Args:
            module: As for `python -m`.
            arguments: Its own; never secrets, as everybody can read them.
        """
        self.stop_leftover()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder.root,
                env=_environment(),
                start_new_session=True,
            )
        mark = processes.mark_process(self._process.pid)
        if mark is not None:
            processes.write_mark(self._mark_path, mark)

    def wait(self) -> None:
        """Block until it ends by itself.

        Raises:
            QuickstartError: It failed.
        """
        if self._process is not None and self._process.wait() != 0:
            raise self.failure()

    def failure(self) -> errors.QuickstartError:
        """Return the error that its end is, with the last lines of its log."""
        return errors.QuickstartError(
            f"{self.name} ended with exit code {self.exit_code}; the end of {self.log}:\n{self.log_end()}"
        )

    def log_end(self) -> str:
        """Return the last lines of its log."""
        return _end(self.log)

    def stop(self, *, grace_seconds: float = 5.0) -> None:
        """Stop it and its descendants, also when its start was cut short before there was a mark; idempotent."""
        mark = processes.mark_process(self._process.pid) if self._process and self._process.poll() is None else None
        if mark is not None:
            processes.stop_tree(mark, grace_seconds=grace_seconds)
        self.stop_leftover(grace_seconds=grace_seconds)
        if self._process is not None:
            self._process.wait()

    def stop_leftover(self, *, grace_seconds: float = 5.0) -> None:
        """Stop what the mark names, whoever started it."""
        mark = processes.find_mark(self._mark_path)
        if mark is not None:
            processes.stop_tree(mark, grace_seconds=grace_seconds)
            self._mark_path.unlink(missing_ok=True)


def _environment() -> dict[str, str]:
    """Return this process's variables without those that would change the settings of our own programs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MGMT_ANSIBLE_")}


def _end(path: Path) -> str:
    if not path.exists():
        return "(no log)"
    return path.read_bytes()[-_LOG_END_BYTES:].decode(errors="replace").strip()
