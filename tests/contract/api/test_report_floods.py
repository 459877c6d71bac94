"""A flood of an agent's own reports, through its real spool and HTTP: steps may go, state changes never do."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from mgmt_ansible.adapters.clocks import SystemClock
from mgmt_ansible.adapters.control_plane import HttpControlPlane
from mgmt_ansible.adapters.report_spools import SqliteReportSpool
from mgmt_ansible.adapters.spool_files import Limits
from mgmt_ansible.agent.reporting import Reporter
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.api import create_app
from mgmt_ansible.domain.actions import Claim
from mgmt_ansible.domain.reports import ProgressReport, Report
from mgmt_ansible.domain.run_filters import RunFilters
from mgmt_ansible.domain.runs import RunProgress
from tests.contract.store.sites import Site

FLOOD = 5_000
DEPLOYMENTS = 20
LIMITS = Limits(reports=500, size_bytes=2_000_000)
MOST_FILE_BYTES = 10_000_000
"""Of the file, its log and its index: a few times what the reports in it have at most."""
WRITES_PER_SECOND = 1.0
DEADLINE_SECONDS = 60.0


class CountingSender:
    """The agent's own client; counts what got through."""

    def __init__(self, control_plane: HttpControlPlane) -> None:
        self._control_plane = control_plane
        self.steps = 0
        self.refused = 0

    def __call__(self, reports: list[Report]) -> None:
        try:
            self._control_plane.send(reports)
        except Exception:
            self.refused += 1
            raise
        self.steps += sum(isinstance(report, ProgressReport) for report in reports)


@dataclass(frozen=True)
class Flooded:
    """An agent's spool before a control plane that lets each token write once a second, and ten times at first."""

    site: Site
    principal: Principal
    spool: SqliteReportSpool
    sender: CountingSender
    path: Path

    @property
    def waiting(self) -> int:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)) as file:
            return int(file.execute("SELECT count(*) FROM reports").fetchone()[0])

    @property
    def file_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.path.parent.glob(f"{self.path.name}*"))


@pytest.fixture
def flooded(site: Site, tmp_path: Path) -> Iterator[Flooded]:
    """Serve over real HTTP on loopback."""
    app = create_app(site.services, writes_per_second=WRITES_PER_SECOND)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    token = site.services.access.create_token(name="a", kind="agent", environment_ids=[site.environment.id]).token
    sender = CountingSender(HttpControlPlane(url=f"http://127.0.0.1:{port}", token=token, instance_id="one"))
    path = tmp_path / "agent" / "reports.sqlite3"
    spool = SqliteReportSpool(path, sender, limits=LIMITS, first_back_off_seconds=0.05)
    spool.start()
    yield Flooded(site, site.services.access.authenticate(f"Bearer {token}"), spool, sender, path)
    spool.close()
    server.should_exit = True
    thread.join(DEADLINE_SECONDS)
    site.services.wakeups.stop()


def until(condition) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.01)


def work(flooded: Flooded, claims: list[Claim]) -> list[int]:
    """Do what an agent does with claims, all at once, each with its share of the flood; return how many waited."""
    reporter = Reporter(spool=flooded.spool, clock=SystemClock(threading.Event()))
    sinks = [reporter.progress_of(claim) for claim in claims]
    waiting = []
    for number in range(FLOOD):
        index = number % len(claims)
        step = RunProgress(run_id="b" * 24, step=f"step {number}", host="h1", at=flooded.site.clock())
        sinks[index].progress(step)
        if number % 250 == 0:
            waiting.append(flooded.waiting)
            claim = claims[number // 250]
            flooded.spool.put(flooded.site.run_report(claim, f"{number:024x}"))
            flooded.spool.put(flooded.site.result(claim))
    return waiting


def test_five_thousand_steps_cost_no_state_change(flooded: Flooded):
    """Every result and every run arrives, whatever came before and after it; what waits is bounded all the time."""
    site = flooded.site
    for number in range(DEPLOYMENTS):
        site.create(f"d{number}")
    claims = [claim for _ in range(DEPLOYMENTS) if (claim := site.claim(flooded.principal))]

    waiting = work(flooded, claims)

    assert flooded.file_bytes < MOST_FILE_BYTES
    assert flooded.spool.flush(timeout_seconds=DEADLINE_SECONDS)
    actions = [site.services.actions.get_action(claim.spec.id) for claim in claims]
    shown = [site.services.deployments.get_deployment(f"d{number}") for number in range(DEPLOYMENTS)]
    assert ["succeeded"] * DEPLOYMENTS == [action.status for action in actions]
    assert [("ready", "passing")] * DEPLOYMENTS == [(one.state, one.service_health.status) for one in shown]
    assert [1] * DEPLOYMENTS == [
        len(site.services.runs.list_runs(RunFilters(action_id=claim.spec.id)).data) for claim in claims
    ]
    assert LIMITS.reports >= max(waiting)
    assert 0 < flooded.sender.steps < FLOOD, "the flood was none"
    assert flooded.sender.refused > 0, "nobody was refused"
