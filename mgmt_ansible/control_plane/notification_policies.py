"""Policies and mutes: who is told of what, and when nobody is."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from mgmt_ansible import errors
from mgmt_ansible.control_plane.notification_scopes import check_scope, policy_within
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.domain.durations import parse_duration
from mgmt_ansible.domain.notifications import EVERYTHING_ID, ScopeType
from mgmt_ansible.domain.redaction import clean_text
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import notifications as shapes

_log = structlog.get_logger(__name__)


class NotificationPolicies:
    """Verbs on policies and mutes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_policies(
        self, scope: ScopeType | None = None, scope_id: str | None = None, *, limit: int = 50, offset: int = 0
    ) -> api_v2.Page[shapes.NotificationPolicy]:
        """Return policies by name; NotFoundError when what they are for is unknown."""
        with self._store.read() as tx:
            check_scope(tx, scope, scope_id)
            return tx.notifications.list_policies(scope, scope_id, limit=limit, offset=offset)

    def get_policy(
        self, policy_id: str, scope: ScopeType | None = None, scope_id: str | None = None
    ) -> shapes.NotificationPolicy:
        """Return one; NotFoundError, also when it is for something else."""
        with self._store.read() as tx:
            return policy_within(tx, policy_id, scope, scope_id)

    def create_policy(self, body: shapes.NotificationPolicyIn, *, actor: str) -> shapes.NotificationPolicy:
        """Create a policy; it tells what comes from now on.

        Raises:
            InvalidRequestError: Not exactly one trigger, no duration, or a channel for something else.
            NotFoundError: Unknown channel, deployment or environment.
        """
        policy_id = make_id()
        if (body.event_group is None) == (body.event_type is None):
            raise errors.InvalidRequestError("eventGroup, eventType: give one of both")
        with self._store.write() as tx:
            check_scope(tx, body.related_entity_type, body.related_entity_id)
            _check_channel(tx, body.channel_id, body.related_entity_type, body.related_entity_id)
            values = {
                "id": policy_id,
                "name": body.name,
                "channel_id": body.channel_id,
                "event_group": body.event_group.value if body.event_group else None,
                "event_type": body.event_type,
                "scope": body.related_entity_type.value,
                "scope_id": body.related_entity_id,
                "maximal_frequency": _checked_frequency(body.maximal_frequency),
                "active": body.active,
                "after_sequence": tx.deployment_events.newest_sequence(),
                "created_by": actor,
                "created_at": tx.now,
                "updated_at": tx.now,
            }
            tx.notifications.insert_policy(values)
            tx.audit.about("notification_policy", policy_id, summary=f"{body.name} made")
            _log.info("notification_policy_set", policy_id=policy_id, actor=actor)
            return tx.notifications.get_policy(policy_id)

    def change_policy(
        self,
        policy_id: str,
        body: shapes.NotificationPolicyPatch,
        scope: ScopeType | None = None,
        scope_id: str | None = None,
        *,
        actor: str,
    ) -> shapes.NotificationPolicy:
        """Change a policy; a new trigger, and being active again, begin afresh. Errors as of `create_policy`."""
        if body.event_group is not None and body.event_type is not None:
            raise errors.InvalidRequestError("eventGroup, eventType: give one of both")
        with self._store.write() as tx:
            known = policy_within(tx, policy_id, scope, scope_id)
            values: dict[str, object] = {"updated_at": tx.now}
            if body.channel_id is not None:
                _check_channel(tx, body.channel_id, known.related_entity_type, known.related_entity_id)
                values["channel_id"] = body.channel_id
            if body.maximal_frequency is not None:
                values["maximal_frequency"] = _checked_frequency(body.maximal_frequency)
            if body.event_group is not None or body.event_type is not None:
                values["event_group"] = body.event_group.value if body.event_group else None
                values["event_type"] = body.event_type
            values |= body.model_dump(include={"name", "active"}, exclude_none=True)
            if "event_type" in values or (body.active is not None and body.active is not known.active):
                tx.notifications.forget(policy_id)
                values["after_sequence"] = tx.deployment_events.newest_sequence()
            tx.notifications.update_policy(policy_id, values)
            _log.info("notification_policy_set", policy_id=policy_id, actor=actor)
            return tx.notifications.get_policy(policy_id)

    def delete_policy(
        self, policy_id: str, scope: ScopeType | None = None, scope_id: str | None = None, *, actor: str
    ) -> None:
        """Delete a policy, with its mutes; what is on its way is still sent."""
        with self._store.write() as tx:
            policy_within(tx, policy_id, scope, scope_id)
            tx.notifications.delete_policy(policy_id)
        _log.info("notification_policy_deleted", policy_id=policy_id, actor=actor)

    def list_mutes(self, *, limit: int = 50, offset: int = 0) -> api_v2.Page[shapes.NotificationMute]:
        """Return mutes that hold, newest first."""
        with self._store.read() as tx:
            return tx.notifications.list_mutes(limit=limit, offset=offset)

    def mute(self, body: shapes.NotificationMuteIn, *, actor: str) -> shapes.NotificationMute:
        """Hold what would be told.

        Raises:
            ForbiddenError: All would be muted, also what whoever asks does not see.
            InvalidRequestError: `until` has no zone, or is over.
            NotFoundError: Unknown policy or deployment.
        """
        mute_id = make_id()
        with self._store.write() as tx:
            if body.policy_id is not None:
                tx.notifications.get_policy(body.policy_id)
            if body.deployment_id is not None:
                tx.deployments.record(body.deployment_id)
            values = {
                "id": mute_id,
                "policy_id": body.policy_id,
                "deployment_id": body.deployment_id,
                "until": _checked_until(body.until, tx.now),
                "reason": clean_text(body.reason),
                "created_by": actor,
                "created_at": tx.now,
            }
            tx.notifications.insert_mute(values)
            made = _seen_mute(tx, mute_id)
            tx.audit.about("notification_mute", mute_id, summary=_told_mute(body))
            _log.info("notification_mute_set", mute_id=mute_id, actor=actor)
            return made

    def unmute(self, mute_id: str, *, actor: str) -> None:
        """End a mute; the newest of what it held is told now, unless it is over. NotFoundError."""
        with self._store.write() as tx:
            tx.notifications.get_mute(mute_id)
            tx.notifications.delete_mute(mute_id)
        _log.info("notification_mute_deleted", mute_id=mute_id, actor=actor)


