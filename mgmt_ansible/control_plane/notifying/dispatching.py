"""Dispatching: each entry of the feed meets each policy once, and what comes of it is put down in the same transaction.

The cursor moves in the transaction that inserts the deliveries, and there is one writer at a time: a crash anywhere, or several
control planes on one database, make no entry told twice or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.control_plane.store.notification_records import DeliveryStatus, NewDelivery, Remembered
from mgmt_ansible.domain import notifications
from mgmt_ansible.domain.event_filters import EVERYTHING
from mgmt_ansible.domain.event_groups import Entry
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.notices import MESSAGE_CHARACTERS, Notice
from mgmt_ansible.domain.notifications import NOTHING_TOLD, Judgement, Memory, Mute, Policy, Verdict
from mgmt_ansible.domain.redaction import clean_text
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire import api_v2

BATCH = 100
MOST_DELIVERIES = 50
"""Of one transaction, which ends with the entry that reaches it: writers of the feed wait for milliseconds only."""

_PRUNED_AT_ONCE = 500
_HEALTHS = frozenset(Health)


class Dispatcher:
    """Turns entries of the feed into deliveries.

    Args:
        store: The database.
        log_days: How long ended deliveries stay in the log.
    """

    def __init__(self, store: Store, *, log_days: int) -> None:
        self._store = store
        self._log_days = log_days

    def dispatch(self) -> bool:
        """Look through the next entries, then at what was held; return whether more entries wait.

        Raises:
            StoreError: Nothing of it happened.
        """
        if not self._has_work():
            return False
        with self._store.write() as tx:
            policies = tx.notifications.active_policies()
            after = max(tx.notifications.cursor(), min((one.after for one in policies), default=0))
            limit = _batch(len(policies))
            entries = tx.deployment_events.following(after, EVERYTHING, limit=limit) if policies else ()
            mutes = tx.notifications.mutes()
            met = _meet(tx, policies, entries, mutes)
            if met:
                tx.notifications.move_cursor(entries[met - 1].sequence)
            more = met < len(entries) or len(entries) == limit
            if not more:
                _release(tx, policies, mutes)
        return more

    def prune_log(self, *, stop: Callable[[], bool] = lambda: False) -> int:
        """Remove ended deliveries that are older than the log keeps, until `stop()`; return how many went."""
        with self._store.read() as tx:
            before = tx.now - timedelta(days=self._log_days)
        removed = 0
        while True:
            with self._store.write() as tx:
                gone = tx.deliveries.prune(before=before, limit=_PRUNED_AT_ONCE)
            removed += gone
            if gone < _PRUNED_AT_ONCE or stop():
                return removed

    def _has_work(self) -> bool:
        """Tell, without holding anybody up, whether there is something to write."""
        with self._store.read() as tx:
            policies = tx.notifications.active_policies()
            if not policies:
                return False
            newest = tx.deployment_events.newest_sequence()
            if newest > max(tx.notifications.cursor(), min(one.after for one in policies)):
                return True
            mutes = tx.notifications.mutes()
            by_id = {one.id: one for one in policies}
            return any(
                _released(by_id[one.policy_id], one, mutes, tx).verdict is not Verdict.NOTHING
                for one in tx.notifications.with_news()
            )


def _batch(policies: int) -> int:
    """Return how many entries to read: not many more than may be met."""
    return max(10, min(BATCH, 4 * MOST_DELIVERIES // max(1, policies)))


def _meet(
    tx: Transaction, policies: Sequence[Policy], entries: Sequence[api_v2.DeploymentEvent], mutes: Sequence[Mute]
) -> int:
    """Let entries meet policies, in the feed's order; return how many did."""
    known = {entry.sequence: _entry(entry) for entry in entries}
    memories = tx.notifications.memories(entry.subject for entry in known.values())
    before = dict(memories)
    names = _Names(tx)
    deliveries: list[NewDelivery] = []
    met = 0
    for event in entries:
        if len(deliveries) >= MOST_DELIVERIES:
            break
        met += 1
        entry = known[event.sequence]
        for policy in policies:
            key = (policy.id, entry.subject)
            judgement = notifications.judge(policy, entry, memories.get(key, NOTHING_TOLD), mutes)
            memories[key] = judgement.memory
            if judgement.verdict is not Verdict.NOTHING:
                deliveries.append(_delivery(policy, entry, names.notice(event, judgement), judgement))
    tx.deliveries.insert(deliveries, now=tx.now)
    told = {one.policy_id for one in deliveries if one.status is DeliveryStatus.PENDING and one.policy_id}
    tx.notifications.mark_told(told)
    _remember(tx, known.values(), memories, before)
    return met


