"""The preflight of one environment: its inventory and settings as Ansible reads them, its hosts' keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.preflight import HostReport
from mgmt_ansible.execution import host_trust
from mgmt_ansible.execution.ansible_options import run_environment
from mgmt_ansible.execution.installations import Installation
from mgmt_ansible.execution.inventories import AnsibleInventory
from mgmt_ansible.execution.known_secrets import KnownSecrets
from mgmt_ansible.execution.preflight import PreflightRequest, check_hosts, ssh_settings
from mgmt_ansible.execution.ssh_options import SshOptions, ask_ssh


class EnvironmentPreflight:
    """Looks at one environment's hosts from where its agent's configuration is."""

    def __init__(self, binding: EnvironmentBinding, installation: Installation, inherited: Mapping[str, str]) -> None:
        """Take what asking needs.

        Args:
            binding: Of the environment.
            installation: The Ansible to ask.
            inherited: The process's own environment, for the binding's allow-list.
        """
        self._binding = binding
        self._installation = installation
        self._inherited = inherited
        bindings = {binding.environment_id: binding}
        self._inventory = AnsibleInventory(bindings=bindings, installation=installation, inherited=inherited)

    def check(
        self,
        hosts: tuple[str, ...],
        *,
        package_bytes: int,
        seconds: float,
        tell: Callable[[HostReport, int], None] = lambda _report, _total: None,
    ) -> tuple[HostReport, ...]:
        """Look at hosts and return a report for each.

        Args:
            hosts: Names of the inventory; none means all that the pattern matches.
            package_bytes: Size of the largest archive to come; 0 when none is known.
            seconds: For each host.
            tell: Is called with each report as it comes, and with the number of hosts in all.

        Raises:
            NotFoundError: The pattern does not match a host of that name.
            InventoryError: Ansible cannot read the inventory.
            RunnerUnavailableError: Ansible is not there.
        """
        variables = self._variables(hosts)
        request = PreflightRequest(
            binding=self._binding,
            variables=variables,
            settings=self._inventory.settings(self._binding.environment_id),
            environment=self._environment(),
            known_secrets=KnownSecrets(installation=self._installation, inherited=self._inherited).of(self._binding),
            package_bytes=package_bytes,
            seconds=seconds,
        )
        return check_hosts(request, lambda report: tell(report, len(variables)))

    def ssh_options(self, host: str) -> SshOptions:
        """Return what OpenSSH would do for a host.

        Raises:
            NotFoundError: As `check`.
            ExecutionError: OpenSSH refuses, or a variable is not resolved.
        """
        (variables,) = self._variables((host,)).values()
        settings = ssh_settings(self._inventory.settings(self._binding.environment_id))
        return ask_ssh(host, variables, settings, self._environment())

    def look_at_keys(self, host: str, options: SshOptions) -> host_trust.ShownKeys:
        """Ask a host for its keys; see `host_trust.look_at_keys`."""
        return host_trust.look_at_keys(host, options, self._environment())

    def _variables(self, hosts: tuple[str, ...]) -> dict[str, dict[str, object]]:
        known = self._inventory.variables(self._binding.environment_id)
        missing = sorted(set(hosts) - known.keys())
        if missing:
            raise errors.NotFoundError(
                f"host {missing[0]} is not among those that the pattern {self._binding.pattern} matches in "
                f"{self._binding.inventory}"
            )
        return {host: variables for host, variables in known.items() if not hosts or host in hosts}

    def _environment(self) -> dict[str, str]:
        config = Path(self._binding.ansible_cfg or "/dev/null")
        return run_environment(self._binding, self._installation.environment, self._inherited, config=config)
