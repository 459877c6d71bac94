"""The whole application over SQLite, asked through its test client."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.control_plane.buckets import Buckets
from tests.contract.api.shared_app import SharedApp
from tests.contract.store.databases import migrated_sqlite
from tests.contract.store.sites import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """Who asks: a person, an agent, and somebody without a token."""

    user: TestClient
    agent: TestClient
    nobody: TestClient


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated_sqlite(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def site(sqlite_template: Path, tmp_path: Path) -> Iterator[Site]:
    path = tmp_path / "control-plane.sqlite3"
    shutil.copy(sqlite_template, path)
    made = Site(f"sqlite:///{path}", tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def still_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """For buckets no time passes: on a slow machine one would fill as fast as it is emptied."""
    monkeypatch.setattr(Buckets, "_level", lambda self, key, _now: self._levels.get(key, (self._most, 0.0))[0])


@pytest.fixture(scope="session")
def shared_app() -> SharedApp:
    return SharedApp()


@pytest.fixture
def callers(site: Site, shared_app: SharedApp) -> Iterator[Callers]:
    app = shared_app.serve(site.services)
    access = site.services.access
    user = access.create_token(name="ann", kind="user").token
    agent = access.create_token(name="agent-two", kind="agent", environment_ids=[site.environment.id]).token
    with (
        TestClient(app, headers={"Authorization": f"Bearer {user}"}, follow_redirects=False) as people,
        TestClient(app, headers={"Authorization": f"Token {agent}"}, follow_redirects=False) as programs,
        TestClient(app, follow_redirects=False) as nobody,
    ):
        yield Callers(user=people, agent=programs, nobody=nobody)
    site.services.wakeups.stop()


@pytest.fixture
def user(callers: Callers) -> TestClient:
    return callers.user


@pytest.fixture
def agent(callers: Callers) -> TestClient:
    return callers.agent
