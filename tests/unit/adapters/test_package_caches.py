"""The package cache: once, resumed, checked."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from mgmt_ansible import errors
from mgmt_ansible.adapters.control_plane import HttpControlPlane
from mgmt_ansible.adapters.package_caches import FilePackageCache
from tests.unit.agent.scripted import PACKAGE
from tests.unit.agent.worlds import until

CONTENT = bytes(range(256)) * 16
OFFERED = replace(PACKAGE, archive_sha256=hashlib.sha256(CONTENT).hexdigest(), archive_bytes=len(CONTENT))


class Source:
    """Serves octets; breaks off after so many as it is told."""

    def __init__(self, content: bytes = CONTENT, *, breaks: tuple[int, ...] = (), resumes: bool = True) -> None:
        self._content = content
        self._breaks = list(breaks)
        self._resumes = resumes
        self.offsets: list[int] = []

    @contextmanager
    def open_archive(self, package_id: str, *, offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        self.offsets.append(offset)
        begin = offset if self._resumes else 0
        yield begin, self._pieces(begin)

    def _pieces(self, begin: int) -> Iterator[bytes]:
        end = begin + self._breaks.pop(0) if self._breaks else None
        for position in range(begin, end or len(self._content), 1000):
            yield self._content[position : min(position + 1000, end or len(self._content))]
        if end is not None:
            raise errors.ControlPlaneUnavailableError("broken off")


def test_an_archive_is_fetched_once(tmp_path):
    """The second time the file is there."""
    source = Source()
    cache = FilePackageCache(tmp_path / "cache", source)

    first, second = cache.fetch(OFFERED), cache.fetch(OFFERED)

    assert CONTENT == first.read_bytes()
    assert first == second == cache.path(OFFERED.archive_sha256)
    assert [0] == source.offsets


def test_a_broken_download_is_resumed_where_it_ended(tmp_path):
    """Nothing is downloaded twice."""
    source = Source(breaks=(1500, 700))

    path = FilePackageCache(tmp_path, source).fetch(OFFERED)

    assert CONTENT == path.read_bytes()
    assert [0, 1500, 2200] == source.offsets


def test_a_source_that_cannot_resume_begins_again(tmp_path):
    """An answer 200 instead of 206 is the whole archive."""
    source = Source(breaks=(1500,), resumes=False)

    path = FilePackageCache(tmp_path, source).fetch(OFFERED)

    assert CONTENT == path.read_bytes()


def test_a_download_goes_on_in_the_next_process(tmp_path):
    """What came before a crash is kept."""
    with pytest.raises(errors.ControlPlaneUnavailableError):
        FilePackageCache(tmp_path, Source(breaks=(1000, 0, 0, 0, 0))).fetch(OFFERED)
    source = Source()

    FilePackageCache(tmp_path, source).fetch(OFFERED)

    assert [1000] == source.offsets


@pytest.mark.parametrize("content", [b"", b"short", CONTENT[:-1] + b"x", CONTENT + b"more"])
def test_other_octets_than_announced_are_refused_and_not_kept(tmp_path, content):
    """What is not what the digests say never becomes a file of the cache."""
    cache = FilePackageCache(tmp_path, Source(content))

    with pytest.raises(errors.ArchiveError, match="were announced"):
        cache.fetch(OFFERED)

    assert [] == [path for path in tmp_path.iterdir() if path.suffix != ".lock"]


def test_an_endless_archive_is_cut(tmp_path):
    """A source that sends more than announced does not fill the disk."""
    cache = FilePackageCache(tmp_path, Source(CONTENT * 1000))

    with pytest.raises(errors.ArchiveError, match=r"^package c+: [45]\d{3} bytes"):
        cache.fetch(OFFERED)


@pytest.mark.parametrize("digest", ["../../etc/passwd", "F" * 64, "", "f" * 63])
def test_a_digest_that_is_a_path_is_refused(tmp_path, digest):
    """File names come from 64 hex digits only."""
    with pytest.raises(errors.ArchiveError, match="archive_sha256"):
        FilePackageCache(tmp_path, Source()).fetch(replace(OFFERED, archive_sha256=digest))


def test_several_workers_download_once(tmp_path):
    """Threads wait for each other's download."""
    source = Source()
    cache = FilePackageCache(tmp_path, source)

    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(lambda _: cache.fetch(OFFERED), range(4)))

    assert 1 == len(paths)
    assert [0] == source.offsets


def test_an_archive_that_was_not_fetched_is_an_error(tmp_path):
    """Execution never runs without the package that it needs."""
    with pytest.raises(errors.ArchiveError, match="was not fetched"):
        FilePackageCache(tmp_path, Source()).path("0" * 64)


LEAVING_SECONDS = 20.0
"""Far below the sockets' timeout."""


