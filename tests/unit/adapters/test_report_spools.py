"""The report spool: durable, in order, each once, in the background."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mgmt_ansible import errors
from mgmt_ansible.adapters.report_spools import SqliteReportSpool
from mgmt_ansible.adapters.spool_files import Limits
from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.outcomes import HostOutcome, Outcome
from mgmt_ansible.domain.reports import HostsReport, LogReport, ProgressReport, Report, ResultReport, RunReport
from mgmt_ansible.domain.runs import RunOutcome, RunProgress, RunStatus
from mgmt_ansible.wire import agent_v1

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEADLINE_SECONDS = 10.0


def result(number: int) -> ResultReport:
    return ResultReport(
        id=f"{number:024x}",
        action_id="a" * 24,
        attempt=1,
        status=ActionStatus.SUCCEEDED,
        outcome=Outcome.OK,
        hosts=(HostOutcome(host="h1", outcome=Outcome.OK),),
        finished_at=NOW,
    )


def progress(number: int) -> ProgressReport:
    step = RunProgress(run_id="b" * 24, step="x", at=NOW)
    return ProgressReport(id=f"{number:024x}", action_id="a" * 24, attempt=1, progress=step)


def hosts(number: int) -> HostsReport:
    return HostsReport(id=f"{number:024x}", environment_id="e" * 24, hosts=(), taken_at=NOW)


def run(number: int) -> RunReport:
    outcome = RunOutcome(run_id="b" * 24, status=RunStatus.SUCCESSFUL, hosts={}, started_at=NOW, ended_at=NOW)
    fields = {"action_id": "a" * 24, "attempt": 1, "wave": 0, "playbook": "deployment_stop", "request_hash": "f" * 64}
    return RunReport(id=f"{number:024x}", outcome=outcome, **fields)


class Receiver:
    """Takes batches, after the failures that it is told."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.batches: list[list[Report]] = []

    def __call__(self, reports) -> None:
        if self._failures:
            raise self._failures.pop(0)
        self.batches.append(list(reports))

    @property
    def failures_left(self) -> int:
        return len(self._failures)

    @property
    def numbers(self) -> list[int]:
        return [int(report.id, 16) for batch in self.batches for report in batch]


def until(condition) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        threading.Event().wait(0.002)


@pytest.fixture
def open_spool(tmp_path):
    """Open the one spool of a test, again and again."""
    opened: list[SqliteReportSpool] = []

    def build(receiver, **options) -> SqliteReportSpool:
        spool = SqliteReportSpool(tmp_path / "reports.sqlite3", receiver, first_back_off_seconds=0.002, **options)
        opened.append(spool)
        return spool

    yield build
    for spool in opened:
        spool.close()


def test_reports_arrive_in_order_in_batches_of_a_hundred(open_spool):
    """Order is that of `put`, and no request is larger than the contract."""
    receiver = Receiver()
    spool = open_spool(receiver)
    for number in range(250):
        spool.put(result(number))

    spool.start()

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert list(range(250)) == receiver.numbers
    assert [100, 100, 50] == [len(batch) for batch in receiver.batches]


def test_a_report_is_the_same_after_its_way_through_the_file(open_spool):
    """Nothing is lost in JSON."""
    receiver = Receiver()
    spool = open_spool(receiver)
    spool.start()

    spool.put(result(1))

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert [[result(1)]] == receiver.batches


def test_an_absent_receiver_is_asked_again_and_nothing_is_lost(open_spool):
    """The control plane may be away for hours."""
    away = errors.ControlPlaneUnavailableError("away")
    receiver = Receiver(away, away, away)
    spool = open_spool(receiver)
    spool.start()
    for number in range(3):
        spool.put(result(number))

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert [0, 1, 2] == receiver.numbers


def test_what_was_not_delivered_waits_for_the_next_process(open_spool):
    """A restart of the agent loses nothing and sends nothing twice."""
    first = open_spool(Receiver())
    first.put(result(1))
    first.put(result(2))
    first.close()
    receiver = Receiver()

    second = open_spool(receiver)
    second.start()

    assert second.flush(timeout_seconds=DEADLINE_SECONDS)
    assert [1, 2] == receiver.numbers


@pytest.mark.parametrize("refusal", [errors.InvalidRequestError, errors.ForbiddenError])
def test_a_report_that_is_refused_for_good_does_not_block_the_others(open_spool, refusal):
    """A bad one, or one of an environment that the token may not serve any more, is dropped, logged, and the rest goes on."""

    class Picky(Receiver):
        def __call__(self, reports) -> None:
            if any(int(report.id, 16) == 2 for report in reports):
                raise refusal("report 2")
            super().__call__(reports)

    receiver = Picky()
    spool = open_spool(receiver)
    for report in (result(1), progress(2), result(3)):
        spool.put(report)
    spool.start()

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert [1, 3] == receiver.numbers


def test_a_refused_token_keeps_the_reports(open_spool):
    """An operator can repair a token; reports wait for it."""
    receiver = Receiver(errors.AccessError("unknown token"))
    spool = open_spool(receiver)
    spool.put(result(1))
    spool.start()

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert [1] == receiver.numbers


