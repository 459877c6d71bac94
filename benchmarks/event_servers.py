"""A database with a large feed, and the control plane over it as a process of its own; all of it ends with the block."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import requests

from mgmt_ansible.control_plane.store import Store
from tests.contract.store.databases import postgresql_programs, running_cluster

START_SECONDS = 120
TIMEOUT_SECONDS = 600
_DURABLE = ("-c", "fsync=on", "-c", "shared_buffers=256MB", "-c", "max_wal_size=2GB")
"""Of a small server; all else as PostgreSQL has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database; `folder` holds it, or nothing when it is a server's."""

    kind: str
    url: str
    folder: Path

    def analyze(self) -> None:
        """Do what PostgreSQL's autovacuum does a minute after so many rows came."""
        if self.kind == "postgresql":
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")


@contextmanager
def database(kind: str) -> Iterator[Database]:
    """Lend an empty database on disk."""
    with _temporary() as folder, _running(kind, folder / kind) as base:
        yield base


@contextmanager
def filled(kind: str, kept: Path | None, fill: Callable[[Database], None]) -> Iterator[Database]:
    """Lend a database that was filled, or a copy of one that was filled before.

    Args:
        kind: `sqlite` or `postgresql`.
        kept: Where filled ones are, and stay for the next time; None keeps none.
        fill: Fills an empty one.
    """
    with _temporary() as folder:
        mine = folder / kind
        there = kept / kind if kept else mine
        if not there.exists():
            with _running(kind, mine) as base:
                fill(base)
            if kept:
                kept.mkdir(parents=True, exist_ok=True)
                _copy(mine, there.with_suffix(".part"))
                there.with_suffix(".part").rename(there)
        elif kept:
            _copy(there, mine)
        with _running(kind, mine) as base:
            yield base


@contextmanager
def _temporary() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bench-events-"))
    folder.chmod(0o755)  # PostgreSQL's own user goes through it
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    """Copy a folder as it is, owners too; at no cost where the file system shares blocks."""
    subprocess.run(["/bin/cp", "-a", "--reflink=auto", str(source), str(target)], check=True)


@contextmanager
def _running(kind: str, folder: Path) -> Iterator[Database]:
    """Lend the database whose data are in a folder, which is made when it is not there."""
    folder.mkdir(exist_ok=True)
    if kind == "sqlite":
        yield Database(kind=kind, url=f"sqlite:///{folder}/control-plane.sqlite3", folder=folder)
        return
    programs = postgresql_programs()
    if programs is None:
        raise SystemExit("needs PostgreSQL's server program initdb (Debian package postgresql)")
    folder.chmod(0o755)  # PostgreSQL's own user goes through it, and the control plane keeps its folder to itself
    with running_cluster(programs, settings=_DURABLE, data=folder / "cluster") as cluster:
        yield Database(kind=kind, url=cluster.url("migrated"), folder=folder)


@contextmanager
def opened(base: Database) -> Iterator[Store]:
    """Lend the prepared store, without a server."""
    store = Store(base.url)
    store.prepare()
    try:
        yield store
    finally:
        store.close()


class Server:
    """A running control plane.

    Attributes:
        url: Where it answers.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._token = token

    def session(self, token: str | None = None) -> Caller:
        """Return a connection of its own; without a token an administrator's."""
        return Caller(self.url, token or self._token)


class Caller:
    """One connection that is kept; it asks and measures."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(
        self, method: str, path: str, *, params: object = None, body: object = None
    ) -> tuple[float, requests.Response]:
        """Return milliseconds and the answer; anything but success ends the benchmark."""
        began = time.perf_counter()
        answer = self._session.request(
            method, self._url + path, params=params, json=body, timeout=TIMEOUT_SECONDS, allow_redirects=False
        )
        took = (time.perf_counter() - began) * 1000
        if not answer.ok:
            raise SystemExit(f"{method} {path} {params}: {answer.status_code} {answer.text[:300]}")
        return took, answer


@contextmanager
def served(base: Database) -> Iterator[Server]:
    """Run `mgmt-ansible serve` on a free loopback port until the end of the block."""
    command = [sys.executable, "-m", "mgmt_ansible.cli", "serve", "--data", str(base.folder), "--port", "0"]
    address = base.folder / "control-plane.json"
    address.unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MGMT_ANSIBLE_")}
    with (base.folder / "serve.log").open("ab") as log:
        process = subprocess.Popen([*command, *_database_option(base)], stdout=log, stderr=log, env=environment)
    try:
        yield Server(_url(address, process), (base.folder / "admin.token").read_text().strip())
    finally:
        process.terminate()
        process.wait(timeout=60)


def _database_option(base: Database) -> Sequence[str]:
    return () if base.kind == "sqlite" else ("--database", base.url)


def _url(address: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_SECONDS
    while not address.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the control plane did not start: see {address.parent}/serve.log")
        time.sleep(0.05)
    return str(json.loads(address.read_text())["url"])
