"""The spool of a test."""

from __future__ import annotations

import pytest

from mgmt_ansible.adapters.report_spools import SqliteReportSpool


@pytest.fixture
def open_spool(tmp_path):
    """Open the one spool of a test, again and again."""
    opened: list[SqliteReportSpool] = []

    def build(receiver, **options) -> SqliteReportSpool:
        spool = SqliteReportSpool(tmp_path / "reports.sqlite3", receiver, first_back_off_seconds=0.002, **options)
        opened.append(spool)
        return spool

    yield build
    for spool in opened:
        spool.close()
