"""Notifications: which entries of the feed a policy tells, which it holds, and when it tells that all is well again.

```
  entry ---- no trigger of the policy ----------------------------------> nothing
    |------- muted, or the period of the last message is not over ------> held, counted
    |------- passing again after a told trouble ------------------------> told as recovered, also within the period
    '------- else ------------------------------------------------------> told; begins a period

  held ----- period over and not muted, its trouble not over ------------> the newest is told, the others counted in it
```

So a policy with a period sends of one deployment at most one message a period, and that it recovered; what was held is never lost, but
counted in the next message.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.event_groups import TROUBLES, Entry, EventGroup, in_group, monitor_of
from mgmt_ansible.domain.health import Health


class ScopeType(StrEnum):
    """What a channel or a policy is for, as paths write it (`relatedEntityType`)."""

    DEPLOYMENT = "deployment"
    ENVIRONMENT = "predictionEnvironment"
    EVERYTHING = "everything"


EVERYTHING_ID = "all"
"""`relatedEntityId` of `everything`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who is told of what.

    Attributes:
        group: Its trigger, or
        event_type: one type, in full; exactly one of both is given.
        scope_id: Of the deployment or environment; `all` for everything.
        period: At most one message in this time for each deployment; None is no limit.
        after: Entries up to this sequence were there before the policy.
    """

    id: str
    channel_id: str
    group: EventGroup | None
    event_type: str | None
    scope: ScopeType
    scope_id: str
    period: timedelta | None
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """Nothing is told while it holds; a field that is None leaves it open.

    Attributes:
        until: Aware.
    """

    policy_id: str | None
    deployment_id: str | None
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a policy told of one deployment.

    Attributes:
        told_at: When the last period began; aware.
        troubled: Monitors whose trouble was told, and not yet its end.
        held: How many entries were held since the last message.
        news: Sequence of the newest of these, to be told when its time has come; None when it is over.
        news_monitor: Of that entry.
        news_health: Of that entry.
    """

    told_at: datetime | None = None
    troubled: frozenset[str] = frozenset()
    held: int = 0
    news: int | None = None
    news_monitor: str | None = None
    news_health: Health | None = None


NOTHING_TOLD = Memory()


class Verdict(StrEnum):
    """What becomes of an entry."""

    NOTHING = "nothing"
    TELL = "tell"
    RECOVERED = "recovered"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a policy makes of an entry.

    Attributes:
        memory: Afterwards.
        held: How many held entries the message counts.
        muted: Whether it is held for a mute.
    """

    verdict: Verdict
    memory: Memory
    held: int = 0
    muted: bool = False


def judge(policy: Policy, entry: Entry, memory: Memory, mutes: Iterable[Mute]) -> Judgement:
    """Return what a policy makes of an entry.

    Args:
        policy: An active one.
        entry: The next of the feed, in its order.
        memory: Of this policy and `entry.subject`.
        mutes: All that there are.
    """
    if entry.sequence <= policy.after or not in_scope(policy, entry):
        return Judgement(verdict=Verdict.NOTHING, memory=memory)
    recovers = _recovers(entry, memory)
    memory = _without_what_is_over(entry, memory)
    if not (recovers or triggers(policy, entry)):
        return Judgement(verdict=Verdict.NOTHING, memory=memory)
    muted = is_muted(policy, entry.deployment_id, mutes, at=entry.at)
    if muted or (not recovers and _within_period(policy, memory, entry.at)):
        return Judgement(verdict=Verdict.HOLD, memory=_holding(entry, memory), muted=muted)
    return _told(entry.health, monitor_of(entry.type), memory, at=entry.at)


def release(
    policy: Policy, memory: Memory, mutes: Iterable[Mute], *, deployment_id: str | None, now: datetime
) -> Judgement:
    """Return whether the newest held entry is to be told now: `nothing`, or what `judge` would have said later."""
    if memory.news is None or memory.news_health is None or is_muted(policy, deployment_id, mutes, at=now):
        return Judgement(verdict=Verdict.NOTHING, memory=memory)
    recovers = memory.news_health is Health.PASSING and memory.news_monitor in memory.troubled
    if not recovers and _within_period(policy, memory, now):
        return Judgement(verdict=Verdict.NOTHING, memory=memory)
    others = replace(memory, held=memory.held - 1)
    return _told(memory.news_health, memory.news_monitor, others, at=now)


def triggers(policy: Policy, entry: Entry) -> bool:
    """Tell whether an entry is of the policy's type or group."""
    return entry.type == policy.event_type if policy.group is None else in_group(policy.group, entry)


def in_scope(policy: Policy, entry: Entry) -> bool:
    """Tell whether an entry is about what the policy is for."""
    match policy.scope:
        case ScopeType.EVERYTHING:
            return True
        case ScopeType.ENVIRONMENT:
            return entry.environment_id == policy.scope_id
        case ScopeType.DEPLOYMENT:
            return entry.deployment_id == policy.scope_id


def is_muted(policy: Policy, deployment_id: str | None, mutes: Iterable[Mute], *, at: datetime) -> bool:
    """Tell whether nothing is to be told at a time."""
    return any(
        mute.policy_id in (None, policy.id)
        and (mute.deployment_id is None or mute.deployment_id == deployment_id)
        and (mute.until is None or at < mute.until)
        for mute in mutes
    )


def _recovers(entry: Entry, memory: Memory) -> bool:
    return entry.health is Health.PASSING and monitor_of(entry.type) in memory.troubled


def _without_what_is_over(entry: Entry, memory: Memory) -> Memory:
    """Forget held trouble that this entry ends, and all trouble of a deployment that is deleted."""
    if entry.type == deployment_events.DELETED:
        memory = replace(memory, troubled=frozenset())
    elif entry.health is not Health.PASSING or monitor_of(entry.type) != memory.news_monitor:
        return memory
    over = memory.news_health in TROUBLES and memory.news_monitor is not None
    return replace(memory, news=None, news_monitor=None, news_health=None) if over else memory


def _within_period(policy: Policy, memory: Memory, at: datetime) -> bool:
    return policy.period is not None and memory.told_at is not None and at - memory.told_at < policy.period


def _holding(entry: Entry, memory: Memory) -> Memory:
    return replace(
        memory,
        held=memory.held + 1,
        news=entry.sequence,
        news_monitor=monitor_of(entry.type),
        news_health=entry.health,
    )


def _told(health: Health, monitor: str | None, memory: Memory, *, at: datetime) -> Judgement:
    """Tell it: what was held is counted in it. That it recovered begins no period."""
    recovers = health is Health.PASSING and monitor in memory.troubled
    troubled = memory.troubled - {monitor} if health is Health.PASSING else memory.troubled
    if monitor is not None and health in TROUBLES:
        troubled |= {monitor}
    return Judgement(
        verdict=Verdict.RECOVERED if recovers else Verdict.TELL,
        memory=Memory(told_at=memory.told_at if recovers else at, troubled=frozenset(troubled - {None})),
        held=memory.held,
    )
