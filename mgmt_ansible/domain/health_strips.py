"""Health strips: what the feed told of a deployment's health, as equal stretches of time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mgmt_ansible.domain.health import Health

STRETCHES = 96
_WORST_FIRST = (Health.FAILING, Health.WARNING, Health.UNKNOWN, Health.PASSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthStrip:
    """A stretch of time in `STRETCHES` equal parts.

    Attributes:
        parts: The worst health in each part, oldest first; None before anything was told.
        shares: Health -> share of the time in which something was told, 0 to 1; absent for none.
        spells: How often it began to fail.
    """

    parts: tuple[Health | None, ...]
    shares: dict[Health, float]
    spells: int


def health_strip(told: Sequence[tuple[datetime, Health]], *, since: datetime, until: datetime) -> HealthStrip:
    """Return the strip between two times.

    Args:
        told: When which health was told, in any order; it holds until the next one.
        since: Aware; what was told last before it holds at its beginning.
        until: Aware, after `since`.
    """
    ordered = sorted((at, health) for at, health in told if at < until and health is not Health.INFO)
    spans = _spans(ordered, since, until)
    whole = sum((end - begin for begin, end, _ in spans), timedelta())
    shares: dict[Health, float] = {}
    for begin, end, health in spans:
        shares[health] = shares.get(health, 0.0) + ((end - begin) / whole if whole else 0.0)
    spells = sum(
        1
        for number, (_, _, health) in enumerate(spans)
        if health is Health.FAILING and (number == 0 or spans[number - 1][2] is not Health.FAILING)
    )
    return HealthStrip(parts=_parts(spans, since, (until - since) / STRETCHES), shares=shares, spells=spells)


_Span = tuple[datetime, datetime, Health]


def _spans(ordered: Sequence[tuple[datetime, Health]], since: datetime, until: datetime) -> list[_Span]:
    ends = [*(at for at, _ in ordered), until][1:]
    spans = ((max(at, since), end, health) for (at, health), end in zip(ordered, ends, strict=True))
    return [span for span in spans if span[1] > since]


def _parts(spans: Sequence[_Span], since: datetime, length: timedelta) -> tuple[Health | None, ...]:
    worst: list[Health | None] = [None] * STRETCHES
    for begin, end, health in spans:
        first = int((begin - since) / length)
        last = min(STRETCHES - 1, max(first, int((end - since - timedelta(microseconds=1)) / length)))
        for number in range(min(first, STRETCHES - 1), last + 1):
            worst[number] = _worse(worst[number], health)
    return tuple(worst)


def _worse(one: Health | None, other: Health) -> Health:
    return other if one is None else min(one, other, key=_WORST_FIRST.index)
