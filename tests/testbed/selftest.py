"""`scripts/testbed-selftest`: all kinds, all faults, both engines, and the agent's own work on hosts with and without systemd."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable

import structlog

from tests.testbed import beds, container_checks, containers, fault_checks, model_checks, plans
from tests.testbed.commands import BedError
from tests.testbed.hosts import Host

_ID = "selftest"
_HOSTS = ("s1:systemd:disk=600M,memory=2G", "d1:docker", "m1:podman", "p1:plain")
_ENGINES = ("docker", "podman")
_NOT_HERE = {
    *(("whole-disk-full", kind) for kind in ("docker", "podman", "plain")),  # they have no disk of their own
    ("runs without root", "docker"),
}


class Checks:
    """Runs checks, tells a line each, and counts."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self.count = 0
        self.bad = 0

    def run(self, name: str, check: Callable[[], object]) -> bool:
        """Run one check; what it raises is told and counted."""
        began, self.count = time.monotonic(), self.count + 1
        try:
            check()
        except (AssertionError, BedError) as error:
            self.bad += 1
            place = traceback.extract_tb(error.__traceback__)[-1]
            why = f": {place.line} ({error})" if isinstance(error, AssertionError) else f": {error}"
            self._tell(f"bad  {name} {time.monotonic() - began:.1f} s{why}")
            return False
        self._tell(f"ok   {name} {time.monotonic() - began:.1f} s")
        return True


def run_all(tell: Callable[[str], None]) -> int:
    """Make a testbed of all kinds, try everything, take it down; return 0 when nothing was bad.

    Args:
        tell: Gets each line; the last is `testbed: N checks, M bad`.
    """
    checks = Checks(tell)
    plan = plans.Plan(
        id=_ID,
        state=plans.default_state(_ID),
        cache=plans.default_cache(),
        hosts=plans.parse_hosts(_HOSTS),
    )
    if checks.run("up: four kinds answer over ssh", lambda: beds.up(plan, beds.stopwatch(tell))):
        try:
            _try_all(checks, beds.Bed.at(plan.state))
        finally:
            checks.run("down: nothing is left", lambda: _down(plan, tell))
    tell(f"testbed: {checks.count} checks, {checks.bad} bad")
    return 1 if checks.bad else 0


def _try_all(checks: Checks, bed: beds.Bed) -> None:
    for host in bed.hosts.values():
        for name, check in fault_checks.CHECKS.items():
            _try(checks, host, name, check)
    for kind in _ENGINES:
        for name, check in container_checks.CHECKS.items():
            _try(checks, bed.of_kind(kind), name, check)
    for kind in ("systemd", "plain"):
        _try(checks, bed.of_kind(kind), "launch, replace, stop", model_checks.launch_replace_stop)


def _try(checks: Checks, host: Host, name: str, check: Callable[[Host], None]) -> None:
    if (name, host.kind) in _NOT_HERE:
        return
    if not checks.run(f"{host.kind}: {name}", lambda: check(host)):
        checks.run(f"{host.kind}: reset after that", lambda: containers.reset(host, lambda _: None))


def _down(plan: plans.Plan, tell: Callable[[str], None]) -> None:
    left = beds.down(plan.id, plan.state, tell)
    assert not any(left.values())


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    raise SystemExit(run_all(_say))
