"""What the control plane said it has done, as its clients remember it: written before anybody looks at the database."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections import defaultdict
from contextlib import closing
from pathlib import Path

QUERIES = {
    "environment": "SELECT id FROM environments",
    "package": "SELECT id FROM packages",
    "archive": "SELECT archive_sha256 FROM packages",
    "deployment": "SELECT id FROM deployments",
    "action": "SELECT id FROM actions",
    "started": "SELECT action_id FROM deployment_events WHERE type LIKE '%_started'",
    "claim": "SELECT actions.id || ' ' || n.value FROM actions JOIN json_each('[1, 2, 3, 4, 5]') n ON n.value <= attempt",
    "run": "SELECT id FROM runs",
    "report": "SELECT id FROM reports",
    "result": "SELECT id || ' ' || status FROM actions",
    "canceled": "SELECT id FROM actions WHERE cancel_requested",
}
"""Kind -> every name of that kind that is in the database."""


class Ledger:
    """Acknowledged writes, by kind; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._acknowledged: dict[str, set[str]] = defaultdict(set)

    def note(self, kind: str, name: str) -> None:
        """Remember that an answer of 2xx said so."""
        with self._lock:
            self._acknowledged[kind].add(name)

    def count(self) -> int:
        """Return how many were acknowledged."""
        with self._lock:
            return sum(map(len, self._acknowledged.values()))

    def lost(self, data: Path) -> list[str]:
        """Return what was acknowledged and is not there."""
        lost: list[str] = []
        with closing(sqlite3.connect(f"file:{data}/control-plane.sqlite3?mode=ro", uri=True)) as database:
            for kind, names in self._acknowledged.items():
                there = {row[0] for row in database.execute(QUERIES[kind])}
                lost += [f"{kind} {name}" for name in names - there]
        return lost

    def broken_archives(self, data: Path, *, checked: set[str]) -> list[str]:
        """Return the archives that are missing or not what was sent; those in `checked` were looked at before."""
        broken: list[str] = []
        for sha256 in self._acknowledged["archive"] - checked:
            checked.add(sha256)
            file = data / "packages" / sha256
            if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
                broken.append(f"archive {sha256}")
        return broken


def damage(data: Path) -> list[str]:
    """Return what SQLite's own check and a look into the folder find wrong; a server runs on it."""
    with closing(sqlite3.connect(f"file:{data}/control-plane.sqlite3?mode=ro", uri=True)) as database:
        found = [str(row[0]) for row in database.execute("PRAGMA integrity_check")]
        found += [f"foreign key {row}" for row in database.execute("PRAGMA foreign_key_check")]
        twice = database.execute("SELECT id FROM reports GROUP BY id HAVING count(*) > 1").fetchall()
    leftovers = [f"leftover {file.name}" for file in (data / "packages").glob(".incoming-*")]
    return [line for line in found if line != "ok"] + [f"twice {row}" for row in twice] + leftovers
