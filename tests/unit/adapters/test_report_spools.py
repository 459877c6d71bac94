"""The report spool: durable, in order, each once, in the background."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace

import pytest

from mgmt_ansible import errors
from mgmt_ansible.adapters.report_spools import SqliteReportSpool
from mgmt_ansible.adapters.spool_files import Limits
from mgmt_ansible.wire import agent_v1
from tests.unit.adapters.spools import DEADLINE_SECONDS, Receiver, progress, result, until


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

    assert spool.flush(timeout_seconds=DEADLINE_SECONDS)
    assert list(range(1_000)) == receiver.numbers
