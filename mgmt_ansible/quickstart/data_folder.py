"""The folder of one quickstart: everything that it writes lies below, and only one may use it at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mgmt_ansible import errors


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFolder:
    """Paths of one quickstart.

    ```
    client.yaml  agent.yaml  agent.token        how programs find the control plane (0600)
    control-plane/  agent/  sshd/  models/      each part's own files
    host/                                       base directory of the loopback host: packages, deployments
    logs/  marks/                               what the parts said; their pids and start times
    ```

    Attributes:
        root: Absolute; 0700.
    """

    root: Path

    @property
    def client_file(self) -> Path:
        """URL and token for the command line."""
        return self.root / "client.yaml"

    @property
    def agent_file(self) -> Path:
        """The agent's configuration."""
        return self.root / "agent.yaml"

    @property
    def agent_token(self) -> Path:
        """The agent's token."""
        return self.root / "agent.token"

    @property
    def control_plane(self) -> Path:
        """The control plane's data directory."""
        return self.root / "control-plane"

    @property
    def agent(self) -> Path:
        """The agent's data directory."""
        return self.root / "agent"

    @property
    def sshd(self) -> Path:
        """The loopback host's keys, inventory and log."""
        return self.root / "sshd"

    @property
    def models(self) -> Path:
        """The demo models and their samples."""
        return self.root / "models"

    @property
    def host(self) -> Path:
        """Base directory on the loopback host."""
        return self.root / "host"

    @property
    def logs(self) -> Path:
        """A log a program."""
        return self.root / "logs"

    @property
    def marks(self) -> Path:
        """A pid and start time a program."""
        return self.root / "marks"

    def make(self) -> None:
        """Make the folders that others expect; idempotent.

        Raises:
            QuickstartError: The folder cannot be made.
        """
        try:
            for folder in (self.root, self.logs, self.marks, self.models, self.host):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.root.chmod(0o700)
        except OSError as exc:
            raise errors.QuickstartError(
                f"{self.root}: cannot be used ({exc.strerror}); name another with --data"
            ) from exc

    def remove(self) -> None:
        """Remove everything; the packages of the host are read-only, which only root may ignore."""
        for folder, _, _ in os.walk(self.root):
            os.chmod(folder, 0o700)  # noqa: PTH101 - os.walk speaks in strings, and goes in after this
        shutil.rmtree(self.root)

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the folder for this process; the kernel lets go when the process ends, however it ends.

        Raises:
            QuickstartError: Another process holds it.
        """
        with (self.root / "up.lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise errors.QuickstartError(
                    f"{self.root} is in use by process {holder}: stop that one with Ctrl-C, or give another folder with --data"
                ) from exc
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
