"""The agent's logs: an action slug, and no secrets."""

from __future__ import annotations

import subprocess
import sys

import pytest

CRASH = """
import structlog
from mgmt_ansible.settings import logs
logs.configure("{log_format}")
def work():
    variables = "hunter22".upper()
    raise RuntimeError("a bug")
try:
    work()
except RuntimeError:
    structlog.get_logger().exception("action_crashed", action_id="a1")
"""


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_shows_no_local_variables(log_format):
    """Extra vars and tokens are locals of somebody; logs are read by many."""
    code = CRASH.format(log_format=log_format)

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "action_crashed" in done.stderr
    assert "RuntimeError: a bug" in done.stderr
    assert "HUNTER22" not in done.stderr
    assert "" == done.stdout
