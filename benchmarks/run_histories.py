"""A history of runs: many with their hosts' outcomes, and one with a long log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.domain.actions import ActionSpec, ActionType
from mgmt_ansible.domain.runs import RunStatus

HOSTS = 10
LINES = 20_000
_TOGETHER = 500


def fill(store: Store, environment_id: str, deployment_ids: Sequence[str], count: int) -> str:
    """Add runs of one environment; return the id of the newest, whose log has 20,000 lines."""
    for first in range(0, count, _TOGETHER):
        with store.write() as tx:
            for number in range(first, min(first + _TOGETHER, count)):
                _add(tx, environment_id, deployment_ids[number % len(deployment_ids)], number)
    newest = f"{count - 1:024x}"
    with store.write() as tx:
        for line in range(1, LINES, _TOGETHER):
            lines = [f"ok: [host-{number % HOSTS}] => (item={number})" for number in range(line, line + _TOGETHER)]
            tx.run_logs.append(newest, line, lines, most_characters=10_000_000)
    return newest


def _add(tx, environment_id: str, deployment_id: str, number: int) -> None:
    began = tx.now - timedelta(minutes=number)
    action_id = f"a{number:023x}"
    tx.actions.insert(
        ActionSpec(
            id=action_id,
            type=ActionType.DEPLOYMENT_STATUS,
            environment_id=environment_id,
            environment_name="bench",
            requested_at=began,
        ),
        requested_by="ada",
    )
    tx.actions.update(action_id, status="succeeded", finished_at=began)
    steps = [{"name": name, "seconds": 1.5, "changed": True} for name in ("install", "start", "gate", "switch")]
    hosts = [
        {
            "host": f"host-{one}",
            "outcome": "failed" if number % 50 == one else "changed",
            "steps": steps,
            "message": "It serves.",
        }
        for one in range(HOSTS)
    ]
    tx.runs.insert(
        {
            "id": f"{number:024x}",
            "action_id": action_id,
            "environment_id": environment_id,
            "deployment_id": deployment_id,
            "attempt": 1,
            "wave": 0,
            "playbook": "deployment_status",
            "request_hash": "0",
            "status": (RunStatus.FAILED if number % 50 < HOSTS else RunStatus.SUCCESSFUL).value,
            "message": "",
            "started_at": began,
            "ended_at": began + timedelta(seconds=20),
            "ansible_version": "2.19",
            "hosts": hosts,
            "log_tail": "",
            "log_lines": 0,
        }
    )
