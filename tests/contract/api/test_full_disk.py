"""A full disk under the data folder: nothing is written, everything is read, and it goes on by itself when there is room."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.control_plane.api import create_app
from tests.contract.store.sites import Site

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small tmpfs")
ENVIRONMENTS = "/api/v2/predictionEnvironments/"
PACKAGES = "/api/v2/modelPackages/"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def small(disk: Path, sqlite_template: Path) -> Iterator[Site]:
    shutil.copy(sqlite_template, disk / "x.sqlite3")
    site = Site(f"sqlite:///{disk}/x.sqlite3", disk)
    yield site
    site.store.close()


@pytest.fixture
def people(small: Site) -> Iterator[TestClient]:
    app = create_app(small.services)
    token = small.services.access.create_token(name="ann", kind="user").token
    with TestClient(app, headers={"Authorization": f"Bearer {token}"}, follow_redirects=False) as client:
        yield client
    small.services.wakeups.stop()


def fill(disk: Path) -> Path:
    """Write until nothing more goes."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return ballast
    return ballast


def write_until_refused(people: TestClient) -> object:
    """What SQLite has allocated already is written to; then it needs room."""
    for number in range(2000):
        answer = people.post(ENVIRONMENTS, json={"name": f"e{number}", "description": "x" * 4000})
        if answer.status_code != 201:
            return answer
    return pytest.fail("the disk never filled")


def test_a_full_disk_stops_writes_and_nothing_else(small: Site, people: TestClient, disk: Path):
    """The whole story: refused with a reason, read on, told on the pages, resumed."""
    before = small.create("d1")
    ballast = fill(disk)

    refused = write_until_refused(people)

    assert (503, "store_unavailable") == (refused.status_code, refused.json()["code"])
    assert "disk full" in refused.json()["message"]
    assert refused.headers["retry-after"].isdecimal()
    assert 200 == people.get(f"/api/v2/actions/{before}/").status_code
    assert "read_only" == people.get("/healthz").json()["status"]
    assert "disk full" in people.get("/").text
    count = people.get(ENVIRONMENTS).json()["totalCount"]

    ballast.unlink()

    assert "disk full" not in people.get("/").text
    assert 201 == people.post(ENVIRONMENTS, json={"name": "after"}).status_code
    assert count + 1 == people.get(ENVIRONMENTS).json()["totalCount"]
    assert before == small.take().spec.id
    with sqlite3.connect(disk / "x.sqlite3") as connection:
        assert "ok" == connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()


def test_no_work_is_handed_out_while_nothing_can_be_written(small: Site, people: TestClient, disk: Path):
    """An agent could not report what it does."""
    small.create("d1")
    token = small.services.access.create_token(name="a", kind="agent", environment_ids=[small.environment.id]).token
    fill(disk)
    write_until_refused(people)
    body = {"instance_id": "i", "environment_ids": [small.environment.id]}

    answer = people.post("/agent/v1/claims", json=body, headers={"Authorization": f"Bearer {token}"})

    assert (503, "store_unavailable") == (answer.status_code, answer.json()["code"])


def test_an_upload_that_does_not_fit_leaves_nothing(people: TestClient, disk: Path):
    """Not even a part."""
    before = shutil.disk_usage(disk).free

    answer = people.post(f"{PACKAGES}?name=m&version=1", content=(os.urandom(100_000) for _ in range(9)))
    assert 201 == answer.status_code
    fill(disk)
    answer = people.post(f"{PACKAGES}?name=m&version=2", content=(os.urandom(100_000) for _ in range(9)))

    assert (503, "store_unavailable") == (answer.status_code, answer.json()["code"])
    assert "space" in answer.json()["message"]
    assert [] == list((disk / "packages").glob(".incoming-*"))
    assert before > shutil.disk_usage(disk).free
