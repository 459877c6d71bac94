"""What a look does: each deployment that it saw gets its health, and the feed an entry when there is something to tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from mgmt_ansible.control_plane.deployment_health import health_values
from mgmt_ansible.control_plane.deployments import forget
from mgmt_ansible.control_plane.entries import event_values, evidence_data, host_data, package_data
from mgmt_ansible.control_plane.judgement import Sight, endpoints_of, judge_sight, state_after_sight
from mgmt_ansible.control_plane.orphans import take_orphans
from mgmt_ansible.control_plane.responses import keep_looks, seen_in_look
from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.control_plane.store.records import ActionRecord, DeploymentRecord
from mgmt_ansible.domain import deployment_events, flapping
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState, DeploymentTarget
from mgmt_ansible.domain.flapping import BackAndForth, Look, Telling, Told
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import HostOutcome
from mgmt_ansible.domain.reports import ResultReport
from mgmt_ansible.domain.responses import Responses

_SHOWN_IN_SECONDS = 120


def apply_sights(tx: Transaction, action: ActionRecord, report: ResultReport, *, actor: str) -> None:
    """Apply the result of a look; deployments that change, or have changed since it was asked for, are left alone."""
    if report.status in (ActionStatus.CANCELED, ActionStatus.SUPERSEDED):
        return
    sights = _Sights(tx, action, report, actor)
    changing = tx.actions.changing_deployments(action.environment_id)
    present = tx.deployments.records([target.id for target in action.spec.deployments])
    seen = [
        (target, deployment)
        for target in action.spec.deployments
        if (deployment := present.get(target.id)) is not None
        and target.id not in changing
        and deployment.generation == target.generation
    ]
    told = tx.deployment_events.told_healths({target.id: deployment.generation for target, deployment in seen})
    for target, deployment in seen:
        sights.apply(target, deployment, told[target.id])
    sights.store()
    if action.type is ActionType.ENVIRONMENT_STATUS:
        take_orphans(tx, action, report, actor=actor)


class _Sights:
    """What one look says of many deployments; stored all at once, as that is several times faster."""

    def __init__(self, tx: Transaction, action: ActionRecord, report: ResultReport, actor: str) -> None:
        self._tx = tx
        self._action = action
        self._report = report
        self._actor = actor
        self._run_id = tx.runs.newest_of(action.id)
        self._changes: list[dict[str, object]] = []
        self._hosts: dict[str, Sequence[HostOutcome]] = {}
        self._measured: dict[str, Responses] = {}
        self._entries: list[dict[str, object]] = []

    def store(self) -> None:
        """Store what was applied."""
        self._tx.deployments.update_all(self._changes)
        self._tx.monitoring.show(tuple(str(change["deployment"]) for change in self._changes), at=self._tx.now)
        self._tx.deployment_hosts.tell_all(
            self._hosts, environment_id=self._action.environment_id, action_id=self._action.id, at=self._tx.now
        )
        keep_looks(self._tx, self._measured, at=self._report.finished_at)
        self._tx.deployment_events.append_all(self._entries)

    def apply(self, target: DeploymentTarget, deployment: DeploymentRecord, told: Sequence[Told]) -> None:
        """Judge one deployment; `told` is what the feed says of its generation's health."""
        tx = self._tx
        sight = judge_sight(target, self._report.hosts)
        state = state_after_sight(deployment.state, sight, wanted_running=deployment.wanted_running)
        if state is DeploymentState.STOPPED and deployment.forget_when_stopped:
            forget(tx, deployment, actor=self._actor)
            return
        look = _look(tx, deployment, sight.health, told)
        telling = flapping.judge_look(look, told)
        message = f"flapping: {sight.message}" if _flaps(telling, told) else sight.message
        endpoints = endpoints_of(sight.hosts, deployment.endpoints)
        values = health_values(tx, deployment, sight.health, message, endpoints=endpoints)
        self._changes.append({"deployment": deployment.id, "state": state.value, **values})
        self._hosts[deployment.id] = sight.hosts
        measured = seen_in_look(self._report.hosts, sight.hosts, target.id) if target.package is not None else None
        if measured is not None:
            self._measured[deployment.id] = measured
        if telling is not None:
            self._entries.append(self._entry(target, deployment, sight, _words(telling, look, told, sight)))

    def _entry(
        self, target: DeploymentTarget, deployment: DeploymentRecord, sight: Sight, words: _Words
    ) -> dict[str, object]:
        return event_values(
            self._tx,
            type=words.type,
            environment_id=deployment.environment_id,
            deployment_id=deployment.id,
            action_id=self._action.id,
            run_id=self._run_id,
            generation=deployment.generation,
            health=words.health,
            occurred_at=self._report.finished_at,
            title=words.title,
            message=words.message,
            actor=self._actor,
            data={
                "hosts": {host.host: host_data(host) for host in sight.hosts},
                "evidence": evidence_data(sight.hosts),
                "package": package_data(target.package),
                **words.data,
            },
        )


def _look(tx: Transaction, deployment: DeploymentRecord, health: Health, told: Sequence[Told]) -> Look:
    look = Look(health=health, before=deployment.health, at=tx.now, since=deployment.health_since or tx.now)
    if not flapping.is_flapping(told):
        return look
    alike = tx.actions.looks_since(
        deployment.id, environment_id=deployment.environment_id, since=look.since, limit=flapping.FALL
    )
    return replace(look, alike=alike)


def _flaps(telling: Telling | None, told: Sequence[Told]) -> bool:
    return telling is Telling.FLAPPING or (telling is None and flapping.is_flapping(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What an entry says.

    Attributes:
        data: More than what the look saw.
    """

    type: str
    health: Health
    title: str
    message: str
    data: Mapping[str, object] = field(default_factory=dict)


def _words(telling: Telling, look: Look, told: Sequence[Told], sight: Sight) -> _Words:
    if telling is Telling.FLAPPING:
        return _flapping_words(flapping.back_and_forth(look, told), sight)
    if telling is Telling.SETTLED:
        return _Words(
            type=deployment_events.HEALTH_SETTLED,
            health=look.health,
            title=f"Health has settled: {look.health.value}",
            message=f"{sight.message}; the same for {_time(look.at - look.since)}",
        )
    return _Words(
        type=deployment_events.health_event_type(look.health),
        health=look.health,
        title=f"Health is {look.health.value}, was {look.before.value}",
        message=sight.message,
    )


def _flapping_words(how: BackAndForth, sight: Sight) -> _Words:
    healths = [health.value for health in how.healths]
    return _Words(
        type=deployment_events.HEALTH_FLAPPING,
        health=Health.WARNING,
        title="Health is flapping",
        message=(
            f"changed {how.changes} times in {_time(how.time)} between {' and '.join(healths)}; now {sight.health.value}: "
            f"{sight.message}; changes are told again when it was the same for {_time(flapping.QUIET)}"
        ),
        data={"changes": how.changes, "seconds": how.time.total_seconds(), "between": healths},
    )


def _time(time: timedelta) -> str:
    """Return a time for people."""
    seconds = round(time.total_seconds())
    return f"{seconds} s" if seconds < _SHOWN_IN_SECONDS else f"{seconds // 60} min"
