"""The loss receipt, against real sockets and by its arithmetic."""

from __future__ import annotations

import http.server
import threading
import time

import pytest
from mgmt_host.machine import http_questions
from mgmt_host.switching import receipts
from mgmt_host.switching.receipts import Probe

HOLE_SECONDS = 0.3


class Quiet(http.server.BaseHTTPRequestHandler):
    """Answers everything with the server's `status`; not before the server is not `still` any more."""

    def do_GET(self):
        """Answer."""
        if self.server.still:
            self.server.goes_on.wait()
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


class Server:
    """An HTTP server that can close its listener and open it again, or take questions and stand still; a context manager."""

    def __init__(self, status=200):
        self.status = status
        self.port = 0

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, *_):
        self.close()

    def open(self):
        """Listen, on the port of before."""
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Quiet)
        self._server.status, self._server.still, self._server.goes_on = self.status, False, threading.Event()
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.005})
        self._thread.start()

    def close(self):
        """Listen no more; return when that was."""
        self._server.socket.close()
        closed = time.monotonic()
        self.answer_what_waits()
        self._server.shutdown()
        self._thread.join()
        return closed

    def stand_still(self):
        """Take questions and do not answer them; return since when."""
        self._server.still = True
        return time.monotonic()

    def go_on(self):
        """Answer what is asked from now on; what was asked meanwhile is not answered."""
        self._server.still = False

    def answer_what_waits(self):
        """Answer what was asked meanwhile."""
        self._server.goes_on.set()


def wait_for_probes(prober, count):
    """Wait until that many were answered or failed."""
    deadline = time.monotonic() + 60
    while prober.receipt()["probes"] < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def measure_a_hole(begin, end):
    """Let the server not answer for 300 ms while it is probed; return how long that was, and the receipt."""
    with Server() as server:
        with receipts.Prober("127.0.0.1", server.port, "/health") as prober:
            wait_for_probes(prober, 5)
            closed = begin(server)
            while time.monotonic() < closed + HOLE_SECONDS:
                time.sleep(0.001)
            end(server)
            hole = time.monotonic() - closed
            prober.watch_after(0.0)
        return hole, prober.receipt()


@pytest.mark.parametrize(("begin", "end"), [(Server.close, Server.open), (Server.stand_still, Server.go_on)])
def test_a_hole_of_300_ms_is_told_right_within_one_interval(begin, end):
    """Nobody listens for that long, measured, or who listens never answers; a machine too busy to ask in time gets another try."""
    tries = []
    for _ in range(5):
        hole, told = measure_a_hole(begin, end)
        assert told["probes"] > told["failed"] >= 1
        tries.append((hole, told["longest_gap_seconds"]))
        if abs(hole - told["longest_gap_seconds"]) <= receipts.INTERVAL_SECONDS:
            return
    raise AssertionError(tries)


def test_a_late_answer_is_slow_and_no_gap(monkeypatch):
    """Who waited for it has lost nothing: it is counted on its own, and seen by its time."""
    monkeypatch.setattr(receipts, "SLOW_SECONDS", 0.2)
    monkeypatch.setattr(receipts, "_LAST_SECONDS", 60.0)  # however busy this machine is
    with Server() as server:
        with receipts.Prober("127.0.0.1", server.port, "/health") as prober:
            wait_for_probes(prober, 2)
            began = server.stand_still()
            while time.monotonic() < began + 2 * receipts.SLOW_SECONDS:
                time.sleep(0.01)
            server.go_on()
            server.answer_what_waits()
        told = prober.receipt()

    assert (0, 0.0) == (told["failed"], told["longest_gap_seconds"])
    assert 0 < told["slow"] <= told["probes"]
    assert receipts.SLOW_SECONDS < told["slowest_seconds"] == told["before"]["p99_seconds"]


def test_nobody_waits_for_ever(monkeypatch):
    """A server that takes every question and answers none: the first ones fail while later ones are asked."""
    monkeypatch.setattr(http_questions, "LATE_SECONDS", 0.1)
    with Server() as server, receipts.Prober("127.0.0.1", server.port, "/health") as prober:
        server.stand_still()
        wait_for_probes(prober, 3)
    told = prober.receipt()

    assert told["failed"] >= 2
    assert 0 == told["slow"]


def test_a_server_that_answers_all_the_time_lost_nothing():
    """Percentiles in the phases that were asked in."""
    with Server() as server, receipts.Prober("127.0.0.1", server.port, "/health") as prober:
        wait_for_probes(prober, 3)
        prober.watch_after(0.1)
    told = prober.receipt()

    assert (0, 0.0) == (told["failed"], told["longest_gap_seconds"])
    assert (0, None) == (told["during"]["probes"], told["during"]["p50_seconds"])
    assert told["after"]["probes"] >= 2
    assert 0 < told["before"]["p50_seconds"] <= told["before"]["p99_seconds"]


def test_a_servers_error_is_no_answer():
    """513 as much as 500."""
    with Server(status=513) as server, receipts.Prober("127.0.0.1", server.port, "/health") as prober:
        wait_for_probes(prober, 3)
    told = prober.receipt()

    assert told["probes"] == told["failed"]
    assert told["longest_gap_seconds"] > 0


def test_a_refusal_of_a_path_is_an_answer():
    """The new model may have another health path than the old one."""
    with Server(status=404) as server, receipts.Prober("127.0.0.1", server.port, "/health") as prober:
        wait_for_probes(prober, 3)

    assert 0 == prober.receipt()["failed"]


def gap(*answers, began=0.0):
    """Return the longest gap of probes every 50 ms: 1 answered, 0 failed, - not asked."""
    probes = [
        Probe(began + 0.05 * place, 0.001, answer == "1", "during")
        for place, answer in enumerate("".join(answers))
        if answer != "-"
    ]
    return receipts.longest_gap(probes, began)


@pytest.mark.parametrize(
    ("seconds", "answers"),
    [
        (0.0, ""),
        (0.0, "1111"),
        (0.05, "1011"),
        (0.15, "110001"),
        (0.1, "1011001"),
        (0.0, "1------1"),
        (0.15, "10--1"),
        (0.1, "1000"),
        (0.1, "0001"),
    ],
)
def test_the_longest_gap_is_between_answers(seconds, answers):
    """Only where something failed: a host that was too busy to ask has proved nothing."""
    assert pytest.approx(seconds) == gap(answers)


def test_the_order_in_which_answers_come_does_not_matter():
    """A slow answer to an early question."""
    probes = [Probe(0.05, 0.2, True, "before"), Probe(0.0, 1.0, True, "before"), Probe(0.1, 0.0, False, "during")]

    assert (3, 1) == tuple(receipts.receipt(probes, 0.0)[key] for key in ("probes", "failed"))
    assert {"probes": 2, "p50_seconds": 0.2, "p99_seconds": 1.0} == receipts.receipt(probes, 0.0)["before"]
