"""Runs and agents whose answers are written down beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from mgmt_ansible.domain.run_filters import ALL_RUNS
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.wire import api_v2

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def run(run_id: str = "r1", **changes: object) -> api_v2.Run:
    value = api_v2.Run(
        id=run_id,
        sequence=1,
        action_id="c" * 24,
        prediction_environment_id="e" * 24,
        deployment_id="wine",
        attempt=1,
        wave=0,
        playbook="deployment_launch",
        request_hash="f" * 64,
        status=RunStatus.SUCCESSFUL,
        message="",
        started_at=NOON,
        ended_at=NOON,
        ansible_version="2.18",
        hosts=[],
    )
    return value.model_copy(update=changes)


@dataclass
class ScriptedRuns:
    """No run, unless one is put in."""

    runs: list = field(default_factory=list)

    def list_runs(self, filters=ALL_RUNS, *, before=None, limit=50, offset=0, hosts=True):
        shown = self.runs[offset : offset + limit]
        return api_v2.Page(count=len(shown), total_count=len(self.runs), data=shown)


class ScriptedAgents:
    """None has said hello."""

    def list_agents(self, *, limit=50, offset=0):
        return api_v2.Page(count=0, total_count=0, data=[])
