"""The report spool where there is no room, and where what it holds is not taken."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from mgmt_ansible import errors
from mgmt_ansible.adapters.report_spools import SqliteReportSpool
from mgmt_ansible.adapters.spool_files import Limits
from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.outcomes import Outcome
from mgmt_ansible.domain.reports import LogReport
from mgmt_ansible.wire import agent_v1
from tests.unit.adapters.spools import DEADLINE_SECONDS, NOW, Receiver, hosts, progress, result, run, until


class TestAFullDisk:
    """A small file system under the spool."""

    @pytest.fixture
    def small_disk(self, tmp_path):
        """A megabyte of its own."""
        folder = tmp_path / "disk"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "spool", str(folder)], check=False, capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
        yield folder
        subprocess.run(["umount", "-l", str(folder)], check=True)

    def test_refuses_reports_and_goes_on_when_there_is_room(self, small_disk):
        """What was stored before is kept, and arrives; what was refused can be stored then."""
        receiver = Receiver()
        spool = SqliteReportSpool(
            small_disk / "reports.sqlite3", receiver, limits=Limits(least_free_bytes=0), first_back_off_seconds=0.01
        )
        spool.put(result(1))
        (small_disk / "filler").write_bytes(b"x" * free_bytes(small_disk))
        with pytest.raises(errors.StoreError, match="check the disk"):
            spool.put(replace(result(2), message="x" * 100_000))
        full = spool.has_room()
        (small_disk / "filler").unlink()

        assert (False, True) == (full, spool.has_room())
        spool.put(result(2))
        spool.start()
        assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
        spool.close()
        assert [1, 2] == receiver.numbers

    def test_that_fills_while_reports_leave_does_not_end_their_delivery(self, small_disk):
        """Removing what was delivered needs room too; it is delivered again, and known by its id."""
        receiver = Receiver()
        spool = SqliteReportSpool(small_disk / "reports.sqlite3", receiver, first_back_off_seconds=0.01)
        spool.put(result(1))
        (small_disk / "filler").write_bytes(b"x" * free_bytes(small_disk))
        spool.start()
        until(lambda: receiver.batches)
        (small_disk / "filler").unlink()

        assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
        spool.close()
        assert {1} == set(receiver.numbers)


def free_bytes(folder) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


class RefusesHosts(Receiver):
    """Refuses whatever tells of hosts, for good."""

    def __call__(self, reports) -> None:
        if any(report.hosts for report in reports):
            raise errors.InvalidRequestError("hosts/h1/steps: not a number")
        super().__call__(reports)


def test_a_refused_result_is_replaced_by_the_least_that_ends_its_action(open_spool):
    """Without a result the action would be offered again for ever."""
    receiver = RefusesHosts()
    spool = open_spool(receiver)
    spool.put(result(1))
    spool.start()

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    ((sent,),) = receiver.batches
    assert ("a" * 24, 1, ActionStatus.UNKNOWN, Outcome.UNKNOWN) == (
        sent.action_id,
        sent.attempt,
        sent.status,
        sent.outcome,
    )
    assert result(1).id != sent.id
    assert "hosts/h1/steps: not a number" in sent.message


def test_a_replaced_result_that_is_refused_too_is_dropped(open_spool):
    """Once is enough: the claim may belong to somebody else by now."""
    asked = []

    def refuse(reports) -> None:
        asked.append(len(reports))
        raise errors.ConflictError("attempt 2 holds it")

    spool = open_spool(refuse)
    spool.put(result(1))
    spool.start()

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert [1, 1] == asked


def test_a_replaced_result_survives_a_restart_as_such(open_spool):
    """The file remembers that it was replaced."""
    away = errors.ControlPlaneUnavailableError("away")
    first_asked = threading.Event()

    def refuse_then_away(reports) -> None:
        if any(report.hosts for report in reports):
            raise errors.InvalidRequestError("no")
        first_asked.set()
        raise away

    first = open_spool(refuse_then_away)
    first.put(result(1))
    first.start()
    assert first_asked.wait(DEADLINE_SECONDS)
    first.close()

    def refuse(reports) -> None:
        raise errors.InvalidRequestError("no")

    second = open_spool(refuse)
    second.start()

    assert second.flush(timeout_seconds=DEADLINE_SECONDS)


def test_a_stored_report_that_cannot_be_read_does_not_stop_the_others(open_spool, tmp_path):
    """An older version, or a number that JSON has not, may have written it."""
    receiver = Receiver()
    spool = open_spool(receiver)
    with closing(sqlite3.connect(tmp_path / "reports.sqlite3")) as file, file:
        file.execute("INSERT INTO reports (id, kind, body) VALUES ('x', 'result', '{\"kind\": \"result\"}')")
    spool.put(result(1))
    spool.start()

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert [1] == receiver.numbers


class TestAFullSpool:
    """What goes first, and when nothing new is begun."""

    def test_results_go_last(self, open_spool):
        """Steps, lists of hosts and runs can be had again; a lost result would have its action done again."""
        receiver = Receiver()
        spool = open_spool(receiver, limits=Limits(reports=3))
        for report in (result(1), run(2), hosts(3), progress(4), result(5), run(6), result(7)):
            spool.put(report)
        spool.start()

        assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
        assert [1, 5, 7] == receiver.numbers

    @pytest.mark.parametrize("counted", [True, False])
    def test_has_no_room_for_new_work_when_only_results_are_left_to_drop(self, open_spool, counted):
        """The agent takes no more claims until something was delivered."""
        size = len(agent_v1.to_json(agent_v1.REPORT, result(1)))
        limits = Limits(reports=10) if counted else Limits(size_bytes=10 * size)
        spool = open_spool(Receiver(), limits=limits)
        for number in range(10):
            spool.put(result(number))
        full = spool.has_room()
        spool.start()

        assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
        assert (False, True) == (full, spool.has_room())

    def test_has_room_while_steps_can_be_dropped(self, open_spool):
        """A flood of steps never stops the work."""
        spool = open_spool(Receiver(), limits=Limits(reports=10))
        for number in range(30):
            spool.put(progress(number))

        assert spool.has_room()

    def test_stays_bounded_when_what_is_sent_is_dropped_meanwhile(self, tmp_path):
        """Removing what was delivered counts only what was still there."""
        path = tmp_path / "reports.sqlite3"
        waiting: list[int] = []

        def send(reports) -> None:
            for _ in range(10):
                spool.put(progress(numbers.pop()))
            with closing(sqlite3.connect(path)) as file:
                waiting.append(file.execute("SELECT count(*) FROM reports").fetchone()[0])
            if len(waiting) < 20:
                return
            numbers_left.set()
            raise errors.ControlPlaneUnavailableError("enough")

        numbers, numbers_left = list(range(10_000)), threading.Event()
        spool = SqliteReportSpool(path, send, limits=Limits(reports=10), first_back_off_seconds=0.002)
        for _ in range(10):
            spool.put(progress(numbers.pop()))
        spool.start()
        assert numbers_left.wait(DEADLINE_SECONDS)
        spool.close()

        assert 10 == max(waiting)


def test_a_full_spool_drops_lines_of_logs_before_anything_else(open_spool):
    """A log is worth less than a step, and far less than a result."""
    receiver = Receiver()
    spool = open_spool(receiver, limits=Limits(reports=2))
    lines = LogReport(id=f"{9:024x}", action_id="a" * 24, attempt=1, run_id="b" * 24, playbook="x", started_at=NOW)
    for report in (progress(1), lines, result(2)):
        spool.put(report)
    spool.start()

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert [1, 2] == receiver.numbers
