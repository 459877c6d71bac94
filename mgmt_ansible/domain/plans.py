"""Plans: who gets what in which order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass

from mgmt_ansible.domain.actions import ActionSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Hosts that are done together, in inventory order; never empty."""

    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an action will do, wave after wave; no waves means that no host matched."""

    action_id: str
    waves: tuple[Wave, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        """All hosts in order."""
        return tuple(host for wave in self.waves for host in wave.hosts)

    def only(self, hosts: Collection[str]) -> Plan:
        """Return the plan without all other hosts; waves that become empty go."""
        waves = (Wave(hosts=tuple(host for host in wave.hosts if host in hosts)) for wave in self.waves)
        return Plan(action_id=self.action_id, waves=tuple(wave for wave in waves if wave.hosts))

    @property
    def hash(self) -> str:
        """64 hex digits over the action's id and the waves; equal plans have equal hashes."""
        value = [self.action_id, [list(wave.hosts) for wave in self.waves]]
        return hashlib.sha256(json.dumps(value, separators=(",", ":")).encode()).hexdigest()


def plan_action(spec: ActionSpec, hosts: tuple[str, ...]) -> Plan:
    """Put all hosts that are meant into one wave (the first rollout policy); no hosts gives no waves."""
    hosts = tuple(host for host in hosts if host in spec.limit) if spec.limit else hosts
    return Plan(action_id=spec.id, waves=(Wave(hosts=hosts),) if hosts else ())