class Signal:
    """Has a reason as soon as it is asked to."""

    def __init__(self) -> None:
        self.set = threading.Event()
        self.looks = 0

    def reason(self) -> str | None:
        self.looks += 1
        return "canceled" if self.set.is_set() else None


class Stalling(Source):
    """Serves so many octets, and then nothing."""

    def __init__(self, octets: int) -> None:
        super().__init__()
        self._octets = octets
        self.stalls = threading.Event()
        self.go_on = threading.Event()

    def _pieces(self, begin: int) -> Iterator[bytes]:
        if begin < self._octets:
            yield CONTENT[begin : self._octets]
        self.stalls.set()
        self.go_on.wait(30)
        yield CONTENT[max(begin, self._octets) :]


@pytest.fixture
def stalling():
    """End what waits when the test does."""
    source = Stalling(1500)
    yield source
    source.go_on.set()


def wait_written(source: Stalling, signal: Signal) -> None:
    """Wait until what came before the stall is written: the signal is looked at after each piece."""
    assert source.stalls.wait(LEAVING_SECONDS)
    looks = signal.looks
    until(lambda: signal.looks > looks + 1)


class TestBeingLeft:
    """Whoever waits for a download can leave."""

    def test_a_source_that_stalls_is_left_and_what_came_is_kept(self, tmp_path, stalling):
        """The next fetch goes on where this one was left."""
        signal = Signal()
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(FilePackageCache(tmp_path, stalling).fetch, OFFERED, signal)
            wait_written(stalling, signal)
            signal.set.set()
            assert asked.result(LEAVING_SECONDS) is None
        source = Source()

        assert CONTENT == FilePackageCache(tmp_path, source).fetch(OFFERED, Signal()).read_bytes()
        assert [1500] == source.offsets

    def test_a_source_that_never_opens_is_left(self, tmp_path):
        """The control plane may take its time before the first octet."""
        begun, over = threading.Event(), threading.Event()

        class Silent(Source):
            @contextmanager
            def open_archive(self, package_id: str, *, offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
                begun.set()
                over.wait(30)
                yield 0, iter(())

        signal = Signal()
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(FilePackageCache(tmp_path, Silent()).fetch, OFFERED, signal)
            assert begun.wait(LEAVING_SECONDS)
            signal.set.set()
            assert asked.result(LEAVING_SECONDS) is None
        over.set()

    def test_each_of_those_that_wait_for_the_same_download_can_leave(self, tmp_path, stalling):
        """One downloads, two wait for its lock; the others stay when one leaves."""
        cache = FilePackageCache(tmp_path, stalling)
        signals = [Signal() for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            first = pool.submit(cache.fetch, OFFERED, signals[0])
            wait_written(stalling, signals[0])
            second, third = (pool.submit(cache.fetch, OFFERED, signal) for signal in signals[1:])
            until(lambda: signals[1].looks and signals[2].looks)
            signals[1].set.set()
            assert second.result(LEAVING_SECONDS) is None
            signals[0].set.set()
            assert first.result(LEAVING_SECONDS) is None
            until(lambda: [0, 1500] == stalling.offsets)
            stalling.go_on.set()
            assert CONTENT == third.result(LEAVING_SECONDS).read_bytes()

    def test_an_archive_that_is_there_needs_no_look(self, tmp_path):
        """An action that is canceled a moment later hears of it elsewhere."""
        cache = FilePackageCache(tmp_path, Source())
        cache.fetch(OFFERED)
        signal = Signal()
        signal.set.set()

        assert cache.path(OFFERED.archive_sha256) == cache.fetch(OFFERED, signal)


class TrickleServer:
    """Answers with a header, and then an octet at a time."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.sent = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(CONTENT))
            while not self.over.wait(0.01):
                try:
                    connection.sendall(CONTENT[self.sent : self.sent + 1])
                except OSError:  # the client has left
                    return
                self.sent += 1

    def close(self) -> None:
        self.over.set()
        self._thread.join()
        self._socket.close()


def test_a_real_server_that_trickles_is_left_at_once_and_hung_up_on(tmp_path):
    """An octet now and then keeps no timeout from being renewed; the thread that reads ends with the next one."""
    server = TrickleServer()
    client = HttpControlPlane(url=server.url, token="secret", instance_id="1")
    signal = Signal()
    try:
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(FilePackageCache(tmp_path, client).fetch, OFFERED, signal)
            until(lambda: server.sent > 5)
            signal.set.set()
            began = time.monotonic()
            assert asked.result(LEAVING_SECONDS) is None
        assert LEAVING_SECONDS > time.monotonic() - began
        (part,) = tmp_path.glob("*.part")
        assert CONTENT.startswith(part.read_bytes())
        assert part.stat().st_size > 0
        until(lambda: not [one for one in threading.enumerate() if one.name == "archive-reader"])
    finally:
        server.close()
