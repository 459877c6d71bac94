"""Runs and agents whose answers are written down beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field

from mgmt_ansible.domain.run_filters import ALL_RUNS
from mgmt_ansible.wire import api_v2


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
