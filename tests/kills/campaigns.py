"""`scripts/kills`: plays the rounds, asks the oracle after each, and counts."""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mgmt_ansible import errors
from mgmt_ansible.quickstart import signals
from tests.kills.barriers import NotReachedError
from tests.kills.deployments import LAUNCH, REPLACE, STOP, Deployments
from tests.kills.effects import read_effects
from tests.kills.oracle import KINDS, LOST, Finding, find_done_again, judge
from tests.kills.plans import HOST_STEPS, Round, batches, plan_rounds, small_plan
from tests.kills.rounds import Ended, Stage, TooLateError
from tests.kills.sites import KillSite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mgmt_ansible.wire.api_v2 import Action

_TOGETHER = 3
"""Rounds at once that kill only a module of their own."""


def main() -> int:
    """Run the command line; 1 when anything was found, or a step was not reached."""
    asked = _arguments()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10**6)
    rounds = plan_rounds(
        traffic=asked.traffic,
        per_step=asked.rounds_per_step,
        moments=asked.random,
        only=asked.only or ["*"],
        seed=seed,
    )
    part, parts = (int(number) for number in asked.part.split("/"))
    rounds = small_plan(asked.traffic) if asked.small else rounds[part - 1 :: parts]
    if asked.list:
        say("\n".join(one.name for one in rounds))
        return 0
    say(f"seed {seed}, {len(rounds)} rounds")
    with signals.interruptible(), KillSite(asked.traffic) as site:
        campaign = Campaign(site, seed)
        if not asked.small:
            campaign.warm_up()
        return campaign.play(rounds)


class Campaign:
    """Plays rounds and keeps the count."""

    def __init__(self, site: KillSite, seed: int) -> None:
        self._site = site
        self._deployments = Deployments(site)
        self._stage = Stage(site, self._deployments, random.Random(seed))
        self._counts: Counter[str] = Counter()
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._missed = 0
        self._told = 0

    def play(self, rounds: Sequence[Round]) -> int:
        """Play them all, or until interrupted; returns the exit code."""
        try:
            for batch in batches(rounds, _TOGETHER):
                for one, played in zip(batch, self._play_together(batch), strict=True):
                    self._tell(one, len(rounds), *self._judge(one, played))
        except KeyboardInterrupt:
            say(f"interrupted: {len(rounds) - self._told} rounds were not played")
        return self._sum_up(whole=self._told == len(rounds))

    def _tell(self, one: Round, total: int, text: str, findings: Sequence[Finding]) -> None:
        self._told += 1
        self._counts.update(finding.kind for finding in findings)
        verdict = "; ".join(f"{finding.kind.upper()} {finding.text}" for finding in findings) or "ok"
        say(f"{self._told:3}/{total} {one.name}: {text}: {verdict}")

    def warm_up(self) -> None:
        """Show that each action succeeds when nothing disturbs it."""
        seconds: list[float] = []
        for hosts in (1, 2):
            deployment_id = self._deployments.ready_for(LAUNCH, hosts)
            for action in (LAUNCH, REPLACE, STOP):
                began = time.monotonic()
                self._deployments.finish(self._deployments.ask(action, deployment_id, hosts))
                seconds.append(time.monotonic() - began)
        self._stage.longest_moment_seconds = sorted(seconds[1:])[len(seconds) // 2]
        said = ", ".join(f"{one:.1f}" for one in seconds)
        say(f"undisturbed, launch, replace and stop on one host and on two succeed in {said} s")

    def _play_together(self, batch: Sequence[Round]) -> list[_Played]:
        ids: list[str] = []
        for one in batch:
            ids.append(self._deployments.ready_for(one.action, one.hosts, taken=ids))
        with ThreadPoolExecutor(max_workers=len(batch)) as pool:
            return list(pool.map(self._play, batch, ids))

    def _play(self, one: Round, deployment_id: str) -> _Played:
        try:
            return _Played(deployment_id, self._stage.play(one, deployment_id))
        except TooLateError:
            return self._play_again(one)
        except (NotReachedError, errors.MgmtAnsibleError, AssertionError) as exc:
            return _Played(deployment_id, broken=exc)

    def _play_again(self, one: Round) -> _Played:
        """Play a round anew whose random moment came after the end, a little earlier each time."""
        self._stage.longest_moment_seconds *= 0.9
        return self._play(one, self._deployments.ready_for(one.action, one.hosts))

    def _judge(self, one: Round, played: _Played) -> tuple[str, tuple[Finding, ...]]:
        if isinstance(played.broken, NotReachedError):
            self._missed += 1
            self._deployments.spoil(played.deployment_id)
            return f"MISSED: {played.broken}", ()
        if played.ended is None:
            self._deployments.spoil(played.deployment_id)
            return "broke off", (Finding(LOST, str(played.broken)),)
        self._seconds[one.way].append(played.ended.seconds)
        wanted = self._deployments.wanted
        findings = judge(self._site, wanted[played.deployment_id], played.ended.action, wanted.values())
        findings += find_done_again(self._site, played.deployment_id, played.ended.before)
        if findings:
            self._tell_more(played.ended)
            self._deployments.spoil(played.deployment_id)
        return _text(played.ended), findings

    def _tell_more(self, ended: Ended) -> None:
        say(f"      hosts say: {_hosts(ended.action)}")
        for host in self._deployments.wanted[ended.deployment_id].hosts:
            for effect in read_effects(self._site.base_dir(host), ended.deployment_id):
                say(f"      {host} {effect.text}")

    def _sum_up(self, *, whole: bool) -> int:
        for way, seconds in sorted(self._seconds.items()):
            ordered = sorted(seconds)
            middle, longest = ordered[len(ordered) // 2], ordered[-1]
            say(f"from kill to end, {way}: {len(ordered)} rounds, median {middle:.1f} s, longest {longest:.1f} s")
        if self._missed:
            say(f"{self._missed} rounds did not reach their step")
        counts = ", ".join(f"{kind} {self._counts[kind]}" for kind in KINDS)
        say(f"kills: {self._told - self._missed} rounds, {counts}")
        return 0 if whole and not self._counts and not self._missed else 1


@dataclass(frozen=True)
class _Played:
    """A round that is over: how it ended, or what broke it off."""

    deployment_id: str
    ended: Ended | None = None
    broken: Exception | None = None


def _text(ended: Ended) -> str:
    attempt = f"attempt {ended.action.attempt} ended {ended.action.status}"
    return f"{ended.reached}; killed {ended.killed}; {attempt} after {ended.seconds:.1f} s: {ended.action.message}"


def _hosts(action: Action) -> str:
    return "; ".join(f"{host.host}: {host.outcome} {host.cause or ''} {host.message}" for host in action.hosts)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/kills", description=__doc__)
    parser.add_argument("--rounds-per-step", type=int, default=3)
    parser.add_argument("--random", type=int, default=20, help="random moments")
    parser.add_argument("--seed", type=int, help="order of the rounds, and the random moments")
    parser.add_argument(
        "--only", action="append", help="pattern of round names, such as 'replace/*/module/*'; repeatable"
    )
    parser.add_argument(
        "--part", default="1/1", help="K/N: only each Nth round, from the Kth on; parts may run side by side"
    )
    parser.add_argument(
        "--traffic", choices=HOST_STEPS, default="none", help="what holds the deployments' stable ports on the hosts"
    )
    parser.add_argument("--small", action="store_true", help="one round of each kind, as the tests do")
    parser.add_argument("--list", action="store_true", help="print the names of the rounds and end")
    return parser.parse_args()


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201 - the script's own voice
