"""Packages over HTTP: streamed up, ranged down."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.contract.api.conftest import Callers
from tests.contract.store.sites import Site

UPLOAD = "/api/v2/modelPackages/"


def test_a_package_is_added_once(user: TestClient):
    """201, then 200 for the same, 409 for other content."""
    first = user.post(f"{UPLOAD}?name=m&version=1", content=b"bytes")
    again = user.post(f"{UPLOAD}?name=m&version=1", content=b"bytes")
    other = user.post(f"{UPLOAD}?name=m&version=1", content=b"other")

    assert [201, 200, 409] == [answer.status_code for answer in (first, again, other)]
    assert first.json() == again.json()


def test_an_upload_may_be_larger_than_other_bodies(user: TestClient, site: Site, tmp_path: Path):
    """But not larger than its own limit; nothing is left of a refused one."""
    assert 422 == user.post(f"{UPLOAD}?name=m&version=1", content=b"x" * 1_000_001).status_code
    assert [] == list((tmp_path / "packages").glob(".incoming-*"))
    assert 201 == user.post(f"{UPLOAD}?name=m&version=1", content=b"x" * 1_000_000).status_code


@pytest.mark.parametrize("query", ["", "?name=m", "?name=&version=1", "?name=a%00b&version=1", "?name=a%0Ab&version=1"])
def test_name_and_version_are_needed(user: TestClient, query: str):
    """They are how people say it."""
    assert 422 == user.post(UPLOAD + query, content=b"x").status_code


def test_an_empty_upload_is_refused(user: TestClient):
    """With the reason."""
    answer = user.post(f"{UPLOAD}?name=m&version=1")

    assert (422, "archive") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize(
    ("header", "status", "content"),
    [
        ({}, 200, b"fraud 1"),
        ({"Range": "bytes=0-4"}, 206, b"fraud"),
        ({"Range": "bytes=6-"}, 206, b"1"),
        ({"Range": "bytes=-1"}, 206, b"1"),
        ({"Range": "bytes=99-"}, 416, None),
    ],
)
def test_an_archive_is_sent_whole_or_in_part(
    callers: Callers, site: Site, header: dict[str, str], status: int, content: bytes | None
):
    """To people and agents, as a file with a name."""
    site.create()
    for caller, path in (
        (callers.user, f"{UPLOAD}{site.package.id}/modelPackageFile/"),
        (callers.agent, f"/agent/v1/packages/{site.package.id}/archive"),
    ):
        answer = caller.get(path, headers=header)

        assert status == answer.status_code
        if content is not None:
            assert content == answer.content
            assert "filename=" in answer.headers["content-disposition"]


def test_an_agent_fetches_what_its_environments_are_about(callers: Callers, site: Site):
    """Nothing else, by either address; what an action was about it may fetch again."""
    site.ready()
    paths = (
        "/agent/v1/packages/{}/archive",
        f"{UPLOAD}{{}}/modelPackageFile/",
    )
    assert [403, 403] == [callers.agent.get(path.format(site.newer.id)).status_code for path in paths]
    site.services.actions.cancel(site.replace(), actor="ann")

    assert [200, 200] == [callers.agent.get(path.format(site.newer.id)).status_code for path in paths]


def test_a_package_of_another_environment_is_not_for_the_agent(callers: Callers, site: Site):
    """A token binds its agent."""
    site.create()
    elsewhere = site.add_environment("elsewhere")
    body = {"name": "far", "kind": "agent", "predictionEnvironmentIds": [elsewhere.id]}
    token = callers.user.post("/api/v2/accessTokens/", json=body).json()["token"]

    answer = callers.nobody.get(
        f"/agent/v1/packages/{site.package.id}/archive", headers={"Authorization": f"Bearer {token}"}
    )

    assert (403, "forbidden") == (answer.status_code, answer.json()["code"])


def test_a_full_disk_is_told_and_leaves_nothing(user: TestClient, tmp_path: Path, small_files: None):
    """503: somebody makes room, and the client tries again."""
    answer = user.post(f"{UPLOAD}?name=m&version=1", content=b"x" * 900_000)

    assert (503, "store_unavailable") == (answer.status_code, answer.json()["code"])
    assert [] == list((tmp_path / "packages").glob(".incoming-*"))


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let the kernel refuse whatever would make a file larger than 500 kB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_missing_archive_is_our_fault(user: TestClient, site: Site):
    """503, and the message says what to restore."""
    site.services.registry.archive_path(site.package.id).unlink()

    answer = user.get(f"{UPLOAD}{site.package.id}/modelPackageFile/")

    assert (503, "store") == (answer.status_code, answer.json()["code"])


def test_packages_are_found_by_name_version_and_digest(user: TestClient, site: Site):
    """The digest is the identity of content."""
    assert 2 == user.get(f"{UPLOAD}?name=fraud").json()["totalCount"]
    assert [site.newer.id] == [one["id"] for one in user.get(f"{UPLOAD}?version=2").json()["data"]]
    assert 1 == user.get(f"{UPLOAD}?digest={site.package.digest}").json()["totalCount"]
