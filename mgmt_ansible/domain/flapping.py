"""Flapping: a health that goes back and forth is told once, not at every look.

```
          third turn within 30 min
  calm ----------------------------> flapping
   ^   every change is told             |   changes are held
   '------------------------------------'
     the same for 10 min, and by 2 (passing) or 3 looks: told, with the health that it settled at
```

A turn is a change for the worse after one for the better, or the other way round: two hosts that fail one after the other
and come back so have made one. What turns less often than that tells a change each ten minutes on average, and what was told as
flapping is not told again sooner, so that nobody is called more often. Source: reliability study, F16 (rise 2, fall 3, as
HAProxy's checks; one event; a notification in ten minutes at most; its least dwell of 30 s lies within `QUIET`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from mgmt_ansible.domain.health import Health

TURNS = 3
WINDOW = timedelta(minutes=30)
QUIET = timedelta(minutes=10)
RISE = 2
FALL = 3
REMEMBERED = 32
"""Entries that tell a health and are looked at: more than can come before it flaps."""

_BEST_FIRST = (Health.PASSING, Health.INFO, Health.WARNING, Health.UNKNOWN, Health.FAILING)


class Telling(StrEnum):
    """What an entry of the feed says of a health."""

    START = "start"
    """An action that changes hosts ended with it: what was before does not count."""
    CHANGE = "change"
    FLAPPING = "flapping"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An entry of the feed that tells a deployment's health.

    Attributes:
        at: When it was stored.
    """

    telling: Telling
    health: Health
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A look's health, beside what was known before it.

    Attributes:
        health: What it saw.
        before: What the look before it saw, or the action that changed the deployment.
        at: When it was stored.
        since: Since when `before` has been seen.
        alike: How many looks ended since then, this one included; only counted while flapping.
    """

    health: Health
    before: Health
    at: datetime
    since: datetime
    alike: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BackAndForth:
    """How a health went back and forth.

    Attributes:
        changes: How often it changed.
        time: From the first of the changes to the last.
        healths: Between what, the best first.
    """

    changes: int
    time: timedelta
    healths: tuple[Health, ...]


def is_flapping(told: Sequence[Told]) -> bool:
    """Tell whether the feed's last word on a health, oldest first, is that it flaps."""
    return bool(told) and told[-1].telling is Telling.FLAPPING


def judge_look(look: Look, told: Sequence[Told]) -> Telling | None:
    """Return what a look adds to the feed.

    Args:
        look: The newest.
        told: What the feed says of this generation's health, in the feed's order; at least the newest dozen.

    Returns:
        None when nothing changed, or when it is held.
    """
    if is_flapping(told):
        return Telling.SETTLED if _settled(look) else None
    if look.health is look.before:
        return None
    return Telling.FLAPPING if _turns(_counted(look, told)) >= TURNS else Telling.CHANGE


def back_and_forth(look: Look, told: Sequence[Told]) -> BackAndForth:
    """Describe what made a look flapping; arguments as of `judge_look`."""
    counted = _counted(look, told)
    changes = [later for earlier, later in pairwise(counted) if earlier.health is not later.health]
    return BackAndForth(
        changes=len(changes),
        time=look.at - changes[0].at if changes else timedelta(0),
        healths=tuple(sorted({one.health for one in counted}, key=_BEST_FIRST.index)),
    )


def _settled(look: Look) -> bool:
    if look.health is not look.before:
        return False
    if look.at < look.since:  # the clock was set back: how long is not known, and nothing is held for ever
        return True
    needed = RISE if look.health is Health.PASSING else FALL
    return look.at - look.since >= QUIET and look.alike >= needed


def _counted(look: Look, told: Sequence[Told]) -> tuple[Told, ...]:
    """Return the changes within the window, this look's last, behind the health that they began from."""
    seen = (*told, Told(telling=Telling.CHANGE, health=look.health, at=look.at))
    starts = (Telling.START, Telling.SETTLED)
    begins = [place for place, one in enumerate(seen) if one.telling in starts or look.at - one.at >= WINDOW]
    return seen[max(begins, default=0) :]


def _turns(counted: Sequence[Told]) -> int:
    ranks = [_BEST_FIRST.index(one.health) for one in counted]
    worse = [later > earlier for earlier, later in pairwise(ranks) if later != earlier]
    return sum(earlier != later for earlier, later in pairwise(worse))
