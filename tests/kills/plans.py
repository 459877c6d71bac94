"""Which rounds a campaign has: every named step of every action, each victim, and random moments."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from tests.kills.agent import STEPS
from tests.kills.deployments import LAUNCH, REPLACE, STOP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ACTIONS = (LAUNCH, REPLACE, STOP)
AGENT, MODULE = "agent", "module"

_TAKEN = ("begin", "write:fence.1", "step:fence")
_DONE = ("write:state.1", "write:result.1", "write:fence.2")
_STARTED = ("step:install", "effect:install.1", "step:start", "effect:start.1", "step:gate")
_LAUNCH = (*_TAKEN, *_STARTED, *_DONE)
_STOP = (*_TAKEN, "step:stop", "effect:stop.1", *_DONE)
HOST_STEPS = {
    "none": {
        LAUNCH: _LAUNCH,
        REPLACE: (*_TAKEN, *_STARTED, "effect:gate.1", "step:switch", "effect:switch.1", "effect:switch.2", *_DONE),
        STOP: _STOP,
    },
    "haproxy": {
        LAUNCH: _LAUNCH,
        REPLACE: (
            *(*_TAKEN, *_STARTED, "step:switch", "effect:switch.1", "write:state.1", "step:drain", "effect:drain.1"),
            *("write:result.1", "write:fence.2"),
        ),
        STOP: (*_TAKEN, "step:stop", "effect:stop.1", "effect:stop.2", *_DONE),
    },
}
"""Traffic kind -> action -> named steps of the module on the host, in order."""

PACKAGE_STEPS = ("step:package", "effect:package.1")
"""Named steps of the other module, which installs packages."""

BLOCKED = ("goes-on", "stays-blocked")
"""Variants of a kill of the agent while a module stands at a step: it goes on at once, or only at the end."""

_SLOW = ("heartbeat",)
"""Ten seconds into an action only: shown on a replace that is held on the host meanwhile."""
_NO_PACKAGE = ("fetch",)


@dataclass(frozen=True)
class Round:
    """One kill.

    Attributes:
        action: During which one.
        step: Named step, or `random`.
        victim: Who is killed: `agent` or `module`.
        variant: What is special: see `campaigns`.
        number: Of the rounds that are otherwise alike.
    """

    action: str
    step: str
    victim: str
    variant: str = "plain"
    number: int = 1

    @property
    def name(self) -> str:
        """What `--only` matches."""
        return f"{self.action}/{self.step}/{self.victim}/{self.variant}/{self.number}"

    @property
    def hosts(self) -> int:
        """On how many hosts: every second round on two."""
        return 2 if self.number % 2 == 0 else 1

    @property
    def way(self) -> str:
        """Who brings the action to its end."""
        if self.victim == MODULE:
            return "module killed"
        return "other agent" if self.variant == "second-agent" else "own restart"

    @property
    def alone(self) -> bool:
        """Whether it disturbs others: it kills the agent, or whoever it meets."""
        return self.victim == AGENT or self.step in (*PACKAGE_STEPS, "random")


def plan_rounds(*, traffic: str, per_step: int, moments: int, only: Sequence[str], seed: int) -> tuple[Round, ...]:
    """Return the rounds of a campaign: all first ones, then all second ones, each in an order that the seed gives."""
    choice = random.Random(seed)
    rounds = [replace(one, number=number) for one in _named(traffic) for number in range(1, per_step + 1)]
    rounds += [*_blocked(traffic), *_special(per_step)]
    rounds += [Round(choice.choice(ACTIONS), "random", AGENT, number=number) for number in range(moments)]
    rounds += [Round(choice.choice(ACTIONS), "random", MODULE, number=number) for number in range(moments // 2)]
    choice.shuffle(rounds)
    wanted = (one for one in rounds if any(fnmatch(one.name, pattern) for pattern in only))
    return tuple(sorted(wanted, key=lambda one: (_turn(one, per_step), one.alone)))


def _turn(one: Round, per_step: int) -> int:
    spread = one.step == "random" or one.variant in BLOCKED
    return one.number % per_step if spread else min(one.number, per_step) - 1


def batches(rounds: Sequence[Round], size: int) -> Iterator[tuple[Round, ...]]:
    """Yield rounds in their order, those that disturb nobody together."""
    for alone, group in itertools.groupby(rounds, key=lambda one: one.alone):
        waiting = iter(group)
        while batch := tuple(itertools.islice(waiting, 1 if alone else size)):
            yield batch


def small_plan(traffic: str) -> tuple[Round, ...]:
    """Return a handful of rounds that show each kind, for every change of the code."""
    return (
        Round(LAUNCH, "effect:start.1", MODULE),
        Round(REPLACE, "step:drain" if traffic == "haproxy" else "effect:switch.2", MODULE, number=2),
        Round(REPLACE, "result-event", AGENT),
    )


def _named(traffic: str) -> Iterator[Round]:
    for action in ACTIONS:
        for step in STEPS:
            if step.name in _SLOW or (action == STOP and step.name in _NO_PACKAGE):
                continue
            yield Round(action, step.name, AGENT)
        for host_step in HOST_STEPS[traffic][action]:
            yield Round(action, host_step, MODULE)
    for host_step in PACKAGE_STEPS:
        yield Round(LAUNCH, host_step, MODULE)


def _blocked(traffic: str) -> Iterator[Round]:
    """Yield kills of the agent while the module stands at a step of its own; every third module stays there."""
    for action in ACTIONS:
        for place, step in enumerate(HOST_STEPS[traffic][action]):
            yield Round(action, step, AGENT, BLOCKED[place % 3 == 2], number=place)


def _special(per_step: int) -> Iterable[Round]:
    numbers = range(1, per_step + 1)
    yield from (Round(REPLACE, "heartbeat", AGENT, number=number) for number in numbers)
    yield Round(REPLACE, "effect:switch.1", AGENT, "new-version")
    yield Round(LAUNCH, "result-event", AGENT, "new-version", 2)
    yield Round(STOP, "step:stop", AGENT, "second-agent", 2)
    yield from (Round(REPLACE, "step:switch", AGENT, "second-agent", number) for number in numbers)
    for number in numbers:
        yield Round(REPLACE, "begin", AGENT, "late-replace", number)
        yield Round(REPLACE, "begin", AGENT, "late-stop", number)
        yield Round(STOP, "begin", AGENT, "late-launch", number)
        yield Round(REPLACE, "step:switch", AGENT, "newer-stop", number)


LATE = {"late-replace": REPLACE, "late-stop": STOP, "late-launch": LAUNCH}
"""Variant -> a newer action, done while the older one's first module still stands before its fence; then that goes on."""

SUPERSEDED = {"newer-stop": STOP}
"""Variant -> a newer action, accepted while nobody lives who could finish the older one."""
