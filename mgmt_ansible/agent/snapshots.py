"""Snapshots: the control plane's pages get host names and groups, read-only, now and then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from mgmt_ansible import errors
from mgmt_ansible.agent.shutdowns import Shutdown
from mgmt_ansible.domain.reports import HostsReport
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.ports import Clock, Inventory, ReportSpool

INTERVAL_SECONDS = 600.0
"""Between two snapshots of an environment."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """Takes snapshots of the agent's environments, at start and every ten minutes."""

    environment_ids: tuple[str, ...]
    inventory: Inventory
    spool: ReportSpool
    clock: Clock
    make_id: Callable[[], str] = make_id

    def run(self, shutdown: Shutdown) -> None:
        """Take snapshots until the agent stops."""
        while not shutdown.asked:
            for environment_id in self.environment_ids:
                self._take(environment_id)
            self.clock.sleep(INTERVAL_SECONDS)

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
