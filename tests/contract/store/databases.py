"""Databases for tests: a migrated SQLite file to copy, and a private PostgreSQL cluster on a unix socket."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from mgmt_ansible.control_plane.store import Store


def postgresql_programs() -> Path | None:
    """Return the newest folder with PostgreSQL's server programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Cluster:
    """A running private cluster; every database is a copy of a migrated one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._user = "postgres" if os.geteuid() == 0 else os.environ.get("USER", "postgres")

    def url(self, name: str) -> str:
        return f"postgresql://{self._user}@/{name}?host={self._folder}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(f"host={self._folder} user={self._user} dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def has(self, name: str) -> bool:
        with psycopg.connect(f"host={self._folder} user={self._user} dbname=postgres") as connection:
            return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None

    def create_empty(self) -> str:
        name = f"t{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def create(self) -> str:
        name = f"t{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
        return self.url(name)


FAST = ("-c", "fsync=off", "-c", "shared_buffers=32MB")
"""For tests, whose data nobody needs after a crash."""


START_SECONDS = 60


@contextmanager
def running_cluster(programs: Path, *, settings: Sequence[str] = FAST, data: Path | None = None) -> Iterator[Cluster]:
    """Run a cluster in a short temporary path (a unix socket's path has 107 bytes), and stop it by its own pid.

    Args:
        programs: Folder of PostgreSQL's server programs.
        settings: Options of the server.
        data: Where its data are, or shall be and stay; None has them in the temporary path.
    """
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    identity = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    if identity:
        shutil.chown(folder, "postgres", "postgres")
    data = data or folder / "data"
    initdb = [str(programs / "initdb"), "-D", str(data), "-A", "trust", "-N", "--no-locale", "-E", "UTF8"]
    options = [
        "-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}", "-c", "max_connections=200", *settings,
    ]  # fmt: skip
    try:
        if not data.exists():
            data.mkdir(mode=0o700)
            if identity:
                shutil.chown(data, "postgres", "postgres")
            subprocess.run(initdb, check=True, capture_output=True, cwd="/", **identity)
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [str(programs / "postgres"), "-D", str(data), *options], stdout=log, stderr=log, cwd="/", **identity
            )
        try:
            yield _ready(Cluster(folder), programs, folder)
        finally:
            server.send_signal(signal.SIGINT)  # fast: without waiting for clients
            server.wait(timeout=120)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ready(cluster: Cluster, programs: Path, folder: Path) -> Cluster:
    waiting = [str(programs / "pg_isready"), "-q", "-h", str(folder), "-t", "1"]
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(waiting, check=False).returncode != 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    if not cluster.has("migrated"):
        cluster.execute("CREATE DATABASE migrated")
    store = Store(cluster.url("migrated"))
    store.prepare()
    store.close()
    return cluster


def migrated_sqlite(folder: Path) -> Path:
    """Return a migrated SQLite file, closed."""
    path = folder / "migrated.sqlite3"
    store = Store(f"sqlite:///{path}")
    store.prepare()
    store.close()
    return path
