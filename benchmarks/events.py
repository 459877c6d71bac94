"""The feed with a million entries, through the real control plane over HTTP, on SQLite and on PostgreSQL.

    python -m benchmarks.events [--events 1000000] [--database sqlite|postgresql]... [--rounds 40] [--filled DIR]

Filter, search and page: milliseconds of single requests of fifty entries, p95 of the slowest question of its kind. Ingest:
entries a second that looks of two agents make (`POST /agent/v1/reports`, each entry a deployment whose health became another).
Prune: `POST retention/prune/` until nothing is left to remove, while four clients write (`PATCH deployments/{id}/`); the
longest that one of them waited for its answer, and the same without a prune, between two calls. Prints a line a question, and `goal NAME: VALUE (limit LIMIT) ok|missed` lines.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import event_feeds, event_fill, event_prune, event_servers
from benchmarks.event_feeds import Names
from benchmarks.event_servers import Caller, Server
from benchmarks.look_reports import Ingest

FEED = "/api/v2/deploymentEvents/"
P95_MILLISECONDS = 100.0
LEAST_PER_SECOND = 1_000.0
BLOCKED_MILLISECONDS = 100.0
HARDEST = "search of two common words that never meet"
"""Told, not judged: no index answers it without going through all entries of both."""

Question = Callable[[int], Mapping[str, object]]
"""Number of the round -> the query."""


class Goals:
    """Prints verdicts, and counts what was missed."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.missed = 0

    def at_most(self, name: str, value: float, limit: float, unit: str) -> None:
        self._judge(name, f"{value:.0f} {unit}", f"{limit:.0f} {unit}", fine=value <= limit)

    def at_least(self, name: str, value: float, limit: float, unit: str) -> None:
        self._judge(name, f"{value:.0f} {unit}", f"{limit:.0f} {unit}", fine=value >= limit)

    def _judge(self, name: str, value: str, limit: str, *, fine: bool) -> None:
        self.missed += not fine
        print(f"goal {self._kind} {name}: {value} (limit {limit}) {'ok' if fine else 'missed'}", flush=True)


def main() -> int:
    options = _options()
    missed = 0
    for kind in options.database or ("sqlite", "postgresql"):
        with event_servers.filled(kind, options.filled, lambda base: fill(base, options.events)) as base:
            goals = Goals(kind)
            measure(base, goals, options)
            missed += goals.missed
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--database", action="append", choices=("sqlite", "postgresql"))
    parser.add_argument("--rounds", type=int, default=40, help="requests of each question")
    parser.add_argument("--only", help="part of a question's text: ask only these, and measure nothing else")
    parser.add_argument("--filled", type=Path, help="folder that keeps the filled databases for the next run")
    return parser.parse_args()


def fill(base: event_servers.Database, count: int) -> None:
    began = time.monotonic()
    with event_servers.opened(base) as store:
        names = event_feeds.make_places(store, base.folder)
    event_fill.fill(base.url, names, count)
    base.analyze()
    print(f"{base.kind}: {count} entries written in {time.monotonic() - began:.0f} s", flush=True)


def measure(base: event_servers.Database, goals: Goals, options: argparse.Namespace) -> None:
    with event_servers.opened(base) as store:
        names = event_feeds.places_in(store)
        ingest = None if options.only else Ingest(store, base.folder, names.package_id)
    with event_servers.served(base) as server:
        measure_questions(server, goals, names, options)
        if ingest is None:
            return
        per_second = ingest.per_second(server)
        goals.at_least("ingest", per_second, LEAST_PER_SECOND, "entries/s")
    with event_servers.served(base) as server:
        measure_prune(server, goals, names)


def measure_questions(server: Server, goals: Goals, names: Names, options: argparse.Namespace) -> None:
    caller = server.session()
    newest = caller.ask("GET", FEED, params={"limit": 1})[1].json()["data"][0]["sequence"]
    for name, questions in _questions(names, newest, datetime.now(UTC)).items():
        worst = 0.0
        for text, question in questions:
            if options.only and options.only not in text:
                continue
            times, found = _asked(caller, question, options.rounds)
            worst = max(worst, times[1])
            print(f"  {name}, {text}: p50 {times[0]:.0f} ms, p95 {times[1]:.0f} ms ({found})", flush=True)
        if name != HARDEST:
            goals.at_most(f"{name} p95", worst, P95_MILLISECONDS, "ms")


