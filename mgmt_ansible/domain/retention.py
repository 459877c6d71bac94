"""Retention: how long entries of the feed and runs are kept, and what is never removed however old it is.

Everything is judged newest first, so that "the newest of its kind" is the first one met, and what is appended while somebody
removes is newer than all that is judged: it can only make an entry less needed, never more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from mgmt_ansible.domain.deployment_events import AUDIT, TELLINGS
from mgmt_ansible.domain.event_filters import EventCategory, categories_of
from mgmt_ansible.domain.flapping import REMEMBERED
from mgmt_ansible.domain.health import Health

DEFAULT_NAME = "default"
DEFAULT_KEEP_DAYS = 90
LONGEST_KEEP_DAYS = 36_500
ROLLBACK_TARGETS = 2
"""Successful launches and replacements of a deployment, the newest, that somebody may go back to."""


class Protection(StrEnum):
    """Why something that is old enough stays; of several that hold, the first in this order is named."""

    LEGAL_HOLD = "legal_hold"
    """Its deployment or its environment is held."""
    AUDIT = "audit"
    """It tells of retention itself."""
    NEWEST = "newest"
    """The newest of its deployment, of a host of it, or of an environment's own; what is kept as audit stands beside it."""
    CURRENT_HEALTH = "current_health"
    """Among the newest that tell a deployment's health: flapping is judged by them."""
    OPEN_INCIDENT = "open_incident"
    """Its deployment is not passing, and it came since that began."""
    OPEN_ACTION = "open_action"
    """Its action is pending, running or of unknown outcome."""
    ROLLBACK_TARGET = "rollback_target"
    """Its action is one of the newest two launches and replacements that succeeded."""
    TOLD = "told"
    """A run that an entry speaks of which stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicy:
    """How long what fulfils all that is given is kept; of several values one is enough.

    Attributes:
        name: Unique.
        keep_days: At least 1, as some rules look at the feed's last day.
        environment_id: Of this environment; None for any.
        labels: Of deployments with one of these labels; a deleted deployment has the label that it had last.
        types: Of these types, in full.
        categories: About these.
        healths: Of these healths.
    """

    name: str
    keep_days: int
    environment_id: str | None = None
    labels: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    categories: tuple[EventCategory, ...] = ()
    healths: tuple[Health, ...] = ()

    @property
    def narrowed(self) -> bool:
        """Whether it is for some things only."""
        return bool(self.environment_id or self.labels or self.of_entries_only)

    @property
    def of_entries_only(self) -> bool:
        """Whether it asks what runs do not have."""
        return bool(self.types or self.categories or self.healths)

    def covers_place(self, environment_id: str, label: str | None) -> bool:
        """Tell whether it is for this environment and a deployment of this label; None is none."""
        here = self.environment_id in (None, environment_id)
        return here and (not self.labels or label in self.labels)

    def covers_words(self, event_type: str, health: Health) -> bool:
        """Tell whether it is for entries of this type and health."""
        return (
            (not self.types or event_type in self.types)
            and (not self.healths or health in self.healths)
            and (not self.categories or any(one in self.categories for one in categories_of(event_type)))
        )


DEFAULT = RetentionPolicy(name=DEFAULT_NAME, keep_days=DEFAULT_KEEP_DAYS)
"""For what no other policy covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRules:
    """What people decided.

    Attributes:
        policies: All but the default one.
        default: For what none of them covers.
        held_environments: Ids; all of them is held.
        held_deployments: Ids, also of deleted deployments.
    """

    policies: tuple[RetentionPolicy, ...] = ()
    default: RetentionPolicy = DEFAULT
    held_environments: frozenset[str] = frozenset()
    held_deployments: frozenset[str] = frozenset()

    @property
    def ask_labels(self) -> bool:
        """Whether a label decides anything."""
        return any(policy.labels for policy in self.policies)

    def holds(self, environment_id: str, deployment_id: str | None) -> bool:
        """Tell whether something there is held."""
        return environment_id in self.held_environments or deployment_id in self.held_deployments


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is true when the judging begins.

    Attributes:
        now: Aware, by the store's clock.
        labels: Deployment id -> its label, or the last it had; empty when no policy asks.
        deployments: Ids of those that exist.
        incidents: Id of a deployment that is not passing -> since when its health is what it is; None: it never was another.
        actions: Action id -> why what belongs to it stays.
    """

    now: datetime
    rules: RetentionRules = field(default_factory=RetentionRules)
    labels: Mapping[str, str] = field(default_factory=dict)
    deployments: frozenset[str] = frozenset()
    incidents: Mapping[str, datetime | None] = field(default_factory=dict)
    actions: Mapping[str, Protection] = field(default_factory=dict)

    def label(self, deployment_id: str | None) -> str | None:
        """Return a deployment's label; None when none is known."""
        return self.labels.get(deployment_id) if deployment_id else None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEntry:
    """What matters of an entry of the feed.

    Attributes:
        hosts: That it speaks of; may be empty.
        stored_at: Aware, by the store's clock.
    """

    sequence: int
    type: str
    health: Health
    environment_id: str
    deployment_id: str | None = None
    action_id: str | None = None
    run_id: str | None = None
    hosts: tuple[str, ...] = ()
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRun:
    """What matters of a run.

    Attributes:
        stored_at: When its action ended, by the store's clock, as a run's own times are by its agent's.
    """

    sequence: int
    id: str
    environment_id: str
    deployment_id: str | None = None
    action_id: str
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is to become of an entry or a run.

    Attributes:
        policy: Name of the one that decides how long it is kept.
        old: It was kept that long.
        protection: Why it stays all the same.
    """

    policy: str
    old: bool
    protection: Protection | None

    @property
    def removable(self) -> bool:
        """Whether it goes."""
        return self.old and self.protection is None


_Place = tuple[str | None, str | None]
"""An environment's own, or a deployment's wherever it was: (environment id, None), or (None, deployment id)."""


class Judge:
    """Judges all entries of the feed, and then all runs, each newest first."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._newest: set[tuple[_Place, str | None]] = set()
        self._newest_runs: set[_Place] = set()
        self._told: Counter[str] = Counter()
        self._before_incident: set[str] = set()
        self._told_runs: set[str] = set()

    def judge_entry(self, entry: KeptEntry) -> Judgement:
        """Judge the next older entry."""
        found = self._protections(entry)
        policy = self._policy(entry.environment_id, entry.deployment_id, entry)
        judgement = self._judgement(policy, entry.stored_at, min(found, key=_RANK.index, default=None))
        if entry.run_id is not None and not judgement.removable:
            self._told_runs.add(entry.run_id)
        return judgement

    def judge_run(self, run: KeptRun) -> Judgement:
        """Judge the next older run, after all entries."""
        place = _place(run)
        found = {self._standing.actions[run.action_id]} if run.action_id in self._standing.actions else set()
        if self._standing.rules.holds(run.environment_id, run.deployment_id):
            found.add(Protection.LEGAL_HOLD)
        if place not in self._newest_runs:
            found.add(Protection.NEWEST)
        if run.id in self._told_runs:
            found.add(Protection.TOLD)
        self._newest_runs.add(place)
        policy = self._policy(run.environment_id, run.deployment_id, None)
        return self._judgement(policy, run.stored_at, min(found, key=_RANK.index, default=None))

    def _judgement(self, policy: RetentionPolicy, stored_at: datetime, protection: Protection | None) -> Judgement:
        old = stored_at < self._standing.now - timedelta(days=policy.keep_days)
        return Judgement(policy=policy.name, old=old, protection=protection)

    def _policy(self, environment_id: str, deployment_id: str | None, entry: KeptEntry | None) -> RetentionPolicy:
        """Return what decides: of the policies that cover it the one that keeps longest."""
        rules = self._standing.rules
        label = self._standing.label(deployment_id)
        found = [
            policy
            for policy in rules.policies
            if policy.covers_place(environment_id, label)
            and (policy.covers_words(entry.type, entry.health) if entry else not policy.of_entries_only)
        ]
        return max(found, key=lambda policy: (policy.keep_days, policy.name), default=rules.default)

    def _protections(self, entry: KeptEntry) -> set[Protection]:
        standing = self._standing
        found: set[Protection] = set()
        if standing.rules.holds(entry.environment_id, entry.deployment_id):
            found.add(Protection.LEGAL_HOLD)
        if entry.type in AUDIT:
            found.add(Protection.AUDIT)
        if self._is_newest(entry):
            found.add(Protection.NEWEST)
        if self._tells_current_health(entry):
            found.add(Protection.CURRENT_HEALTH)
        if self._is_of_incident(entry):
            found.add(Protection.OPEN_INCIDENT)
        if (of_action := standing.actions.get(entry.action_id or "")) is not None:
            found.add(of_action)
        return found

    def _is_newest(self, entry: KeptEntry) -> bool:
        """Tell whether it is the first of its place, of a host there, or of no host; what is never removed counts not."""
        if entry.type in AUDIT:
            return False
        keys = {(_place(entry), host) for host in (_ANY_HOST, *(entry.hosts or (None,)))}
        newest = not keys <= self._newest
        self._newest |= keys
        return newest

    def _tells_current_health(self, entry: KeptEntry) -> bool:
        deployment_id = entry.deployment_id or ""
        if deployment_id not in self._standing.deployments or entry.type not in TELLINGS:
            return False
        self._told[deployment_id] += 1
        return self._told[deployment_id] <= REMEMBERED

    def _is_of_incident(self, entry: KeptEntry) -> bool:
        """Tell whether it came after the last entry that told `passing` before the health became what it is."""
        deployment_id = entry.deployment_id or ""
        if deployment_id not in self._standing.incidents or deployment_id in self._before_incident:
            return False
        since = self._standing.incidents[deployment_id]
        passed = entry.type in TELLINGS and entry.health is Health.PASSING
        if passed and since is not None and entry.stored_at < since:
            self._before_incident.add(deployment_id)
            return False
        return True


def _place(one: KeptEntry | KeptRun) -> _Place:
    return (None, one.deployment_id) if one.deployment_id else (one.environment_id, None)


_RANK = tuple(Protection)
_ANY_HOST = ""
