"""Charts of responses: how long they took and which share failed, as shapes for a drawing and as words beside it.

```
 stretches of time -> bars 0 to 100 high, from the top; a stretch in which nothing was measured has none: a gap is no zero
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mgmt_ansible.domain.responses import Responses, ResponseSource, Stretch, stretches, together

HEIGHT = 100.0
_LEAST_HEIGHT = 3.0
"""Of what is there at all: a single failure among thousands is seen."""
_LEAST_FAILED = 6.0
_PLACES = {"24h": (24, 1), "7d": (56, 3), "90d": (90, 24)}
"""Time shown -> how many stretches of how many hours."""
_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_SECOND = 1_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A stretch that was measured, as rectangles of a drawing `HEIGHT` high; None where there is none.

    Attributes:
        place: Of the stretch, from 0.
        top: Of the slowest response.
        length: From there to the fastest one.
        average: Top of the mark of the average.
        failed: Height of the share that failed; 0 when none did.
    """

    place: int
    responses: Responses
    begin: datetime
    top: float | None
    length: float | None
    average: float | None
    failed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseChart:
    """The responses that one source measured.

    Attributes:
        number: Of stretches: the drawing's width.
        ceiling: Milliseconds at the top of the drawing; None when nothing was timed.
        share_ceiling: Share at the top of the other one, 0 to 1.
        text: All of it in words.
    """

    source: ResponseSource
    number: int
    bars: tuple[Bar, ...]
    ceiling: float | None
    share_ceiling: float
    text: str


def response_chart(
    hours: Mapping[datetime, Responses], *, source: ResponseSource, name: str, until: datetime
) -> ResponseChart:
    """Return the chart of some hours.

    Args:
        hours: Beginning (UTC) -> responses; others were not measured.
        source: Who measured.
        name: `24h`, `7d` or `90d`.
        until: Aware.
    """
    number, hours_each = _PLACES[name]
    parts = stretches(hours, until=until, number=number, hours_each=hours_each)
    measured = [one.responses for one in parts if one.responses is not None]
    slowest = max((one.slowest for one in measured if one.slowest is not None), default=None)
    ceiling = None if slowest is None else _ceiling(slowest)
    worst = max((one.failed_share or 0.0 for one in measured), default=0.0)
    share_ceiling = next(share for share in _SHARES if worst <= share)
    return ResponseChart(
        source=source,
        number=number,
        bars=tuple(
            _bar(place, one, one.responses, ceiling, share_ceiling)
            for place, one in enumerate(parts)
            if one.responses is not None
        ),
        ceiling=ceiling,
        share_ceiling=share_ceiling,
        text=_text(source, name, together(measured), gaps=number - len(measured), unit=_unit(hours_each)),
    )


def hours_of(name: str) -> int:
    """Return how many hours a chart of that time shows."""
    number, hours_each = _PLACES[name]
    return number * hours_each


def milliseconds(value: float) -> str:
    """Return milliseconds for people: `0.4 ms`, `12 ms`, `1.5 s`."""
    if value >= _SECOND:
        return f"{value / _SECOND:,.3g} s" if value < _SECOND * _SECOND else f"{value / _SECOND:,.0f} s"
    return f"{value:.2g} ms" if value < 10 else f"{value:.0f} ms"  # noqa: PLR2004


def share(value: float) -> str:
    """Return a share for people: `0.1 %`, `12 %`; one that is there is never told as none."""
    percent = value * 100
    if 0 < percent < 0.1:  # noqa: PLR2004
        return "under 0.1 %"
    return f"{percent:.2g} %" if 0 < percent < 10 else f"{percent:.0f} %"  # noqa: PLR2004


def _bar(place: int, stretch: Stretch, responses: Responses, ceiling: float | None, share_ceiling: float) -> Bar:
    failed = (responses.failed_share or 0.0) / share_ceiling * HEIGHT
    if ceiling is None or responses.slowest is None or responses.fastest is None or responses.average is None:
        top, length, average = None, None, None
    else:
        top = min(_height(responses.slowest, ceiling), HEIGHT - _LEAST_HEIGHT)
        length = max(_height(responses.fastest, ceiling) - top, _LEAST_HEIGHT)
        average = min(_height(responses.average, ceiling), HEIGHT - _LEAST_HEIGHT)
    return Bar(
        place=place,
        responses=responses,
        begin=stretch.begin,
        top=top,
        length=length,
        average=average,
        failed=max(failed, _LEAST_FAILED) if responses.failed else 0.0,
    )


def _height(value: float, ceiling: float) -> float:
    return round(HEIGHT * (1 - value / ceiling), 1)


def _ceiling(slowest: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, 50, ... milliseconds."""
    power = 1.0
    while True:
        for digit in (1, 2, 5):
            if slowest <= digit * power:
                return digit * power
        power *= 10


def _unit(hours_each: int) -> str:
    return {1: "hours", 24: "days"}.get(hours_each, f"stretches of {hours_each} hours")


def _text(source: ResponseSource, name: str, whole: Responses, *, gaps: int, unit: str) -> str:
    time = name.replace("h", " hours").replace("d", " days")
    if not whole.asked:
        nobody = "No look measured it" if source is ResponseSource.LOOKS else "No client told of predictions"
        return f"{nobody} in the last {time}."
    asked = f"{whole.asked:,} {'answer was' if whole.asked == 1 else 'answers were'} asked for"
    if source is ResponseSource.MONITORS:
        asked = f"{whole.asked:,} {'request was' if whole.asked == 1 else 'requests were'} told of"
    failed = f"{whole.failed:,} failed ({share(whole.failed_share or 0.0)})" if whole.failed else "none failed"
    users = f", {whole.user_errors:,} had an error of the user" if whole.user_errors else ""
    where = f" Nothing was measured in {gaps} of {_PLACES[name][0]} {unit}." if gaps else ""
    return f"Last {time}: {asked}, {failed}{users}; {_times(source, whole)}.{where}"


def _times(source: ResponseSource, whole: Responses) -> str:
    if whole.average is None or whole.fastest is None or whole.slowest is None:
        if whole.asked == whole.failed:
            return "so that none took any time"
        who = "this version of the agent does not tell" if source is ResponseSource.LOOKS else "nobody told"
        return f"{who} how long they took"
    return f"{milliseconds(whole.average)} on average, {milliseconds(whole.fastest)} to {milliseconds(whole.slowest)}"
