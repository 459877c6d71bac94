"""What monitors said last, what of it is shown, and what they counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.any_of import any_of
from mgmt_ansible.control_plane.store.deployment_tables import MONITOR_WORDS, PREDICTION_USAGE
from mgmt_ansible.control_plane.store.schema import DEPLOYMENTS, ENVIRONMENTS
from mgmt_ansible.domain.health import Health, Word, shown_word, worst_of
from mgmt_ansible.domain.monitors import Aspect
from mgmt_ansible.wire import monitoring as shapes

_ADDED = ("rows", "predictions", "user_errors", "server_errors", "execution_milliseconds")


class MonitoringRows:
    """Monitoring in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def say(self, deployment_id: str, monitor: str, aspect: Aspect, values: Mapping[str, object]) -> None:
        """Put a monitor's word in the place of its former one; column -> value."""
        table = MONITOR_WORDS
        self._connection.execute(
            table.delete().where(
                table.c.deployment_id == deployment_id, table.c.monitor == monitor, table.c.aspect == aspect.value
            )
        )
        self._connection.execute(
            table.insert().values(deployment_id=deployment_id, monitor=monitor, aspect=aspect.value, **values)
        )

    def forget(self, deployment_id: str, monitor: str) -> bool:
        """Forget what a monitor said; False when it said nothing."""
        table = MONITOR_WORDS
        statement = table.delete().where(table.c.deployment_id == deployment_id, table.c.monitor == monitor)
        forgotten = bool(self._connection.execute(statement).rowcount)
        aspects = {f"{aspect.value}_health": Health.UNKNOWN.value for aspect in Aspect if aspect is not Aspect.SERVICE}
        unsaid = DEPLOYMENTS.update().where(DEPLOYMENTS.c.id == deployment_id)
        self._connection.execute(unsaid.values(**aspects, aspect_details=None))
        return forgotten

    def words(self, deployment_id: str) -> tuple[shapes.MonitorWord, ...]:
        """Return the last word of each monitor on each health, by monitor."""
        table = MONITOR_WORDS
        query = (
            sa.select(table, DEPLOYMENTS.c.words_from_generation.label("from_generation"))
            .join(DEPLOYMENTS, DEPLOYMENTS.c.id == table.c.deployment_id)
            .where(table.c.deployment_id == deployment_id)
            .order_by(table.c.monitor, table.c.aspect)
        )
        return tuple(_to_wire(row) for row in self._connection.execute(query))

    def show(self, deployment_ids: Sequence[str], *, at: datetime) -> None:
        """Set what is shown of deployments' healths from what the agent and the monitors said last.

        Of most nobody but the agent speaks, and these are done in one statement.
        """
        told = sa.select(MONITOR_WORDS.c.deployment_id).where(any_of(MONITOR_WORDS.c.deployment_id, deployment_ids))
        spoken_of = set(self._connection.execute(told.distinct()).scalars())
        self._show_agents_words([one for one in deployment_ids if one not in spoken_of], at)
        for deployment_id in spoken_of:
            self._show_worst(deployment_id, at)

    def _show_agents_words(self, deployment_ids: Sequence[str], at: datetime) -> None:
        columns = DEPLOYMENTS.c
        moment = sa.bindparam("moment", at, columns.health_since.type)
        values = {
            "health_since": sa.case((columns.health == columns.agent_health, columns.health_since), else_=moment),
            "health": columns.agent_health,
            "health_message": columns.agent_health_message,
        }
        other = sa.or_(columns.health != columns.agent_health, columns.health_message != columns.agent_health_message)
        statement = DEPLOYMENTS.update().where(any_of(columns.id, deployment_ids), other)  # mostly none is
        self._connection.execute(statement.values(**values))

    def _show_worst(self, deployment_id: str, at: datetime) -> None:
        query = (
            sa.select(DEPLOYMENTS, ENVIRONMENTS.c.is_managed_by_management_agent.label("managed"))
            .join(ENVIRONMENTS, ENVIRONMENTS.c.id == DEPLOYMENTS.c.environment_id)
            .where(DEPLOYMENTS.c.id == deployment_id)
        )
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return
        words = [word for word in self.words(deployment_id) if word.counts]
        values = {**_service(row, words, at), **_aspects(row, words, at)}
        self._connection.execute(DEPLOYMENTS.update().where(DEPLOYMENTS.c.id == deployment_id).values(**values))

    def count(self, deployment_id: str, day: str, kind: str, added: Mapping[str, float], *, at: datetime) -> None:
        """Add to the counters of a day."""
        table = PREDICTION_USAGE
        same = (table.c.deployment_id == deployment_id) & (table.c.day == day) & (table.c.kind == kind)
        sums = {name: table.c[name] + added.get(name, 0) for name in _ADDED}
        changed = self._connection.execute(table.update().where(same).values(**sums, last_received_at=at))
        if not changed.rowcount:
            first = {name: added.get(name, 0) for name in _ADDED}
            self._connection.execute(
                table.insert().values(deployment_id=deployment_id, day=day, kind=kind, last_received_at=at, **first)
            )

    def usage(self, deployment_ids: Sequence[str], *, since: str) -> dict[str, list[shapes.UsageCount]]:
        """Return deployment id -> its counters since a day, oldest first."""
        table = PREDICTION_USAGE
        query = table.select().where(any_of(table.c.deployment_id, deployment_ids), table.c.day >= since)
        found: dict[str, list[shapes.UsageCount]] = {}
        for row in self._connection.execute(query.order_by(table.c.day, table.c.kind)):
            count = shapes.UsageCount.model_validate({name: getattr(row, name) for name in _COUNTED})
            found.setdefault(row.deployment_id, []).append(count)
        return found


_COUNTED = ("day", "kind", "last_received_at", *_ADDED)


def _service(row: sa.Row[Any], words: Sequence[shapes.MonitorWord], at: datetime) -> dict[str, object]:
    agent = Word(health=Health(row.agent_health), message=row.agent_health_message)
    told = [_word(word) for word in words if word.aspect is Aspect.SERVICE]
    speaks = row.managed or not told
    shown = shown_word(agent if speaks else None, told)
    since = row.health_since if shown.health == row.health else at
    return {"health": shown.health.value, "health_message": shown.message, "health_since": since}


def _aspects(row: sa.Row[Any], words: Sequence[shapes.MonitorWord], at: datetime) -> dict[str, object]:
    values: dict[str, object] = {}
    details: dict[str, object] = {}
    before = row.aspect_details or {}
    for aspect in (Aspect.MODEL, Aspect.ACCURACY, Aspect.FAIRNESS):
        worst = worst_of(_word(word) for word in words if word.aspect is aspect)
        column = f"{aspect.value}_health"
        changed = worst.health != getattr(row, column)
        since = at.isoformat() if changed else (before.get(aspect.value) or {}).get("since")
        values[column] = worst.health.value
        details[aspect.value] = {"message": worst.message, "since": since}
    return {**values, "aspect_details": details}


def _word(word: shapes.MonitorWord) -> Word:
    return Word(health=word.health, message=f"{word.monitor}: {word.message}" if word.message else word.monitor)


def _to_wire(row: sa.Row[Any]) -> shapes.MonitorWord:
    return shapes.MonitorWord(
        monitor=row.monitor,
        aspect=row.aspect,
        health=row.health,
        message=row.message,
        event_type=row.event_type,
        generation=row.generation,
        counts=row.generation >= row.from_generation,
        timestamp=row.said_at,
        received_at=row.received_at,
    )
