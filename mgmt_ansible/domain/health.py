"""Health: the judgement that people read, and how several become one."""

from __future__ import annotations

from enum import StrEnum


class Health(StrEnum):
    """A judgement, or `info` for an event that only tells.

    Icons (source: the vendor's public pages): passing green, warning yellow, failing red, unknown and info grey.
    """

    PASSING = "passing"
    WARNING = "warning"
    FAILING = "failing"
    UNKNOWN = "unknown"
    INFO = "info"
