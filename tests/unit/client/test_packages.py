"""Packages: streamed up, resumed down, checked."""

from __future__ import annotations

import hashlib

import pytest
import requests

from mgmt_ansible import errors
from tests.unit.client.scripted_answers import connect, in_turn, package

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KNOWN = package(archiveSha256=SHA256, archiveBytes=len(CONTENT))


def serve(request: requests.PreparedRequest):
    if not request.path_url.endswith("/modelPackageFile/"):
        return 200, KNOWN
    first = int(request.headers.get("Range", "bytes=0-")[6:-1])
    return (206, CONTENT[first:]) if first else (200, CONTENT)


def test_an_upload_streams_the_file(tmp_path):
    """The archive is the body, with its length; name and version are in the query."""
    archive = tmp_path / "package.tar.gz"
    archive.write_bytes(CONTENT)
    client, adapter = connect(lambda request: (201, KNOWN))
    seen = []

    client.packages.upload(
        archive, name="wine", version="1 b", on_progress=lambda done, total: seen.append((done, total))
    )

    assert CONTENT == adapter.bodies[0]
    assert str(len(CONTENT)) == adapter.requests[0].headers["Content-Length"]
    assert adapter.requests[0].url.endswith("?name=wine&version=1+b")
    assert (len(CONTENT), len(CONTENT)) == seen[-1]


def test_a_download_is_whole(tmp_path):
    """The target appears with the content, nothing beside it."""
    client, _ = connect(serve)

    client.packages.download("a" * 24, tmp_path / "archive")

    assert CONTENT == (tmp_path / "archive").read_bytes()
    assert ["archive"] == [path.name for path in tmp_path.iterdir()]


def test_a_download_goes_on_where_it_stopped(tmp_path):
    """What is there already is not sent again."""
    (tmp_path / "archive.part").write_bytes(CONTENT[:1000])
    client, adapter = connect(serve)

    client.packages.download("a" * 24, tmp_path / "archive")

    assert "bytes=1000-" == adapter.requests[-1].headers["Range"]
    assert CONTENT == (tmp_path / "archive").read_bytes()


def test_a_server_without_ranges_begins_anew(tmp_path):
    """200 instead of 206 means the whole content."""
    (tmp_path / "archive.part").write_bytes(b"something else")
    client, _ = connect(in_turn([(200, KNOWN), (200, CONTENT)]))

    client.packages.download("a" * 24, tmp_path / "archive")

    assert CONTENT == (tmp_path / "archive").read_bytes()


def test_a_broken_connection_is_tried_again(tmp_path):
    """The second request asks for the rest."""
    client, adapter = connect(in_turn([(200, KNOWN), requests.exceptions.ConnectionError("cut"), (200, CONTENT)]))

    client.packages.download("a" * 24, tmp_path / "archive")

    assert 3 == len(adapter.requests)


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"!", CONTENT + b"!"])
def test_other_content_is_refused(tmp_path, content):
    """What is not what its sha256 says never becomes the target."""
    client, _ = connect(in_turn([(200, KNOWN), (200, content)]))

    with pytest.raises(errors.ArchiveError):
        client.packages.download("a" * 24, tmp_path / "archive")

    assert not (tmp_path / "archive").exists()
