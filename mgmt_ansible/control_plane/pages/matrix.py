"""The matrix: every host against every deployment, each cell that host's own newest result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup, escape

from mgmt_ansible.control_plane.pages.addresses import address
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.store.deployment_filters import DeploymentFilters
from mgmt_ansible.control_plane.store.deployment_hosts import Standing
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.outcomes import FINE, Outcome
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.deployment_hosts import DeploymentHost

MOST_DEPLOYMENTS = 100
MOST_HOSTS = 5_000
MOST_CELLS = 1_200
"""On one page: each more costs the browser at every click, as a theme or a dialog styles them all anew."""
FEWEST_ROWS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a cell shows: a sign, a tone, a letter and a word. The sign is text: thousands of drawn ones take a second."""

    sign: str
    tone: str
    letter: str
    text: str


_SERVES = Mark(sign="✓", tone="passing", letter="S", text="serves the wanted model")
_STOPPED = Mark(sign="■", tone="info", letter="N", text="nothing runs, as wanted")
_OTHER = Mark(sign="▲", tone="warning", letter="O", text="out of step: serves another model")
_FAILED = Mark(sign="✕", tone="failing", letter="F", text="failed")
_DEGRADED = Mark(sign="✕", tone="failing", letter="D", text="degraded: nobody answers")
_ROLLED_BACK = Mark(sign="▲", tone="warning", letter="R", text="rolled back: the old model serves")
_UNREACHABLE = Mark(sign="○", tone="unknown", letter="U", text="unreachable")
_UNKNOWN = Mark(sign="○", tone="unknown", letter="?", text="not known")

MARKS = (_SERVES, _OTHER, _ROLLED_BACK, _FAILED, _DEGRADED, _UNREACHABLE, _UNKNOWN, _STOPPED)
"""In the order of the legend."""

_NOTHING = Markup("<td>·</td>")
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
        rows: Hosts of this page.
        offset: How many hosts are before them.
        more_deployments: How many deployments are not shown.
    """

    environment: api_v2.PredictionEnvironment | None
    environments: tuple[api_v2.PredictionEnvironment, ...]
    hosts_total: int
    rows: tuple[str, ...]
    offset: int
    deployments: tuple[api_v2.Deployment, ...]
    cells: Mapping[tuple[str, str], Standing]
    troubled: bool
    more_deployments: int
    newest_sequence: int

    @property
    def url(self) -> str:
        """The address of this very view."""
        return self.address(self.offset)

    @property
    def previous_url(self) -> str | None:
        """Where the hosts before these are."""
        return self.address(max(0, self.offset - rows_on_a_page(len(self.deployments)))) if self.offset else None

    @property
    def next_url(self) -> str | None:
        """Where the hosts after these are."""
        last = self.offset + len(self.rows)
        return self.address(last) if last < self.hosts_total else None

    def address(self, offset: int) -> str:
        """Return the address of a page of this view."""
        chosen = self.environment.id if self.environment else ""
        only = "trouble" if self.troubled else ""
        return address("/matrix", {"environment": chosen, "only": only, "offset": offset})

    def row(self, host: str) -> Markup:
        """Return a host's cells in the order of the columns, a dot where nothing was ever told.

        Made here and not in a template, which takes half a second for thousands of them.
        """
        text, address = escape(host), escape(quote(host))
        return Markup("").join(
            self._cell(self.cells.get((host, deployment.id)), deployment, text, address)
            for deployment in self.deployments
        )

    def _cell(self, told: Standing | None, deployment: api_v2.Deployment, host: Markup, address: Markup) -> Markup:
        if told is None:
            return _NOTHING
        mark = mark_of(told, stopped=deployment.state is DeploymentState.STOPPED)
        link = f"/events?deployment={deployment.id}&amp;host={address}"
        title = f"{escape(deployment.label)} on {host}: {mark.text}"
        return Markup(  # noqa: S704 - of escaped parts, and of an id without a sign that means something
            f'<td><a class="tone-{mark.tone}" href="{link}" title="{title}"><i>{mark.sign}</i>{mark.letter}</a></td>'
        )


def rows_on_a_page(deployments: int) -> int:
    """Return how many hosts a page shows, of so many deployments each."""
    return max(FEWEST_ROWS, MOST_CELLS // max(1, deployments))


def mark_of(cell: Standing | DeploymentHost, *, stopped: bool) -> Mark:
    """Return how a host's own result is shown; the letter tells it without the colour."""
    if cell.outcome not in FINE:
        return _BAD.get(cell.outcome, _UNKNOWN)
    if stopped and cell.in_step:
        return _STOPPED
    return _SERVES if cell.in_step else _OTHER


def matrix_view(services: Services, environment_id: str, *, troubled: bool, offset: int = 0) -> Matrix:
    """Gather the matrix of an environment, of the first one when none is chosen.

    Args:
        services: Of the control plane.
        environment_id: Empty for the first.
        troubled: Only hosts and deployments with a cell that is not fine.
        offset: How many hosts to leave out before the first one shown.
    """
    newest_sequence = services.deployment_events.newest_sequence()
    environments = tuple(services.registry.list_environments(limit=500).data)
    environment = next(
        (one for one in environments if one.id == environment_id), environments[0] if environments else None
    )
    chosen = environment.id if environment else "-"
    page = services.deployments.find(DeploymentFilters(environment_id=chosen), limit=MOST_DEPLOYMENTS)
    told = services.deployments.standings([one.id for one in page.data])
    bad = [one for one in told if one.outcome not in FINE or not one.in_step]
    bad_hosts, bad_deployments = {one.host for one in bad}, {one.deployment_id for one in bad}
    inventory = [one.name for one in services.registry.list_hosts(chosen, limit=MOST_HOSTS).data] if environment else []
    names = dict.fromkeys((*inventory, *sorted({one.host for one in told})))
    hosts = [name for name in names if not troubled or name in bad_hosts]
    deployments = [one for one in page.data if not troubled or one.id in bad_deployments]
    return Matrix(
        environment=environment,
        environments=environments,
        hosts_total=len(hosts),
        rows=tuple(hosts[offset : offset + rows_on_a_page(len(deployments))]),
        offset=offset,
        deployments=tuple(deployments),
        cells={(one.host, one.deployment_id): one for one in told},
        troubled=troubled,
        more_deployments=max(0, page.total_count - len(page.data)),
        newest_sequence=newest_sequence,
    )
