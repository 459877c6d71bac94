"""The whole application over SQLite, as the contract tests have it."""

from __future__ import annotations

from tests.contract.api.conftest import agent, callers, shared_app, site, sqlite_template, user

__all__ = ["agent", "callers", "shared_app", "site", "sqlite_template", "user"]
