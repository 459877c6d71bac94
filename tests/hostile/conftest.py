"""The whole application over SQLite, as the contract tests have it."""

from __future__ import annotations

from tests.contract.api.conftest import agent, callers, site, sqlite_template, user

__all__ = ["agent", "callers", "site", "sqlite_template", "user"]
