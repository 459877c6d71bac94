"""The Ansible that runs use: that of this interpreter, or another one in `ansible.bin_dir`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cached_property
from importlib import metadata
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.domain.redaction import clean_text

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_VERSION_TIMEOUT_SECONDS = 60


class Installation:
    """One Ansible; its version is asked once.

    Attributes:
        bin_dir: Directory of `ansible-playbook`.
    """

    def __init__(self, *, bin_dir: Path | None, inherited: Mapping[str, str]) -> None:
        """Describe an installation.

        Args:
            bin_dir: Directory of another interpreter's Ansible; None takes that of this interpreter.
            inherited: The process's own environment; only HOME, USER and LOGNAME are taken from it.
        """
        self.bin_dir = bin_dir or Path(sys.executable).parent
        self._inherited = inherited

    def executable(self, name: str) -> Path:
        """Return the path of one of Ansible's programs.

        Raises:
            RunnerUnavailableError: It is not there.
        """
        found = shutil.which(name, path=self.search_path)
        if found is None:
            raise errors.RunnerUnavailableError(
                f"{name} is not in {self.bin_dir}: install ansible-core there, or set ansible/bin_dir to where it is"
            )
        return Path(found)

    @property
    def search_path(self) -> str:
        """The PATH of runs: `bin_dir`, then the system's."""
        return f"{self.bin_dir}:{_SYSTEM_PATH}"

    @property
    def environment(self) -> dict[str, str]:
        """The least environment that Ansible and OpenSSH need, with a UTF-8 locale."""
        own = {name: self._inherited[name] for name in ("HOME", "USER", "LOGNAME") if name in self._inherited}
        return {**own, "PATH": self.search_path, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}

    @cached_property
    def version(self) -> str:
        """Version of ansible-core, such as `2.19.14`; another interpreter's is asked, which takes most of a second.

        Raises:
            RunnerUnavailableError: `ansible-playbook --version` does not answer.
        """
        if self.bin_dir == Path(sys.executable).parent:
            return metadata.version("ansible-core")
        command = [str(self.executable("ansible-playbook")), "--version"]
        try:
            done = subprocess.run(
                command,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=_VERSION_TIMEOUT_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as exc:
            raise errors.RunnerUnavailableError(f"{command[0]} --version failed: {exc}") from exc
        words = clean_text(done.stdout.partition("\n")[0]).strip("[]\n ").replace("]", "").split()
        return words[-1] if words else ""
