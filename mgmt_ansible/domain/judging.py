"""Judging what is old: which entries of the feed and which runs retention lets go.

Everything is judged newest first, so that "the newest of its kind" is the first one met, and what is appended while somebody
removes is newer than all that is judged: it can only make an entry less needed, never more. What is too young for any policy
need not be judged: of it the judge is told (`Newer`) only what decides about older things.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mgmt_ansible.domain.deployment_events import AUDIT, TELLINGS
from mgmt_ansible.domain.flapping import REMEMBERED
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.retention import Judgement, KeptEntry, KeptRun, Protection, RetentionPolicy, Standing

Place = tuple[str | None, str | None]
"""An environment's own, or a deployment's wherever it was: (environment id, None), or (None, deployment id)."""

Hosts = frozenset[str | None]
"""That entries speak of; None is of those that speak of none, and `ANY_HOST` of all of a place."""

ANY_HOST = ""
_RANK = tuple(Protection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Newer:
    """What is newer in a place than all that is judged, as far as it decides anything.

    Attributes:
        hosts: That entries speak of.
        told: How many tell the deployment's health; more than `flapping.REMEMBERED` decide nothing more.
        passed: One tells `passing` before the health became what it is.
    """

    hosts: Hosts = frozenset()
    told: int = 0
    passed: bool = False


class Judge:
    """Judges all entries of the feed that may be old, and then all runs, each newest first."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._newest: set[tuple[Place, str | None]] = set()
        self._asked: set[tuple[Place, str | None]] = set()
        self._newest_runs: set[Place] = set()
        self._told: Counter[str] = Counter()
        self._before_incident: set[str] = set()
        self._told_runs: set[str] = set()

    def unknown(self, entries: Iterable[KeptEntry]) -> Mapping[Place, Hosts]:
        """Return of which hosts of which places it must know, before it judges these, whether there is anything newer.

        What it met itself, or asked for before, is left out.
        """
        keys = {key for entry in entries for key in _keys(entry)} - self._newest - self._asked
        self._asked |= keys
        found: defaultdict[Place, set[str | None]] = defaultdict(set)
        for place, host in keys:
            found[place].add(host)
        return {place: frozenset(hosts) for place, hosts in found.items()}

    def meet(self, place: Place, newer: Newer) -> None:
        """Learn what is newer than all that is judged; each entry of it counts once, in however many calls."""
        self._newest |= {(place, host) for host in newer.hosts}
        deployment_id = place[1]
        if deployment_id is not None:
            self._told[deployment_id] += newer.told
            self._before_incident |= {deployment_id} if newer.passed else set()

    def meet_runs(self, run_ids: Iterable[str]) -> None:
        """Learn of which runs entries speak that are newer than all that is judged."""
        self._told_runs.update(run_ids)

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
        place = place_of(run)
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
        keys = _keys(entry)
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


def place_of(one: KeptEntry | KeptRun) -> Place:
    """Return where something belongs."""
    return (None, one.deployment_id) if one.deployment_id else (one.environment_id, None)


def hosts_of(entry: KeptEntry) -> Hosts:
    """Return the hosts as which an entry counts."""
    return frozenset((ANY_HOST, *(entry.hosts or (None,))))


def _keys(entry: KeptEntry) -> set[tuple[Place, str | None]]:
    """Return as what an entry is the newest; what is kept as audit stands beside that."""
    if entry.type in AUDIT:
        return set()
    place = place_of(entry)
    return {(place, host) for host in hosts_of(entry)}
