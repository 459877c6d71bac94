"""Which actions an agent may take, the first first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.action_records import CHANGING_TYPES
from mgmt_ansible.control_plane.store.schema import ACTIONS
from mgmt_ansible.domain.actions import ActionStatus

LONGEST_CLAIM = timedelta(minutes=1)
"""No claim ends later than this after now; twice the life of one, so that a small step of the clock changes nothing."""


def claimable(environment_ids: Sequence[str], instance_id: str, now: datetime) -> sa.Select[Any]:
    """Return the question for what an agent should take next.

    Pending ones, and running ones whose claim expired or was released, unless a newer change of the same deployment waits; never
    while another action of the deployment runs; and never to the process that released it, whose other questions may still
    wait while it leaves. Changes go before status, then the oldest first. A claim that ends later than any claim can was
    made before the clock was set back: nobody's, as nobody knows how old it is.
    """
    latest = now + LONGEST_CLAIM
    other = ACTIONS.alias("other")
    held = sa.exists().where(
        other.c.deployment_id == ACTIONS.c.deployment_id,
        other.c.sequence != ACTIONS.c.sequence,
        other.c.status == ActionStatus.RUNNING.value,
        other.c.expires_at > now,
        other.c.expires_at <= latest,
    )
    newer = ACTIONS.alias("newer")
    outdated = sa.exists().where(
        newer.c.deployment_id == ACTIONS.c.deployment_id,
        newer.c.sequence > ACTIONS.c.sequence,
        newer.c.status == ActionStatus.PENDING.value,
        newer.c.type.in_(CHANGING_TYPES),
    )
    pending = ACTIONS.c.status == ActionStatus.PENDING.value
    given_back = sa.and_(ACTIONS.c.expires_at.is_(None), ACTIONS.c.instance_id.is_distinct_from(instance_id))
    nobodys = sa.or_(given_back, ACTIONS.c.expires_at <= now, ACTIONS.c.expires_at > latest)
    expired = sa.and_(ACTIONS.c.status == ActionStatus.RUNNING.value, nobodys, ~outdated)
    changes_first = sa.case((ACTIONS.c.type.in_(CHANGING_TYPES), 0), else_=1)
    return (
        ACTIONS.select()
        .where(ACTIONS.c.environment_id.in_(environment_ids), sa.or_(pending, expired), ~held)
        .order_by(changes_first, ACTIONS.c.sequence)
    )
