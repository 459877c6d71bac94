"""The user's inventory as Ansible itself reads it: never a parser of ours."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.domain.environments import EnvironmentBinding, InventoryHost
from mgmt_ansible.domain.redaction import redact
from mgmt_ansible.execution.ansible_options import ansible_cfg, run_environment, vault_options
from mgmt_ansible.execution.installations import Installation
from mgmt_ansible.execution.known_secrets import KnownSecrets
from mgmt_ansible.execution.private_data import limit_text, write_private
from mgmt_ansible.ports import Inventory

_TIMEOUT_SECONDS = 120
_WORDS_LIMIT = 2_000
_HOSTS_LINE = re.compile(r"^\s*hosts \((\d+)\):\s*$")
_GENERAL_GROUPS = frozenset({"all", "ungrouped"})


class AnsibleInventory:
    """Asks `ansible --list-hosts` and `ansible-inventory`; safe to use from several threads."""

    def __init__(
        self,
        *,
        bindings: Mapping[str, EnvironmentBinding],
        installation: Installation,
        inherited: Mapping[str, str],
    ) -> None:
        """Take what asking needs.

        Args:
            bindings: Environment id -> binding.
            installation: The Ansible to ask.
            inherited: The process's own environment, for the bindings' allow-lists.
        """
        self._bindings = bindings
        self._installation = installation
        self._inherited = inherited
        self._secrets = KnownSecrets(installation=installation, inherited=inherited)

    def resolve(self, environment_id: str) -> tuple[InventoryHost, ...]:
        """Return the hosts that the binding's pattern matches, in inventory order, without groups; may be empty.

        Raises:
            InventoryError: Ansible could not read the inventory, or a host's name cannot stand in a limit.
            RunnerUnavailableError: Ansible is not there.
        """
        return tuple(InventoryHost(name=name) for name in self._names(self._binding(environment_id)))

    def snapshot(self, environment_id: str) -> tuple[InventoryHost, ...]:
        """Return the same hosts with their groups, sorted by name; `all` and `ungrouped` are left out.

        Raises:
            InventoryError: As `resolve`.
            RunnerUnavailableError: Ansible is not there.
        """
        binding = self._binding(environment_id)
        names = self._names(binding)
        groups = groups_of_hosts(self._ask(binding, "ansible-inventory", ["--list"]))
        return tuple(InventoryHost(name=name, groups=tuple(sorted(groups.get(name, ())))) for name in names)

    def variables(self, environment_id: str) -> dict[str, dict[str, object]]:
        """Return host -> variables of the inventory, groups' included, for the hosts that the pattern matches.

        Templates stay as they are written, and vaulted values stay mappings.

        Raises:
            InventoryError: As `resolve`.
            RunnerUnavailableError: Ansible is not there.
        """
        binding = self._binding(environment_id)
        names = self._names(binding)
        known = variables_of_hosts(self._ask(binding, "ansible-inventory", ["--list"]))
        return {name: known.get(name, {}) for name in names}

    def settings(self, environment_id: str) -> dict[str, object]:
        """Return what `ansible.cfg` and the environment's variables set, by Ansible's names; those of ssh begin with `ssh.`.

        Raises:
            InventoryError: Ansible's answer cannot be read.
            RunnerUnavailableError: Ansible is not there.
        """
        binding = self._binding(environment_id)
        arguments = ["dump", "--format", "json"]
        general = self._ask(binding, "ansible-config", arguments, of_inventory=False)
        ssh = self._ask(binding, "ansible-config", [*arguments, "-t", "connection", "ssh"], of_inventory=False)
        return {**settings_in(general), **settings_in(ssh)}

    def _binding(self, environment_id: str) -> EnvironmentBinding:
        try:
            return self._bindings[environment_id]
        except KeyError as exc:
            raise errors.InventoryError(f"this agent does not serve environment {environment_id}") from exc

    def _names(self, binding: EnvironmentBinding) -> tuple[str, ...]:
        names = listed_hosts(self._ask(binding, "ansible", [binding.pattern, "--list-hosts"]))
        limit_text(names)
        return names

    def _ask(
        self, binding: EnvironmentBinding, program: str, arguments: list[str], *, of_inventory: bool = True
    ) -> str:
        """Return what one of Ansible's programs prints."""
        executable = self._installation.executable(program)
        with tempfile.TemporaryDirectory(prefix="mgmt-ansible-inventory-") as directory:
            config = Path(binding.ansible_cfg) if binding.ansible_cfg is not None else Path(directory) / "ansible.cfg"
            if binding.ansible_cfg is None:
                write_private(config, ansible_cfg(binding))
            options = ["-i", str(binding.inventory), *vault_options(binding)] if of_inventory else []
            command = [str(executable), *arguments, *options]
            environment = run_environment(binding, self._installation.environment, self._inherited, config=config)
            done = _call(command, environment, Path(directory))
        if done.returncode != 0:
            words = redact(f"{done.stderr}\n{done.stdout}".strip(), self._secrets.of(binding), limit=_WORDS_LIMIT)
            raise errors.InventoryError(f"{binding.inventory}: Ansible cannot read the inventory: {words}")
        return done.stdout