def _check_channel(tx: Transaction, channel_id: str, scope: ScopeType, scope_id: str) -> None:
    """Refuse a channel that is for something which does not hold all that the policy is for."""
    channel = tx.notifications.get_channel(channel_id)
    place = (channel.related_entity_type, channel.related_entity_id)
    places = [(ScopeType.EVERYTHING, EVERYTHING_ID), (scope, scope_id)]
    if scope is ScopeType.DEPLOYMENT:
        places.append((ScopeType.ENVIRONMENT, tx.deployments.record(scope_id).environment_id))
    if place not in places:
        raise errors.InvalidRequestError(
            f"channelId: the channel {channel.name} is for {place[0].value} {place[1]} only: choose another"
        )


def _told_mute(body: shapes.NotificationMuteIn) -> str:
    what = " and ".join(
        f"{name} {value}" for name, value in (("policy", body.policy_id), ("deployment", body.deployment_id)) if value
    )
    return f"{what or 'everything'} muted until {body.until or 'it is ended'}"


def _seen_mute(tx: Transaction, mute_id: str) -> shapes.NotificationMute:
    """Return a mute; ForbiddenError, which undoes it, when whoever asks sees less than it mutes."""
    try:
        return tx.notifications.get_mute(mute_id)
    except errors.NotFoundError as exc:
        raise errors.ForbiddenError(
            "policyId, deploymentId: name one of your environments: to mute all is for those who see all"
        ) from exc


def _checked_frequency(text: str | None) -> str | None:
    if not text:
        return None
    try:
        parse_duration(text)
    except ValueError as exc:
        raise errors.InvalidRequestError(f"maximalFrequency: {text!r} {exc}") from exc
    return text


def _checked_until(until: datetime | None, now: datetime) -> datetime | None:
    if until is None:
        return None
    if until.tzinfo is None:
        raise errors.InvalidRequestError("until: must name its zone, such as 2026-11-26T18:00:00Z")
    if until <= now:
        raise errors.InvalidRequestError("until: is over already")
    return until.astimezone(UTC)