def test_a_full_spool_drops_the_oldest_progress_first(open_spool):
    """Results are worth more than steps."""
    receiver = Receiver()
    spool = open_spool(receiver, limits=Limits(reports=3))
    for report in (result(1), progress(2), progress(3), result(4), result(5)):
        spool.put(report)
    spool.start()

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert [1, 4, 5] == receiver.numbers


def test_a_report_put_twice_is_sent_once(open_spool):
    """Its id is its identity."""
    receiver = Receiver()
    spool = open_spool(receiver)
    spool.put(result(1))
    spool.put(result(1))
    spool.start()

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert [1] == receiver.numbers


def test_closing_does_not_wait_for_an_absent_receiver(open_spool):
    """SIGTERM ends the agent although the control plane is away."""

    def away(reports) -> None:
        raise errors.ControlPlaneUnavailableError("away")

    spool = open_spool(away)
    spool.start()
    spool.put(result(1))
    began = time.monotonic()

    assert not spool.flush(timeout_seconds=0.05)
    spool.close()
    assert time.monotonic() - began < DEADLINE_SECONDS


def test_many_threads_put_at_once(open_spool):
    """Every worker of the agent shares the spool."""
    receiver = Receiver()
    spool = open_spool(receiver)
    spool.start()
    threads = [
        threading.Thread(target=lambda n=n: [spool.put(result(n * 100 + i)) for i in range(10)]) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert sorted(n * 100 + i for n in range(4) for i in range(10)) == sorted(receiver.numbers)


def test_a_file_that_is_no_database_is_moved_aside(tmp_path, open_spool):
    """The agent goes on; people find the old file beside the new one."""
    (tmp_path / "reports.sqlite3").write_text("this is not a database, but long enough for a header of one" * 20)
    receiver = Receiver()

    spool = open_spool(receiver)
    spool.put(result(1))
    spool.start()

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert [1] == receiver.numbers
    (aside,) = tmp_path.glob("reports.sqlite3.damaged-*")
    assert aside.read_text().startswith("this is not a database")


def test_a_file_that_is_damaged_at_work_is_moved_aside(tmp_path, open_spool):
    """A bad sector does not stop the agent from reporting what comes next."""
    receiver = Receiver()
    spool = open_spool(receiver)
    for number in range(50):
        spool.put(result(number))
    with closing(sqlite3.connect(tmp_path / "reports.sqlite3")) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray((tmp_path / "reports.sqlite3").read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    (tmp_path / "reports.sqlite3").write_bytes(content)
    spool.start()
    spool.put(result(99))

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert 99 == receiver.numbers[-1]
    assert 1 == len([path for path in tmp_path.glob("*.damaged-*") if path.name[-4:] not in ("-wal", "-shm")])


def test_a_spool_in_a_folder_that_cannot_be_is_an_error(tmp_path):
    """The message names the file."""
    (tmp_path / "file").touch()

    with pytest.raises(errors.StoreError, match=r"reports\.sqlite3"):
        SqliteReportSpool(tmp_path / "file" / "reports.sqlite3", Receiver())


def test_a_large_backlog_is_capped_by_its_size_too(open_spool):
    """A thousand long logs fill no disk."""
    receiver = Receiver()
    size = len(agent_v1.to_json(agent_v1.REPORT, result(1)))
    spool = open_spool(receiver, limits=Limits(size_bytes=3 * size))
    for number in range(5):
        spool.put(result(number))
    spool.start()

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert [2, 3, 4] == receiver.numbers


def test_batches_are_small_enough_for_one_request(open_spool):
    """Reports are counted in bytes too, but a single large one goes alone."""
    receiver = Receiver()
    spool = open_spool(receiver)
    long = replace(result(1), message="x" * 3_000_000)
    for number in range(3):
        spool.put(replace(long, id=f"{number:024x}"))
    spool.put(replace(long, id=f"{3:024x}", message="x" * 5_000_000))
    spool.start()

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert [1, 1, 1, 1] == [len(batch) for batch in receiver.batches]


def test_a_returned_control_plane_is_told_at_once(tmp_path):
    """Who hears that it answers does not wait for the back-off."""
    receiver = Receiver(errors.ControlPlaneUnavailableError("away"))
    spool = SqliteReportSpool(tmp_path / "reports.sqlite3", receiver, first_back_off_seconds=3_600.0)
    spool.put(result(1))
    spool.start()
    try:
        until(lambda: not receiver.failures_left)
        spool.hurry()
        until(lambda: [1] == receiver.numbers)
    finally:
        spool.close()


def test_a_thousand_reports_of_an_outage_arrive_once_and_in_order(open_spool):
    """What arose while the control plane was away for hours."""
    away = errors.ControlPlaneUnavailableError("away")
    receiver = Receiver(*[away] * 5)
    spool = open_spool(receiver)
    spool.start()
    for number in range(1_000):
        spool.put(result(number))

    assert spool.flush(timeout_seconds=6 * DEADLINE_SECONDS)
    assert list(range(1_000)) == receiver.numbers


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
