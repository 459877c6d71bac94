"""Ids of whatever the project makes: random, hence never told by a clock or a counter."""

from __future__ import annotations

import secrets


def make_id() -> str:
    """Return a new id: 24 hex digits."""
    return secrets.token_hex(12)
