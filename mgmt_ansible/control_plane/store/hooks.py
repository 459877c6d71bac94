"""Inbound webhooks, and the ids of deliveries that were taken."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.hook_tables import WEBHOOK_DELIVERIES, WEBHOOKS
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.wire.basics import Page
from mgmt_ansible.wire.hooks import Webhook, WebhookIn


class HookRows:
    """Webhooks in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, webhook_id: str, body: WebhookIn, *, by: str, at: datetime) -> None:
        """Add one; ConflictError when the name is taken."""
        self._connection.execute(
            WEBHOOKS.insert().values(
                id=webhook_id,
                name=body.name,
                kind=body.kind.value,
                environment_id=body.prediction_environment_id,
                created_by=by,
                created_at=at,
            )
        )

    def find(self, webhook_id: str) -> Webhook | None:
        """Return one."""
        row = self._connection.execute(WEBHOOKS.select().where(WEBHOOKS.c.id == webhook_id)).one_or_none()
        return None if row is None else _to_wire(row)

    def get(self, webhook_id: str) -> Webhook:
        """Return one; NotFoundError."""
        found = self.find(webhook_id)
        if found is None:
            raise errors.NotFoundError(f"webhook {webhook_id} does not exist")
        return found

    def name_taken(self, name: str) -> bool:
        """Tell whether a webhook has this name."""
        return self._connection.execute(sa.select(WEBHOOKS.c.id).where(WEBHOOKS.c.name == name)).first() is not None

    def list(self, *, limit: int, offset: int) -> Page[Webhook]:
        """Return webhooks by name."""
        query = WEBHOOKS.select().order_by(WEBHOOKS.c.name)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)

    def delete(self, webhook_id: str) -> None:
        """Remove one, with the ids of its deliveries."""
        self._connection.execute(WEBHOOKS.delete().where(WEBHOOKS.c.id == webhook_id))

    def remember(self, webhook_id: str, delivery_id: str, *, at: datetime) -> bool:
        """Remember a delivery; False when it was taken before."""
        table = WEBHOOK_DELIVERIES
        known = table.select().where(table.c.webhook_id == webhook_id, table.c.delivery_id == delivery_id)
        if self._connection.execute(known).first() is not None:
            return False
        self._connection.execute(table.insert().values(webhook_id=webhook_id, delivery_id=delivery_id, received_at=at))
        self._connection.execute(WEBHOOKS.update().where(WEBHOOKS.c.id == webhook_id).values(last_received_at=at))
        return True

    def forget_deliveries(self, *, before: datetime) -> None:
        """Forget deliveries that are too old to be believed again."""
        table = WEBHOOK_DELIVERIES
        self._connection.execute(table.delete().where(table.c.received_at < before))


def _to_wire(row: sa.Row[Any]) -> Webhook:
    return Webhook(
        id=row.id,
        name=row.name,
        kind=row.kind,
        prediction_environment_id=row.environment_id,
        path=f"/api/v2/webhooks/{row.kind}/{row.id}/",
        created_by=row.created_by,
        created_at=row.created_at,
        last_received_at=row.last_received_at,
    )
