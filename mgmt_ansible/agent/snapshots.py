"""Snapshots: the control plane's pages get host names and groups, read-only, now and then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from mgmt_ansible import errors
from mgmt_ansible.agent.shutdowns import Shutdown
from mgmt_ansible.domain.preflight import MOST_CHECKED_HOSTS, HostReport
from mgmt_ansible.domain.reports import HostsReport, PreflightReport
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.ports import Clock, Inventory, ReportSpool

INTERVAL_SECONDS = 600.0
"""Between two snapshots of an environment."""

Preflight = Callable[[str], tuple[HostReport, ...]]
"""Looks at the hosts of an environment; changes nothing."""

_log = structlog.get_logger()


def preflight_reports(
    environment_id: str, hosts: Sequence[HostReport], taken_at: datetime, make_id: Callable[[], str] = make_id
) -> tuple[PreflightReport, ...]:
    """Return what was found as reports of at most `MOST_CHECKED_HOSTS` hosts each."""
    return tuple(
        PreflightReport(
            id=make_id(),
            environment_id=environment_id,
            hosts=tuple(hosts[first : first + MOST_CHECKED_HOSTS]),
            taken_at=taken_at,
        )
        for first in range(0, len(hosts), MOST_CHECKED_HOSTS)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """Takes snapshots of the agent's environments, at start and every ten minutes.

    Attributes:
        preflight: Looks at hosts; None for never.
        preflight_seconds: Between two looks; 0 for never.
    """

    environment_ids: tuple[str, ...]
    inventory: Inventory
    spool: ReportSpool
    clock: Clock
    make_id: Callable[[], str] = make_id
    preflight: Preflight | None = None
    preflight_seconds: float = 0.0

    def run(self, shutdown: Shutdown) -> None:
        """Take snapshots until the agent stops, and look at hosts when that is due."""
        due = self.clock.monotonic()
        while not shutdown.asked:
            for environment_id in self.environment_ids:
                self._take(environment_id)
            if self.preflight is not None and self.preflight_seconds > 0 and self.clock.monotonic() >= due:
                due = self.clock.monotonic() + self.preflight_seconds
                for environment_id in self.environment_ids:
                    self._look(environment_id, self.preflight)
            self.clock.sleep(INTERVAL_SECONDS)

    def _look(self, environment_id: str, preflight: Preflight) -> None:
        try:
            for report in preflight_reports(environment_id, preflight(environment_id), self.clock.now(), self.make_id):
                self.spool.put(report)
        except errors.MgmtAnsibleError as exc:
            _log.warning("preflight_failed", environment_id=environment_id, code=exc.code, error=str(exc))
        except Exception:  # noqa: BLE001 - advice only: the next look may succeed
            _log.exception("preflight_crashed", environment_id=environment_id)

    def _take(self, environment_id: str) -> None:
        try:
            hosts = self.inventory.snapshot(environment_id)
            taken_at = self.clock.now()
            report = HostsReport(id=self.make_id(), environment_id=environment_id, hosts=hosts, taken_at=taken_at)
            self.spool.put(report)
        except errors.MgmtAnsibleError as exc:
            _log.warning("snapshot_failed", environment_id=environment_id, code=exc.code, error=str(exc))
        except Exception:  # noqa: BLE001 - the thread's own edge: the next snapshot may succeed
            _log.exception("snapshot_crashed", environment_id=environment_id)
