"""Responses: how many were asked for, how many failed and how long they took, as sums that can be added. Pure.

Kept by the hour (UTC). Percentiles are not kept: those of two hours do not add up to one of both, the fastest, the slowest and the
average do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import reduce

LONGEST_MILLISECONDS = 86_400_000.0
"""No response takes longer: what is told to be so is no measurement."""

HOUR = timedelta(hours=1)


class ResponseSource(StrEnum):
    """Who measured: looks ask a model server whether it is ready; monitors tell of predictions."""

    LOOKS = "looks"
    MONITORS = "monitors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Responses:
    """The responses of some time; those of two times are added.

    Attributes:
        asked: How many were asked for.
        failed: How many of them failed by the fault of who was asked.
        user_errors: How many failed by the fault of who asked.
        timed: Of how many it is known how long they took; an older agent does not tell.
        milliseconds: Of those together.
        fastest: Of those, in milliseconds; None without any.
        slowest: Of those, in milliseconds; None without any.
    """

    asked: int = 0
    failed: int = 0
    user_errors: int = 0
    timed: int = 0
    milliseconds: float = 0.0
    fastest: float | None = None
    slowest: float | None = None

    def __add__(self, other: Responses) -> Responses:
        """Return the responses of both times."""
        return Responses(
            asked=self.asked + other.asked,
            failed=self.failed + other.failed,
            user_errors=self.user_errors + other.user_errors,
            timed=self.timed + other.timed,
            milliseconds=self.milliseconds + other.milliseconds,
            fastest=min((one for one in (self.fastest, other.fastest) if one is not None), default=None),
            slowest=max((one for one in (self.slowest, other.slowest) if one is not None), default=None),
        )

    @property
    def average(self) -> float | None:
        """Milliseconds on average; None when nothing was timed."""
        return self.milliseconds / self.timed if self.timed else None

    @property
    def failed_share(self) -> float | None:
        """Share of what was asked that failed, 0 to 1; None when nothing was asked."""
        return self.failed / self.asked if self.asked else None


def response(*, milliseconds: float | None, failed: bool = False, user_error: bool = False) -> Responses:
    """Return one response; a time that cannot be one counts as not known.

    Args:
        milliseconds: None when it is not known, or nobody answered.
        failed: By the fault of who was asked.
        user_error: By the fault of who asked.
    """
    told = milliseconds is not None and 0 <= milliseconds <= LONGEST_MILLISECONDS
    time = milliseconds if told else None
    return Responses(
        asked=1,
        failed=int(failed),
        user_errors=int(user_error),
        timed=int(told),
        milliseconds=time or 0.0,
        fastest=time,
        slowest=time,
    )


def hour_of(moment: datetime) -> datetime:
    """Return the beginning of a moment's hour, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def together(responses: Iterable[Responses]) -> Responses:
    """Return the responses of all these times."""
    return reduce(Responses.__add__, responses, Responses())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of time with its responses; None when nothing was measured in it, which is not the same as none failed."""

    begin: datetime
    responses: Responses | None


def stretches(
    hours: Mapping[datetime, Responses], *, until: datetime, number: int, hours_each: int
) -> tuple[Stretch, ...]:
    """Return the last stretches of time, oldest first; the last one holds `until`.

    Args:
        hours: Beginning of an hour (UTC) -> its responses; others were not measured.
        until: Aware.
        number: How many stretches.
        hours_each: Length of each, in hours.
    """
    end = hour_of(until) + HOUR
    found: list[Stretch] = []
    for place in range(number, 0, -1):
        begin = end - place * hours_each * HOUR
        inside = [hours[begin + n * HOUR] for n in range(hours_each) if begin + n * HOUR in hours]
        found.append(Stretch(begin=begin, responses=together(inside) if inside else None))
    return tuple(found)
