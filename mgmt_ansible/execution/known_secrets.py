"""What must not leave with a run's words: passwords in the environment's files, vaulted variables, passed variables.

Vaulted values are learnt from Ansible itself: one `ansible-vault view` for all files that are encrypted as a whole and one for
all single values, 0.6 s each on the machine where it was measured, once per change of those files.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import structlog
import yaml

from mgmt_ansible import errors
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.redaction import secret_forms
from mgmt_ansible.execution.ansible_options import ansible_cfg, run_environment, vault_options
from mgmt_ansible.execution.installations import Installation
from mgmt_ansible.execution.private_data import write_private

_LONGEST_SECRET = 4_096
_LARGEST_FILE_BYTES = 1 << 20
_MOST_FILES = 2_000
_TIMEOUT_SECONDS = 60
_SHORTEST_VALUE = 6
"""Of vaulted and passed values: `true`, `admin` and port numbers would blank every text."""

_VAULT = b"$ANSIBLE_VAULT;"
_INLINE = re.compile(r"^[ \t]*(\$ANSIBLE_VAULT;[^\n]*\n(?:[ \t]*[0-9a-f]+[ \t]*(?:\n|\Z))+)", re.MULTILINE)

_log = structlog.get_logger()

_Stamp = tuple[tuple[str, int, int], ...]


class KnownSecrets:
    """Knows the secrets of environments; safe to use from several threads."""

    def __init__(self, *, installation: Installation, inherited: Mapping[str, str]) -> None:
        """Take what asking Ansible needs.

        Args:
            installation: Whose `ansible-vault` is asked.
            inherited: The process's own environment, for the bindings' allow-lists.
        """
        self._installation = installation
        self._inherited = inherited
        self._lock = threading.Lock()
        self._learnt: dict[str, tuple[_Stamp, tuple[str, ...]]] = {}

    def of(self, binding: EnvironmentBinding) -> tuple[str, ...]:
        """Return every known secret of an environment in all its forms (`domain.redaction.secret_forms`).

        A vault that cannot be opened is logged and passed over: the run itself will say why.

        Raises:
            ExecutionError: A password file cannot be read.
        """
        passed = (self._inherited.get(name, "") for name in binding.pass_environment)
        return secret_forms([*file_secrets(binding), *filter(_is_telling, passed), *self._vaulted(binding)])

    def _vaulted(self, binding: EnvironmentBinding) -> tuple[str, ...]:
        try:
            files = tuple(_vault_files(binding))
            stamp = tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)
            return self._known(binding, files, stamp)
        except OSError as exc:  # changed while it was read; Ansible says so itself when it needs the file
            _log.warning("vault_not_read", error=str(exc), environment_id=binding.environment_id)
            return ()

    def _known(self, binding: EnvironmentBinding, files: tuple[Path, ...], stamp: _Stamp) -> tuple[str, ...]:
        with self._lock:
            known = self._learnt.get(binding.environment_id)
            if known is None or known[0] != stamp:
                known = (stamp, tuple(self._learn(binding, files)) if files else ())
                self._learnt[binding.environment_id] = known
        return known[1]

    def _learn(self, binding: EnvironmentBinding, files: Iterable[Path]) -> Iterator[str]:
        wholes = [path for path in files if path.read_bytes().startswith(_VAULT)]
        inlines = [text for path in files if path not in wholes for text in _inline_vaults(path)]
        with tempfile.TemporaryDirectory(prefix="mgmt-ansible-vault-") as name:
            folder = Path(name)
            values = [folder / str(number) for number in range(len(inlines))]
            for path, text in zip(values, inlines, strict=True):
                write_private(path, text)
            yield from filter(_is_telling, _scalars(self._view(binding, wholes, folder)))
            yield from filter(_is_telling, self._view(binding, values, folder).splitlines())

    def _view(self, binding: EnvironmentBinding, files: list[Path], folder: Path) -> str:
        """Return the content of encrypted files, one behind the other; of each alone when not all can be opened."""
        if not files:
            return ""
        done = self._call(binding, files, folder)
        if done is not None:
            return done
        if len(files) == 1:
            _log.warning("vault_not_opened", file=str(files[0]), environment_id=binding.environment_id)
            return ""
        return "\n".join(self._view(binding, [path], folder) for path in files)

    def _call(self, binding: EnvironmentBinding, files: list[Path], folder: Path) -> str | None:
        config = Path(binding.ansible_cfg) if binding.ansible_cfg is not None else folder / "ansible.cfg"
        if not config.exists():
            write_private(config, ansible_cfg(binding))
        program = str(self._installation.executable("ansible-vault"))
        try:
            done = subprocess.run(
                [program, "view", *vault_options(binding), *map(str, files)],
                env=run_environment(binding, self._installation.environment, self._inherited, config=config),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout if done.returncode == 0 else None


def file_secrets(binding: EnvironmentBinding) -> tuple[str, ...]:
    """Return the passwords that lie in the binding's files; scripts are not run for it.

    Raises:
        ExecutionError: A file cannot be read.
    """
    files = [binding.become_password_file, *binding.vault_password_files]
    paths = [Path(path) for path in files if path is not None]
    return tuple(filter(None, (_secret(path) for path in paths)))


def _secret(path: Path) -> str:
    if not path.is_file() or os.access(path, os.X_OK):
        return ""
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:_LONGEST_SECRET].strip()
    except OSError as exc:
        raise errors.ExecutionError(f"{path} cannot be read: {exc}") from exc


def _vault_files(binding: EnvironmentBinding) -> Iterator[Path]:
    """Yield the files of an inventory, of the variables beside it and of the user's content that hold something encrypted."""
    inventory = Path(binding.inventory)
    homes = (
        [inventory]
        if inventory.is_dir()
        else [inventory, inventory.parent / "group_vars", inventory.parent / "host_vars"]
    )
    homes += [Path(binding.content_path)] if binding.content_path is not None else []
    found = (path for home in homes for path in ([home] if home.is_file() else sorted(home.rglob("*"))))
    for number, path in enumerate(found):
        if number >= _MOST_FILES:
            _log.warning("inventory_too_large_for_redaction", inventory=str(inventory), files=_MOST_FILES)
            return
        if _holds_vault(path):
            yield path


def _holds_vault(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size <= _LARGEST_FILE_BYTES and _VAULT in path.read_bytes()
    except OSError:  # Ansible says so itself when it needs the file
        return False


def _inline_vaults(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    return ["".join(f"{line.strip()}\n" for line in found.splitlines()) for found in _INLINE.findall(text)]


def _scalars(text: str) -> list[str]:
    """Return every value, not the keys, in YAML documents that stand one behind the other; of anything else the lines."""
    try:
        return list(_values(list(yaml.compose_all(text, Loader=yaml.SafeLoader))))
    except (yaml.YAMLError, RecursionError):
        return [part for line in text.splitlines() for part in (line, line.partition(":")[2].strip())]


def _values(waiting: list[yaml.Node]) -> Iterator[str]:
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            yield str(node.value)
        elif isinstance(node, yaml.MappingNode):
            waiting.extend(value for _, value in node.value)
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)


def _is_telling(value: str) -> bool:
    return len(value.strip()) >= _SHORTEST_VALUE and not value.startswith("/")
