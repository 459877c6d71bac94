"""The matrix: every host against every deployment, each cell that host's own newest result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mgmt_ansible.control_plane.pages.addresses import address
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.store.deployment_filters import DeploymentFilters
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.outcomes import FINE, Outcome
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.deployment_hosts import DeploymentHost

MOST_DEPLOYMENTS = 100
MOST_HOSTS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a cell shows: an icon's name, a tone, a letter and a word."""

    icon: str
    tone: str
    letter: str
    text: str


_SERVES = Mark(icon="passing", tone="passing", letter="S", text="serves the wanted model")
_STOPPED = Mark(icon="stopped", tone="info", letter="N", text="nothing runs, as wanted")
_OTHER = Mark(icon="warning", tone="warning", letter="O", text="out of step: serves another model")
_FAILED = Mark(icon="failing", tone="failing", letter="F", text="failed")
_DEGRADED = Mark(icon="failing", tone="failing", letter="D", text="degraded: nobody answers")
_ROLLED_BACK = Mark(icon="warning", tone="warning", letter="R", text="rolled back: the old model serves")
_UNREACHABLE = Mark(icon="unknown", tone="unknown", letter="U", text="unreachable")
_UNKNOWN = Mark(icon="unknown", tone="unknown", letter="?", text="not known")

MARKS = (_SERVES, _OTHER, _ROLLED_BACK, _FAILED, _DEGRADED, _UNREACHABLE, _UNKNOWN, _STOPPED)
"""In the order of the legend."""

_BAD = {
    Outcome.FAILED: _FAILED,
    Outcome.DEGRADED: _DEGRADED,
    Outcome.ROLLED_BACK: _ROLLED_BACK,
    Outcome.UNREACHABLE: _UNREACHABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Rows are hosts of one environment, columns its deployments.

    Attributes:
        cells: (host, deployment id) -> its own result; missing where none was ever told.
        more_hosts: How many hosts are not shown.
        more_deployments: How many deployments are not shown.
    """

    environment: api_v2.PredictionEnvironment | None
    environments: tuple[api_v2.PredictionEnvironment, ...]
    hosts: tuple[str, ...]
    deployments: tuple[api_v2.Deployment, ...]
    cells: Mapping[tuple[str, str], DeploymentHost]
    troubled: bool
    more_hosts: int
    more_deployments: int
    newest_sequence: int

    @property
    def url(self) -> str:
        """The address of this very view."""
        chosen = self.environment.id if self.environment else ""
        return address("/matrix", {"environment": chosen, "only": "trouble" if self.troubled else ""})

    def mark(self, host: str, deployment: api_v2.Deployment) -> Mark | None:
        """Return what a cell shows; None where nothing was ever told."""
        cell = self.cells.get((host, deployment.id))
        return None if cell is None else mark_of(cell, stopped=deployment.state is DeploymentState.STOPPED)


def mark_of(cell: DeploymentHost, *, stopped: bool) -> Mark:
    """Return how a host's own result is shown; the letter tells it without the colour."""
    if cell.outcome not in FINE:
        return _BAD.get(cell.outcome, _UNKNOWN)
    if stopped and cell.in_step:
        return _STOPPED
    return _SERVES if cell.in_step else _OTHER


def matrix_view(services: Services, environment_id: str, *, troubled: bool) -> Matrix:
    """Gather the matrix of an environment, of the first one when none is chosen.

    Args:
        services: Of the control plane.
        environment_id: Empty for the first.
        troubled: Only hosts and deployments with a cell that is not fine.
    """
    newest_sequence = services.deployment_events.newest_sequence()
    environments = tuple(services.registry.list_environments(limit=500).data)
    environment = next(
        (one for one in environments if one.id == environment_id), environments[0] if environments else None
    )
    chosen = environment.id if environment else "-"
    page = services.deployments.find(DeploymentFilters(environment_id=chosen), limit=MOST_DEPLOYMENTS)
    told = services.deployments.hosts_of([one.id for one in page.data])
    if troubled:
        bad = {(one.host, one.deployment_id) for one in told if one.outcome not in FINE or not one.in_step}
    else:
        bad = {(one.host, one.deployment_id) for one in told}
    inventory = [one.name for one in services.registry.list_hosts(chosen, limit=MOST_HOSTS).data] if environment else []
    names = dict.fromkeys((*inventory, *sorted({one.host for one in told})))
    hosts = [name for name in names if not troubled or any(host == name for host, _ in bad)]
    deployments = [one for one in page.data if not troubled or any(one.id == other for _, other in bad)]
    return Matrix(
        environment=environment,
        environments=environments,
        hosts=tuple(hosts[:MOST_HOSTS]),
        deployments=tuple(deployments),
        cells={(one.host, one.deployment_id): one for one in told},
        troubled=troubled,
        more_hosts=max(0, len(hosts) - MOST_HOSTS),
        more_deployments=max(0, page.total_count - len(page.data)),
        newest_sequence=newest_sequence,
    )
