"""Deployments that lie on a host and that nobody asked about: told of, and left alone."""

from __future__ import annotations

from typing import Any, Iterable

from ..failures import HostError
from ..layout import DeploymentLayout, Layout
from ..machine import durable_files
from ..running import slots

MOST = 100
"""Told of in one look; those that run come first."""

_STATES = ("running", "down", "unknown", "stopped")


def find(layout: Layout, known: Iterable[str]) -> list[dict[str, Any]]:
    """Return `{deployment_id, state}` of the others, never raising; a tombstone is none.

    `running`: a process of it lives; `down`: none does, but a reboot would start it; `stopped`: what a stop leaves lies there;
    `unknown`: its files cannot be read.
    """
    asked = set(known)
    try:
        others = [name for name in layout.deployment_ids() if name not in asked]
    except OSError:
        return []
    found = [(_STATES.index(state), name, state) for name in others for state in [_state_of(layout, name)] if state]
    return [{"deployment_id": name, "state": state} for _, name, state in sorted(found)[:MOST]]


def _state_of(layout: Layout, name: str) -> str | None:
    try:
        return _look(layout.deployment(name))
    except (HostError, OSError, AttributeError, KeyError, TypeError, ValueError):
        return "unknown"


def _look(own: DeploymentLayout) -> str | None:
    if any(slot.running for slot in slots.list_places(own)):
        return "running"
    state = durable_files.read_json(own.state)
    if state is None:
        return None
    return "down" if state.get("wanted") == "running" else "stopped"
