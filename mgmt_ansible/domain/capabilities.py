"""Capabilities: what an agent must know to do an action as it is meant; those of an older version lack some."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from mgmt_ansible.domain.actions import ActionSpec, ActionType
from mgmt_ansible.domain.model_packages import Runtime


class Capability(StrEnum):
    """What was not known to every agent; a word is never given another meaning."""

    DRY_RUN = "dry_run"
    LIMIT = "limit"
    ROLLBACK = "rollback"
    RUNTIMES = "runtimes"


OURS = frozenset(Capability)
"""What agents of this version know."""

_RUNTIMES = frozenset(Runtime)
"""Which an agent of any version can read of."""

WORDS: Mapping[Capability, str] = {
    Capability.DRY_RUN: "dry runs",
    Capability.LIMIT: "doing some hosts only",
    Capability.ROLLBACK: "rolling back",
    Capability.RUNTIMES: "runtimes that users add",
}
"""For people."""


def needed_for(spec: ActionSpec) -> frozenset[Capability]:
    """Return what an agent must know to be handed an action: without it the agent would fail, or do more than was asked for."""
    packages = [target.package for target in (spec.deployment, *spec.deployments) if target is not None]
    needed = {
        Capability.DRY_RUN: spec.dry,
        Capability.LIMIT: bool(spec.limit),
        Capability.ROLLBACK: ActionType.DEPLOYMENT_ROLLBACK in (spec.type, spec.would),
        Capability.RUNTIMES: any(package is not None and package.runtime not in _RUNTIMES for package in packages),
    }
    return frozenset(one for one, is_needed in needed.items() if is_needed)