def _delivery(policy: Policy, entry: Entry, notice: Notice, judgement: Judgement) -> NewDelivery:
    held = judgement.verdict is Verdict.HOLD
    why = "muted" if judgement.muted else "within the period of the last message"
    return NewDelivery(
        once=_once(policy.id, entry.sequence),
        channel_id=policy.channel_id,
        policy_id=policy.id,
        subject=entry.subject,
        notice=notice,
        status=DeliveryStatus.HELD if held else DeliveryStatus.PENDING,
        reason=f"held: {why}" if held else "",
    )


def _remember(
    tx: Transaction,
    entries: Iterable[Entry],
    memories: dict[tuple[str, str], Memory],
    before: dict[tuple[str, str], Memory],
) -> None:
    deployments = {entry.subject: entry.deployment_id for entry in entries}
    for (policy_id, subject), memory in memories.items():
        if memory != before.get((policy_id, subject), NOTHING_TOLD):
            deployment_id = deployments.get(subject)
            one = Remembered(policy_id=policy_id, subject=subject, deployment_id=deployment_id, memory=memory)
            tx.notifications.remember(one)


def _release(tx: Transaction, policies: Sequence[Policy], mutes: Sequence[Mute]) -> None:
    """Tell what was held and whose time has come."""
    by_id = {one.id: one for one in policies}
    for remembered in tx.notifications.with_news():
        judgement = _released(by_id[remembered.policy_id], remembered, mutes, tx)
        if judgement.verdict is Verdict.NOTHING or remembered.memory.news is None:
            continue
        once = _once(remembered.policy_id, remembered.memory.news)
        tx.deliveries.promote(once, verdict=judgement.verdict, held=judgement.held, now=tx.now)
        tx.notifications.mark_told([remembered.policy_id])
        tx.notifications.remember(replace(remembered, memory=judgement.memory))


def _released(policy: Policy, one: Remembered, mutes: Sequence[Mute], tx: Transaction) -> Judgement:
    return notifications.release(policy, one.memory, mutes, deployment_id=one.deployment_id, now=tx.now)


def _once(policy_id: str, sequence: int) -> str:
    return f"{policy_id}:{sequence}"


def _entry(event: api_v2.DeploymentEvent) -> Entry:
    between = event.data.get("between")
    words = between if isinstance(between, list) else []
    return Entry(
        sequence=event.sequence,
        type=event.type,
        health=event.health,
        at=event.received_at,
        environment_id=event.prediction_environment_id,
        deployment_id=event.deployment_id,
        between=tuple(Health(word) for word in words if isinstance(word, str) and word in _HEALTHS),
    )


class _Names:
    """Makes notices, with the names that things have now."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._environments: dict[str, str] = {}
        self._labels: dict[str, str] = {}

    def notice(self, event: api_v2.DeploymentEvent, judgement: Judgement) -> Notice:
        """Return what is to be told of an entry."""
        return Notice(
            id=make_id(),
            verdict=judgement.verdict,
            event_id=event.id,
            sequence=event.sequence,
            event_type=event.type,
            health=event.health,
            title=event.title,
            message=clean_text(event.message, limit=MESSAGE_CHARACTERS),
            timestamp=event.timestamp,
            environment_id=event.prediction_environment_id,
            environment_name=self._environment(event.prediction_environment_id),
            deployment_id=event.deployment_id,
            deployment_label=self._label(event.deployment_id) if event.deployment_id else "",
            host=event.host,
            actor=event.actor,
            held=judgement.held,
        )

    def _environment(self, environment_id: str) -> str:
        if environment_id not in self._environments:
            found = self._tx.environments.records([environment_id])
            self._environments[environment_id] = found[0].name if found else ""
        return self._environments[environment_id]

    def _label(self, deployment_id: str) -> str:
        if deployment_id not in self._labels:
            found = self._tx.deployments.find_record(deployment_id)
            self._labels[deployment_id] = found.label if found else ""
        return self._labels[deployment_id]
