"""Entries that are there for a prune to remove."""

from __future__ import annotations

from mgmt_ansible.control_plane.store.schema import DEPLOYMENT_EVENTS
from tests.contract.store.sites import Site


def fill(site: Site, count: int, deployment_id: str = "old") -> None:
    """Add so many entries of a deployment that is no more, a word each."""
    at = site.clock()
    rows = [
        {
            "id": f"{deployment_id}-{number}",
            "type": "model_deployments.deployment_launch_started",
            "health": "info",
            "title": "Old",
            "message": f"word{number}",
            "occurred_at": at,
            "received_at": at,
            "environment_id": site.environment.id,
            "deployment_id": deployment_id,
            "actor": "ann",
            "data": {},
            "words": f"old word{number}",
        }
        for number in range(count)
    ]
    with site.store.write() as tx:
        tx.access._connection.execute(DEPLOYMENT_EVENTS.insert(), rows)
