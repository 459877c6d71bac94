"""Histories made by chance: deployments in every health, actions, runs and entries of every age, holds and policies."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.control_plane.store.retention_tables import LEGAL_HOLDS, RETENTION_POLICIES
from mgmt_ansible.control_plane.store.schema import (
    ACTIONS,
    DEPLOYMENT_EVENTS,
    DEPLOYMENTS,
    REMOVED_EVENTS,
    RUNS,
)
from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.actions import ActionSpec, ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.event_filters import EventCategory
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire import api_v2

DEPLOYMENT_IDS = ("d0", "d1", "d2", "gone")
HOSTS = (None, "h1", "h2")
GENERATIONS = 3
TYPES = (
    *sorted(deployment_events.TELLINGS),
    *sorted(deployment_events.AUDIT),
    "model_deployments.deployment_launch_started",
    "mgmt_ansible.action_canceled",
    "monitoring.spooler_channel_red",
)
HEALTHS = tuple(Health)


@dataclass
class History:
    """Writes one history over whatever was there, from a seed.

    Attributes:
        orderly: What was stored later has a later time; else the store's clock was set now and then.
    """

    seed: int
    environment_ids: tuple[str, ...]
    package_id: str
    now: datetime
    orderly: bool = True
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def write(self, tx: Transaction, connection: sa.Connection) -> None:
        for table in (DEPLOYMENT_EVENTS, RUNS, ACTIONS, DEPLOYMENTS, LEGAL_HOLDS, REMOVED_EVENTS):
            connection.execute(table.delete())
        connection.execute(RETENTION_POLICIES.delete().where(RETENTION_POLICIES.c.id != "default"))
        for deployment_id in DEPLOYMENT_IDS[:-1]:
            self._add_deployment(tx, deployment_id)
        actions = [self._add_action(tx, number) for number in range(self.chance.randrange(12))]
        runs = [self._add_run(tx, number, actions) for number in range(self.chance.randrange(8) if actions else 0)]
        most = self.chance.choice((10, 40, 110))
        ages = sorted((self.chance.uniform(0, 300) for _ in range(self.chance.randrange(1, most))), reverse=True)
        if not self.orderly:
            self.chance.shuffle(ages)
        rows = [self._entry(age, actions, runs) for age in ages]
        tx.deployment_events.append_all(rows)
        self._add_decisions(tx)

    def _ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)

    def _place(self) -> tuple[str, str | None]:
        return self.chance.choice(self.environment_ids), self.chance.choice((None, *DEPLOYMENT_IDS, *DEPLOYMENT_IDS))

    def _add_deployment(self, tx: Transaction, deployment_id: str) -> None:
        body = api_v2.DeploymentIn(
            model_package_id=self.package_id,
            label=f"Label of {deployment_id}",
            prediction_environment_id=self.chance.choice(self.environment_ids),
        )
        tx.deployments.insert(deployment_id, body, created_at=self._ago(300), created_by="ann", owner="ann")
        since = self.chance.choice((None, self._ago(self.chance.uniform(0, 300))))
        health = self.chance.choice((Health.PASSING, Health.PASSING, *HEALTHS[:-1]))
        tx.deployments.update(
            deployment_id, health=health.value, health_since=since, generation=self.chance.randint(1, GENERATIONS)
        )

    def _add_action(self, tx: Transaction, number: int) -> str:
        environment_id, deployment_id = self._place()
        types = list(ActionType)[:-1] if deployment_id else [ActionType.ENVIRONMENT_STATUS]
        action_id = f"a{number}"
        target = DeploymentTarget(id=deployment_id, label=f"Label of {deployment_id}", generation=number)
        at = self._ago(300 - 20 * number)
        tx.actions.insert(
            ActionSpec(
                id=action_id,
                type=self.chance.choice(types),
                environment_id=environment_id,
                environment_name="e",
                deployment=target if deployment_id else None,
                requested_at=at,
            ),
            requested_by="ann",
        )
        status = self.chance.choice((ActionStatus.SUCCEEDED, ActionStatus.SUCCEEDED, *ActionStatus))
        open_statuses = (ActionStatus.PENDING, ActionStatus.RUNNING)
        tx.actions.update(action_id, status=status.value, finished_at=None if status in open_statuses else at)
        return action_id

    def _add_run(self, tx: Transaction, number: int, actions: list[str]) -> str:
        action = tx.actions.record(self.chance.choice(actions))
        values = {
            "id": f"r{number}",
            "action_id": action.id,
            "environment_id": action.environment_id,
            "deployment_id": action.deployment_id,
            "attempt": 1,
            "wave": 0,
            "playbook": action.type.value,
            "request_hash": "0",
            "status": "successful",
            "message": "",
            "started_at": self._ago(1),
            "ended_at": self._ago(1),
            "ansible_version": "2.19",
            "hosts": [],
            "log_tail": "log",
        }
        tx.runs.insert(values)
        return f"r{number}"

    def _entry(self, age: float, actions: list[str], runs: list[str]) -> dict[str, object]:
        environment_id, deployment_id = self._place()
        spoken_of = self.chance.sample(("h1", "h2", "h3"), self.chance.randrange(3))
        return {
            "id": f"e{self.chance.getrandbits(90)}",
            "type": self.chance.choice(TYPES),
            "health": self.chance.choice(HEALTHS).value,
            "title": "Entry",
            "message": self.chance.choice(("disk full", "fine")),
            "occurred_at": self._ago(self.chance.uniform(0, 300)),
            "received_at": self._ago(age),
            "environment_id": environment_id,
            "deployment_id": deployment_id,
            "action_id": self.chance.choice((None, None, *actions)),
            "run_id": self.chance.choice((None, None, *runs)),
            "generation": self.chance.randint(1, GENERATIONS),
            "host": self.chance.choice(HOSTS),
            "actor": "ann",
            "data": {"hosts": {host: {} for host in spoken_of}} if spoken_of else {},
        }

    def _add_decisions(self, tx: Transaction) -> None:
        tx.retention.update_policy("default", {"keep_days": self.chance.choice((1, 30, 90))})
        for number in range(self.chance.randrange(3)):
            tx.retention.insert_policy(f"p{number}", self._policy(number))
        for number in range(self.chance.choice((0, 0, 1))):
            environment_id, deployment_id = self._place()
            tx.retention.insert_hold(
                f"l{number}",
                environment_id=environment_id,
                deployment_id=deployment_id,
                reason="case 7",
                placed_by="ann",
                placed_at=self.now,
            )

    def _policy(self, number: int) -> dict[str, object]:
        asked = {
            "environment_id": self.chance.choice(self.environment_ids),
            "labels": [f"Label of {self.chance.choice(DEPLOYMENT_IDS)}"],
            "types": [self.chance.choice(TYPES)],
            "categories": [self.chance.choice(list(EventCategory)).value],
            "healths": [self.chance.choice(HEALTHS).value],
        }
        nothing: dict[str, object] = {
            "environment_id": None,
            "labels": [],
            "types": [],
            "categories": [],
            "healths": [],
        }
        chosen = self.chance.sample(sorted(asked), self.chance.randint(1, 2))
        return {
            **nothing,
            **{name: asked[name] for name in chosen},
            "name": f"p{number}",
            "keep_days": self.chance.choice((1, 10, 60, 200)),
            "changed_by": "ann",
        }
