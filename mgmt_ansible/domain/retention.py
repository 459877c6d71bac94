"""Retention: how long entries of the feed and runs are kept, and what is never removed however old it is; `judging` decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from mgmt_ansible.domain.event_filters import EventCategory, categories_of
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

    @property
    def shortest_days(self) -> int:
        """How long everything is kept at least."""
        return min(policy.keep_days for policy in (self.default, *self.policies))

    @property
    def longest_days(self) -> int:
        """After how long no policy keeps anything."""
        return max(policy.keep_days for policy in (self.default, *self.policies))

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

    @property
    def horizon(self) -> datetime:
        """Aware; what was stored then or later is too young for every policy."""
        return self.now - timedelta(days=self.rules.shortest_days)

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
