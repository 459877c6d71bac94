"""Capabilities: what an agent must know to do an action as it is meant; those of an older version lack some."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from mgmt_ansible.domain.actions import ActionSpec, ActionType


class Capability(StrEnum):
    """What was not known to every agent; a word is never given another meaning."""

    DRY_RUN = "dry_run"
    LIMIT = "limit"
    ROLLBACK = "rollback"


OURS = frozenset(Capability)
"""What agents of this version know."""

WORDS: Mapping[Capability, str] = {
    Capability.DRY_RUN: "dry runs",
    Capability.LIMIT: "doing some hosts only",
    Capability.ROLLBACK: "rolling back",
}
"""For people."""


def needed_for(spec: ActionSpec) -> frozenset[Capability]:
    """Return what an agent must know to be handed an action: without it the agent would fail, or do more than was asked for."""
    needed = {
        Capability.DRY_RUN: spec.dry,
        Capability.LIMIT: bool(spec.limit),
        Capability.ROLLBACK: ActionType.DEPLOYMENT_ROLLBACK in (spec.type, spec.would),
    }
    return frozenset(one for one, is_needed in needed.items() if is_needed)
