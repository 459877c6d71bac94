"""Seconds from an accepted deployment event to its `succeeded` event, on one loopback host.

    python -m benchmarks.actions [ROUNDS]

Prints `goal NAME: VALUE (limit LIMIT) ok|missed` lines; the first build of the runtime's environment is reported apart.
"""

from __future__ import annotations

import statistics
import sys
import time
from functools import partial

from benchmarks import sites
from mgmt_ansible.quickstart.site import Site

LIMITS = {"launch": 6.0, "replace": 8.0, "stop": 4.0}


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with sites.running_site() as site:
        seconds = measure(site, rounds)
    missed = 0
    for name, values in seconds.items():
        median, limit = statistics.median(values), LIMITS.get(name)
        verdict = "" if limit is None else f" (limit {limit:g} s) {'ok' if median <= limit else 'missed'}"
        missed += limit is not None and median > limit
        print(f"goal {name}: median {median:.2f} s of {[round(value, 2) for value in values]}{verdict}")
    return 1 if missed else 0


def measure(site: Site, rounds: int) -> dict[str, list[float]]:
    packages = list(site.upload().values())
    began = time.monotonic()
    sites.wait(site, sites.launch(site, "warm-up", packages[0].id))
    first = time.monotonic() - began
    sites.wait(site, sites.stop(site, "warm-up"))
    seconds: dict[str, list[float]] = {"launch": [], "replace": [], "stop": [], "replace, default 5 s healthy": []}
    for number in range(rounds):
        name = f"measured-{number}"
        steps = (
            ("launch", partial(sites.launch, site, name, packages[0].id, minimum_healthy_seconds=0)),
            ("replace", partial(sites.replace, site, name, packages[1].id, minimum_healthy_seconds=0)),
            ("replace, default 5 s healthy", partial(sites.replace, site, name, packages[0].id)),
            ("stop", partial(sites.stop, site, name)),
        )
        for step, ask in steps:
            action_id = ask()
            sites.wait(site, action_id)
            seconds[step].append(sites.event_seconds(site, name, action_id))
    return {**seconds, "first launch with the environment's build": [first]}


if __name__ == "__main__":
    raise SystemExit(main())
