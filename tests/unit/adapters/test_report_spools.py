"""The report spool: durable, in order, each once, in the background."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest

from mgmt_ansible import errors
from mgmt_ansible.adapters.report_spools import SqliteReportSpool
from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.outcomes import HostOutcome, Outcome
from mgmt_ansible.domain.reports import ProgressReport, Report, ResultReport
from mgmt_ansible.domain.runs import RunProgress

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
    def numbers(self) -> list[int]:
        return [int(report.id, 16) for batch in self.batches for report in batch]


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


def test_a_report_that_is_refused_for_good_does_not_block_the_others(open_spool):
    """One bad report is dropped, logged, and the rest goes on."""

    class Picky(Receiver):
        def __call__(self, reports) -> None:
            if any(int(report.id, 16) == 2 for report in reports):
                raise errors.InvalidRequestError("report 2")
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
    spool = open_spool(receiver, capacity=3)
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


def test_a_file_that_is_no_database_is_an_error(tmp_path):
    """The message names the file."""
    path = tmp_path / "reports.sqlite3"
    path.write_text("this is not a database, and it is long enough to be read as a header of one" * 20)

    with pytest.raises(errors.StoreError, match=r"reports\.sqlite3"):
        SqliteReportSpool(path, Receiver())


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