def _call(command: list[str], environment: Mapping[str, str], directory: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise errors.InventoryError(f"{command[0]} did not answer within {_TIMEOUT_SECONDS} s: {command[1:]}") from exc
    except OSError as exc:
        raise errors.RunnerUnavailableError(f"{command[0]} cannot be started: {exc}") from exc


def listed_hosts(text: str) -> tuple[str, ...]:
    """Return the names that `ansible --list-hosts` printed.

    Raises:
        InventoryError: The text has another shape, or another number of hosts than it says.
    """
    lines = text.splitlines()
    for index, line in enumerate(lines):
        found = _HOSTS_LINE.match(line)
        if found is not None:
            names = tuple(name.strip() for name in lines[index + 1 :] if name.strip())
            if len(names) != int(found.group(1)):
                raise errors.InventoryError(f"Ansible announced {found.group(1)} hosts and listed {len(names)}")
            return names
    raise errors.InventoryError(f"Ansible's list of hosts cannot be read: {redact(text, limit=500)}")


def variables_of_hosts(text: str) -> dict[str, dict[str, object]]:
    """Return host name -> variables from what `ansible-inventory --list` printed.

    Raises:
        InventoryError: The text is not the JSON that Ansible prints.
    """
    try:
        known = json.loads(text)["_meta"]["hostvars"]
        return {str(host): dict(variables) for host, variables in known.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise errors.InventoryError(f"Ansible's inventory cannot be read: {exc}") from exc


def settings_in(text: str) -> dict[str, object]:
    """Return setting -> value from what `ansible-config dump --format json` printed; a plugin's begin with its name and a dot.

    Raises:
        InventoryError: The text is not the JSON that Ansible prints.
    """
    found: dict[str, object] = {}
    try:
        for entry in json.loads(text):
            if "name" in entry:
                found[entry["name"]] = entry.get("value")
                continue
            for plugin, options in entry.items():
                found.update({f"{plugin}.{option['name']}": option.get("value") for option in options})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise errors.InventoryError(f"Ansible's configuration cannot be read: {exc}") from exc
    return found


def groups_of_hosts(text: str) -> dict[str, set[str]]:
    """Return host name -> groups from what `ansible-inventory --list` printed; a parent group holds its children's hosts.

    Raises:
        InventoryError: The text is not the JSON that Ansible prints.
    """
    try:
        listed = json.loads(text)
        groups = {name: group for name, group in listed.items() if name != "_meta" and isinstance(group, dict)}
    except (ValueError, AttributeError, RecursionError) as exc:
        raise errors.InventoryError(f"Ansible's inventory cannot be read: {exc}") from exc
    hosts: dict[str, set[str]] = {}
    for name in groups.keys() - _GENERAL_GROUPS:
        for host in _hosts_below(name, groups):
            hosts.setdefault(host, set()).add(name)
    return hosts


def _hosts_below(name: str, groups: Mapping[str, object]) -> set[str]:
    """Look at every group once: children may be shared by many, and a list may be deep."""
    found: set[str] = set()
    seen, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        group = groups.get(current)
        if current in seen or not isinstance(group, dict):
            continue
        seen.add(current)
        found |= {host for host in group.get("hosts", ()) if isinstance(host, str)}
        waiting.extend(str(child) for child in group.get("children", ()))
    return found


_conforms: type[Inventory] = AnsibleInventory
