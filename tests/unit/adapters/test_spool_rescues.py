"""A spool file that is damaged, deleted or exchanged while the agent runs."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from mgmt_ansible import errors
from mgmt_ansible.adapters import spool_rescues
from mgmt_ansible.adapters.report_spools import SqliteReportSpool
from tests.unit.adapters.spools import DEADLINE_SECONDS, Receiver, result, until

PAGE = 4096


class Site:
    """A spool with so many waiting reports, and a receiver that is away at first."""

    def __init__(self, folder) -> None:
        self.path = folder / "data" / "reports.sqlite3"
        self.receiver = Receiver()
        self.spool = SqliteReportSpool(self.path, self.receiver, first_back_off_seconds=0.002)

    def fill(self, count: int) -> None:
        for number in range(count):
            self.spool.put(replace(result(number), message="x" * 500))

    def checkpoint(self) -> None:
        with closing(sqlite3.connect(self.path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def overwrite(self, first: int, last: int, octets: bytes = b"\xff") -> None:
        """Write garbage over pages, in place."""
        with self.path.open("r+b") as file:
            file.seek(first * PAGE)
            file.write((octets * PAGE * (last - first))[: PAGE * (last - first)])

    def deliver(self) -> list[int]:
        self.spool.start()
        assert self.spool.flush(timeout_seconds=DEADLINE_SECONDS)
        return self.receiver.numbers

    def asides(self) -> list[str]:
        return sorted(one.name for one in self.path.parent.iterdir() if one.name[-4:] not in ("ite3", "-wal", "-shm"))


@pytest.fixture
def site(tmp_path):
    """Close what a test opened."""
    made = Site(tmp_path)
    yield made
    made.spool.close()


def test_garbage_in_the_middle_costs_what_it_hit_and_nothing_else(site):
    """Both sides of it are read, in order; what comes afterwards is delivered, the file is kept, and it is said loudly."""
    site.fill(400)
    site.checkpoint()
    pages = site.path.stat().st_size // PAGE
    site.overwrite(pages // 2, pages // 2 + 6)

    with capture_logs() as logs:
        arrived = site.deliver()
        site.spool.put(result(999))
        until(lambda: 999 in site.receiver.numbers)

    assert sorted(arrived) == arrived
    assert {0, 399} <= set(arrived)
    assert 340 < len(arrived) < 400
    assert {("report_spool_damaged", "error"), ("reports_rescued", "error")} <= {
        (one["event"], one["log_level"]) for one in logs
    }
    (aside,) = site.asides()
    assert aside.startswith("reports.sqlite3.damaged-")
    assert not aside.endswith(".unread")


@pytest.mark.parametrize("octets", [b"\x00", b"\xff", b"\r\x00\x00\x00\x01\x0f"])
@pytest.mark.parametrize("part", range(8))
def test_garbage_anywhere_never_stops_the_delivery(site, octets, part):
    """Root pages, leaves, indexes, overflow pages: what was stored before may go, what comes next arrives."""
    site.fill(80)
    site.checkpoint()
    pages = site.path.stat().st_size // PAGE
    site.overwrite(pages * part // 8, max(pages * (part + 1) // 8, 1), octets)

    site.spool.put(result(999))

    assert 999 in site.deliver()
    assert set(range(80)) | {999} >= set(site.receiver.numbers)


def test_a_truncated_file_never_stops_the_delivery(site):
    """A copy that ran out of room leaves such files."""
    site.fill(80)
    site.checkpoint()
    os.truncate(site.path, 3 * PAGE)

    site.spool.put(result(999))

    assert 999 in site.deliver()


@pytest.mark.parametrize("gone", [("", "-wal", "-shm"), ("",), ("-wal",), ("-shm",), ("-wal", "-shm")])
def test_a_deleted_file_loses_nothing(site, gone):
    """What is open still has all of it; the next process would have found nothing."""
    site.fill(50)
    for suffix in gone:
        site.path.with_name(site.path.name + suffix).unlink()

    with capture_logs() as logs:
        site.spool.put(result(50))
        site.spool.close()
        again = Receiver()
        second = SqliteReportSpool(site.path, again)
        second.start()
        assert second.flush(timeout_seconds=DEADLINE_SECONDS)
        second.close()

    assert list(range(51)) == again.numbers
    assert "report_spool_vanished" in [one["event"] for one in logs if one["log_level"] == "error"]
    assert [] == [one for one in site.asides() if "copied" in one or "unread" in one]


def test_a_deleted_file_is_noticed_by_delivery_alone(site):
    """Nothing more needs to be put."""
    site.fill(50)
    site.path.unlink()

    assert list(range(50)) == site.deliver()
    assert site.path.exists()


@pytest.mark.parametrize("refill", [False, True])
def test_a_replaced_directory_loses_nothing(site, refill):
    """Somebody moved the data directory away, and perhaps made an empty one."""
    site.fill(50)
    site.path.parent.rename(site.path.parent.with_name("moved"))
    if refill:
        site.path.parent.mkdir()

    assert site.spool.has_room()
    site.spool.put(result(50))

    assert list(range(51)) == site.deliver()
    assert site.path.exists()


def test_a_removed_directory_loses_nothing(site):
    """`rm -r` of the data directory while the control plane is away."""
    site.fill(50)
    shutil.rmtree(site.path.parent)

    assert list(range(50)) == site.deliver()


def test_another_spool_file_at_the_path_gives_its_reports_too(site, tmp_path):
    """A backup that is put back under the running agent."""
    other = SqliteReportSpool(tmp_path / "other.sqlite3", Receiver())
    other.put(result(100))
    other.close()
    site.fill(3)
    (tmp_path / "other.sqlite3").replace(site.path)

    assert {0, 1, 2, 100} == set(site.deliver())


def test_a_strange_database_over_the_file_is_moved_aside(site, tmp_path):
    """`cp` writes into the file that is open."""
    with closing(sqlite3.connect(tmp_path / "strange.sqlite3")) as strange, strange:
        strange.execute("CREATE TABLE something (x)")
    site.fill(3)
    site.checkpoint()
    site.path.write_bytes((tmp_path / "strange.sqlite3").read_bytes())

    site.spool.put(result(999))

    assert 999 in site.deliver()
    assert 1 == len(site.asides())


def test_a_report_whose_columns_are_garbage_stops_no_other(site):
    """Octets that are no text, a body that is none."""
    site.fill(1)
    with closing(sqlite3.connect(site.path)) as other, other:
        other.execute("INSERT INTO reports (id, kind, body) VALUES ('x', CAST(x'ff' AS TEXT), x'ff')")
        other.execute("INSERT INTO reports (id, kind, body) VALUES ('y', 'result', 7)")
    site.spool.put(result(2))

    assert [0, 2] == site.deliver()


def test_a_rescue_that_was_interrupted_is_finished_by_the_next_process(site, monkeypatch):
    """The name of what was set aside says that it is still to be read."""
    site.fill(50)
    site.path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(spool_rescues, "_INSERT", "INSERT INTO nowhere VALUES (?, ?, ?)")
        with pytest.raises(errors.StoreError):
            site.spool.put(result(50))
    site.spool.close()

    again = Receiver()
    second = SqliteReportSpool(site.path, again)
    second.start()
    assert second.flush(timeout_seconds=DEADLINE_SECONDS)
    second.close()
    assert list(range(50)) == again.numbers


def test_a_directory_that_cannot_be_made_refuses_and_goes_on_when_it_can(site):
    """A file where the directory was: nothing new is begun, and nothing is lost."""
    site.fill(5)
    site.path.parent.rename(site.path.parent.with_name("moved"))
    site.path.parent.write_text("in the way")

    assert not site.spool.has_room()
    with pytest.raises(errors.StoreError, match="check the disk"):
        site.spool.put(result(5))
    site.path.parent.unlink()

    assert site.spool.has_room()
    site.spool.put(result(5))
    assert list(range(6)) == site.deliver()


def test_a_file_that_is_deleted_while_its_reports_are_sent_loses_none_of_the_others(site):
    """Positions of the old file mean others in the new one; what was sent is sent again, and known by its id."""
    site.fill(150)

    def send(reports) -> None:
        if len(site.receiver.batches) == 1:
            site.path.unlink()
        site.receiver(reports)

    site.spool._send = send
    for number in range(150, 400):
        site.spool.put(result(number))

    assert set(range(400)) == set(site.deliver())
