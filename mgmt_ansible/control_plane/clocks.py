"""Clocks of agents: nothing is ordered by them, but a wrong one confuses whoever reads the feed."""

from __future__ import annotations

from datetime import datetime, timedelta

from mgmt_ansible.control_plane.entries import append_event
from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.control_plane.store.records import ActionRecord
from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.health import Health

TOLERATED = timedelta(seconds=30)
QUIET = timedelta(days=1)
"""An agent whose clock is wrong is told of once in this time."""


def note_skew(tx: Transaction, action: ActionRecord, finished_at: datetime, *, actor: str) -> None:
    """Append a warning when a result ended after now, or before its action began: both by more than 30 s.

    A result that comes late proves nothing: it may have waited in the agent's spool.
    """
    began = action.started_at or finished_at
    skew = max(finished_at - tx.now, began - finished_at)
    if skew <= TOLERATED or tx.deployment_events.told(
        deployment_events.AGENT_CLOCK_SKEWED, actor=actor, since=tx.now - QUIET
    ):
        return
    direction = "ahead" if finished_at > tx.now else "behind"
    append_event(
        tx,
        type=deployment_events.AGENT_CLOCK_SKEWED,
        environment_id=action.environment_id,
        health=Health.WARNING,
        title="An agent's clock is wrong",
        message=f"{int(skew.total_seconds())} s {direction} of the control plane's or more: set its time (NTP)",
        actor=actor,
    )
