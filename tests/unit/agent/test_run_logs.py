"""Logs on their way to the spool: in order, bounded, and never in the run's way."""

from __future__ import annotations

import threading

import pytest

from mgmt_ansible.agent import run_logs
from mgmt_ansible.agent.run_logs import LogShipper
from mgmt_ansible.domain.outcomes import HostOutcome, Outcome
from mgmt_ansible.domain.reports import LogReport
from tests.unit.agent.scripted import FixedClock, ListSpool, make_claim, make_outcome
from tests.unit.agent.worlds import ScriptedPlugin, World

RUN = "b" * 24


def make_shipper(spool: ListSpool) -> LogShipper:
    return LogShipper(
        claim=make_claim(), spool=spool, clock=FixedClock(), make_id=iter(map(str, range(10_000))).__next__
    )


def logs(spool: ListSpool) -> list[LogReport]:
    return [report for report in spool.reports if isinstance(report, LogReport)]


def test_the_beginning_is_told_at_once():
    """A page shows the run before its first line."""
    spool = ListSpool()
    shipper = make_shipper(spool)

    shipper.begin(RUN, "deployment_launch")

    (report,) = logs(spool)
    shipper.close()
    assert (RUN, "deployment_launch", ()) == (report.run_id, report.playbook, report.lines)


def test_lines_come_in_order_and_numbered():
    """The end of the run brings what still waits."""
    spool = ListSpool()
    shipper = make_shipper(spool)
    shipper.begin(RUN, "x")
    shipper.take(RUN, ("a", "b"))
    shipper.take("another", ("not ours",))
    shipper.take(RUN, ("c",))
    shipper.close()

    lines = [(report.first + index, line) for report in logs(spool) for index, line in enumerate(report.lines)]
    assert [(1, "a"), (2, "b"), (3, "c")] == lines


def test_what_is_too_much_leaves_a_gap(monkeypatch: pytest.MonkeyPatch):
    """Lines that are lost keep their numbers, and no report holds lines that do not follow each other."""
    monkeypatch.setattr(run_logs, "_WAITING_LINES", 2)
    spool = ListSpool()
    shipper = make_shipper(spool)
    shipper.begin(RUN, "x")
    shipper.take(RUN, ("1", "2", "3", "4"))
    shipper._ship()
    shipper.take(RUN, ("5",))
    shipper.close()

    assert [(1, ("1", "2")), (5, ("5",))] == [(report.first, report.lines) for report in logs(spool) if report.lines]


def test_a_run_sends_its_share_and_no_more(monkeypatch: pytest.MonkeyPatch):
    """A playbook that never stops printing fills no disk."""
    monkeypatch.setattr(run_logs, "MOST_LINES", 3)
    spool = ListSpool()
    shipper = make_shipper(spool)
    shipper.begin(RUN, "x")
    shipper.take(RUN, tuple("abcdef"))
    shipper.close()

    assert ["a", "b", "c"] == [line for report in logs(spool) for line in report.lines]


def test_a_disk_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch):
    """Taking lines returns at once, and the end waits a moment only."""
    monkeypatch.setattr(run_logs, "_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(run_logs, "_LAST_SECONDS", 0.05)
    hanging, free = threading.Event(), threading.Event()

    class HangingSpool(ListSpool):
        def put(self, report):
            if report.lines:
                hanging.set()
                free.wait(60)

    shipper = make_shipper(HangingSpool())
    shipper.begin(RUN, "x")
    shipper.take(RUN, ("a",))
    assert hanging.wait(60)
    shipper.take(RUN, ("b",))
    shipper.close()

    assert not free.is_set()
    free.set()


def test_a_spool_that_refuses_loses_lines_and_nothing_else():
    """The run goes on, and its own report tells of it."""

    def work(progress, cancel):
        progress.log(RUN, ("line",))
        return make_outcome(HostOutcome(host="h1", outcome=Outcome.OK))

    world = World([make_claim()], plugin=ScriptedPlugin(perform=work))
    world.spool.refused = {"log"}

    world.agent.run()

    assert ["run", "result"] == [report.kind for report in world.spool.reports if report.kind in ("run", "result")]
