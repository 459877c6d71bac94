"""Where everything lies on a host; `docs/reference/host-layout.md` is this page for people."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from .failures import HostError

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Layout:
    """Paths under one base directory.

    Attributes:
        base_dir: Absolute.
    """

    base_dir: str

    @classmethod
    def at(cls, base_dir: str) -> Layout:
        """Return the layout of a base directory; empty means the host's default.

        Raises:
            HostError: The path is not absolute.
        """
        if not base_dir:
            system = os.geteuid() == 0
            base_dir = "/var/lib/mgmt-ansible" if system else os.path.expanduser("~/.local/share/mgmt-ansible")
        if not os.path.isabs(base_dir):
            raise HostError("playbook_error", "base_dir must be an absolute path, not {!r}".format(base_dir))
        return cls(os.path.normpath(base_dir))

    def make(self) -> None:
        """Make the folders that everything else expects."""
        for folder in ("packages", "environments", "programs", "deployments"):
            os.makedirs(self.path(folder), mode=0o700, exist_ok=True)

    def path(self, *parts: str) -> str:
        """Return a path below the base directory."""
        return os.path.join(self.base_dir, *parts)

    def package(self, digest: str) -> str:
        """Return an unpacked package's folder.

        Raises:
            HostError: That is no digest.
        """
        if not _DIGEST.fullmatch(digest):
            raise HostError("artifact", "not a package digest: {!r}".format(digest))
        return self.path("packages", digest)

    def deployment(self, deployment_id: str) -> DeploymentLayout:
        """Return a deployment's paths.

        Raises:
            HostError: That is no id.
        """
        if not _ID.fullmatch(deployment_id):
            raise HostError("playbook_error", "not a deployment id: {!r}".format(deployment_id))
        return DeploymentLayout(self.path("deployments", deployment_id))

    def deployment_ids(self) -> list[str]:
        """Return the ids of all deployments that the host knows of, sorted; what else lies there is passed over."""
        folder = self.path("deployments")
        names = os.listdir(folder) if os.path.isdir(folder) else []
        return sorted(name for name in names if _ID.fullmatch(name) and os.path.isdir(os.path.join(folder, name)))


@dataclass(frozen=True)
class DeploymentLayout:
    """Paths of one deployment.

    Attributes:
        folder: `<base_dir>/deployments/<id>`.
    """

    folder: str

    @property
    def lock(self) -> str:
        """Never renamed or removed."""
        return os.path.join(self.folder, "lock")

    @property
    def fence(self) -> str:
        """The highest pair that was ever seen, and who works on it."""
        return os.path.join(self.folder, "fence.json")

    @property
    def state(self) -> str:
        """What was last proved."""
        return os.path.join(self.folder, "state.json")

    @property
    def effects(self) -> str:
        """One line for each thing that was changed."""
        return os.path.join(self.folder, "effects.jsonl")

    @property
    def result(self) -> str:
        """What the newest changing action came to."""
        return os.path.join(self.folder, "result.json")

    @property
    def spare(self) -> str:
        """Room kept back while a switch is under way."""
        return os.path.join(self.folder, "spare")

    @property
    def slots(self) -> str:
        """Holds `a` and `b`, and `proxy` where there is one."""
        return os.path.join(self.folder, "slots")

    @property
    def traffic(self) -> str:
        """Where the proxy works, where there is one."""
        return os.path.join(self.folder, "traffic")

    @property
    def releases(self) -> str:
        """Holds a folder for each installed generation."""
        return os.path.join(self.folder, "releases")

    def slot(self, name: str) -> str:
        """Return a running place's folder."""
        return os.path.join(self.slots, name)

    def release(self, generation: int) -> str:
        """Return an installed generation's folder."""
        return os.path.join(self.releases, str(generation))
