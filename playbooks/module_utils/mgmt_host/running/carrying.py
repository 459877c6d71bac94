"""What keeps a slot's server running: a carrier, one of several kinds; this is what all of them do.

```
 slots --of(slot.json)--> Carrier --start, stop, look--> server
```
Which there are stands in `carriers`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Protocol

from ..machine import durable_files, processes


@dataclass(frozen=True)
class Place:
    """Where one server runs: a slot, as its carrier sees it.

    Attributes:
        name: Unique in its deployment.
        folder: Holds `slot.json` (what shall run) and what the carrier keeps about it.
    """

    name: str
    folder: str

    @property
    def config(self) -> dict[str, Any]:
        """What shall run; empty when nothing was ever started here."""
        return durable_files.read_json(self.path("slot.json")) or {}

    def configure(self, config: dict[str, Any]) -> None:
        """Write down what shall run.

        Raises:
            OSError: It cannot be written.
        """
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        durable_files.write_json(self.path("slot.json"), config)

    def path(self, name: str) -> str:
        """Return the path of a file in the folder."""
        return os.path.join(self.folder, name)


@dataclass(frozen=True)
class Carried:
    """What a carrier knows of the server that it keeps running.

    Attributes:
        known: It has taken the place's present configuration up; False while a start is still on its way.
        running: Anything of the place lives, or will live again by itself: server, supervisor, unit or container.
        server: The model server, if it lives.
        exits: How often it ended since the start.
        last_exit: `{code, out_of_memory, stopped, oom_proof}` of the newest end: a negative code is a signal's number.
    """

    known: bool
    running: bool
    server: processes.ProcessMark | None = None
    exits: int = 0
    last_exit: dict[str, Any] | None = None


class Carrier(Protocol):
    """Keeps the server of a place running until it is told to stop."""

    @property
    def name(self) -> str:
        """Return the word by which `slot.json` names it as its `carrier`."""

    @property
    def comes_back(self) -> bool:
        """Tell whether it starts its server again after a boot by itself, without our line in a crontab."""

    def folder_of(self, place: Place) -> str:
        """Return the folder that the server itself reads `slot.json` from and writes into."""

    def enforces(self) -> frozenset[str]:
        """Return which of a package's `resources` it can hold a server to on this host."""

    def secret_path(self, place: Place, name: str, path: str) -> str:
        """Return where the server reads the secret of that name, which lies on the host at `path`."""

    def start(self, place: Place, config: dict[str, Any]) -> None:
        """Run a configuration there; what this carrier ran there before is gone. Does not wait for the server.

        Raises:
            HostError: It could not be started, or what ran there does not end.
            OSError: The configuration cannot be written.
        """

    def stop(self, place: Place, seconds: float) -> bool:
        """Stop what runs there, kill it after that long; it is gone when this returns, seen before or not.

        Returns:
            Whether anything ran.

        Raises:
            HostError: It cannot be killed.
        """

    def look(self, place: Place) -> Carried:
        """Return what runs there now; reads only."""

    def log_tail(self, place: Place) -> str:
        """Return the end of what the server wrote, empty when it wrote nothing."""