def _asked(caller: Caller, question: Question, rounds: int) -> tuple[tuple[float, float], str]:
    """Return the median and the 95th percentile, and what the last answer had."""
    times = []
    body: dict[str, object] = {}
    for number in range(rounds):
        took, answer = caller.ask("GET", FEED, params={"limit": 50, **question(number)})
        times.append(took)
        body = answer.json()
    times.sort()
    return (times[len(times) // 2], times[int(len(times) * 0.95)]), f"{body['count']} of {body['totalCount']}"


def _questions(names: Names, newest: int, now: datetime) -> Mapping[str, Sequence[tuple[str, Question]]]:
    def ago(days: float) -> str:
        return (now - timedelta(days=days)).isoformat()

    deployments, hosts = names.deployment_ids, names.hosts
    return {
        "page": (
            ("first", lambda _: {}),
            ("deep by sequence", lambda number: {"before": newest * (number % 9 + 1) // 10}),
            ("deep by sequence in an environment", lambda number: {
                "before": newest // 2, "predictionEnvironmentId": names.environment_ids[number % 20],
            }),
            ("by offset", lambda number: {"offset": 9_900 - number}),
        ),
        "filter": (
            ("a deployment", lambda number: {"deploymentId": deployments[number * 7 % 400]}),
            ("an environment", lambda number: {"predictionEnvironmentId": names.environment_ids[number % 20]}),
            ("a host", lambda number: {"host": hosts[number]}),
            ("five hosts", lambda number: {"host": hosts[number : number + 5]}),
            ("a common type", lambda _: {"type": "model_deployments.deployment_launch_started"}),
            ("a rare type", lambda _: {"type": "mgmt_ansible.result_ignored"}),
            ("a type that is not there", lambda _: {"type": "mgmt_ansible.legal_hold_placed"}),
            ("categories", lambda _: {"category": ["launch", "replacement"]}),
            ("a category that is not there", lambda _: {"category": "retention"}),
            ("failing", lambda _: {"health": "failing"}),
            ("an actor", lambda number: {"actor": names.actors[number % 40]}),
            ("nobody", lambda _: {"actor": "nobody"}),
            ("the last day", lambda _: {"since": ago(1)}),
            ("a day long ago", lambda number: {"since": ago(60 + number / 10), "until": ago(59 + number / 10)}),
            ("all before a time", lambda number: {"until": ago(60 + number / 10)}),
            ("failing launches of an environment", lambda number: {
                "predictionEnvironmentId": names.environment_ids[number % 20], "health": "failing", "category": "launch",
            }),
            ("an actor on a host", lambda number: {"actor": names.actors[number % 40], "host": hosts[number]}),
            ("type and health that never meet", lambda _: {
                "type": "model_deployments.deployment_launch_started", "health": "failing",
            }),
        ),
        HARDEST: (
            ("each in a fifth of all", lambda _: {"search": "errno latency"}),
        ),
        "search": (
            ("a rare word", lambda _: {"search": event_feeds.RARE}),
            ("a word of every entry", lambda _: {"search": event_feeds.EVERYWHERE}),
            ("two words", lambda _: {"search": "errno device"}),
            ("a beginning", lambda _: {"search": "pre"}),
            ("a beginning of many words", lambda _: {"search": "1"}),
            ("a word that is not there", lambda _: {"search": "xylophone"}),
            ("a common word in a deployment", lambda number: {
                "search": event_feeds.EVERYWHERE, "deploymentId": deployments[number * 7 % 400],
            }),
            ("a common word, failing", lambda _: {"search": "errno", "health": "failing"}),
            ("a rare word in an environment", lambda number: {
                "search": event_feeds.RARE, "predictionEnvironmentId": names.environment_ids[number % 20],
            }),
            ("a common word before a time", lambda _: {"search": "errno", "before": newest // 2}),
        ),
    }  # fmt: skip


def measure_prune(server: Server, goals: Goals, names: Names) -> None:
    pruned = event_prune.prune(server, names)
    print(f"  prune: {pruned.entries} entries in {pruned.seconds:.0f} s", flush=True)
    for phase, waits in pruned.waits.items():
        print(f"  {phase}: {waits}", flush=True)
    longest = pruned.waits[event_prune.Phase.PRUNING].longest
    goals.at_most("longest write while pruning", longest, BLOCKED_MILLISECONDS, "ms")


if __name__ == "__main__":
    sys.exit(main())
