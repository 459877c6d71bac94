"""The package cache: once, resumed, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from mgmt_ansible import errors
from mgmt_ansible.adapters.package_caches import FilePackageCache
from tests.unit.agent.scripted import PACKAGE

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
