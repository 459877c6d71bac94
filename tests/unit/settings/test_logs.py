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


LOUD = """
import logging, threading
import structlog
from mgmt_ansible.settings import logs
logs.configure("{log_format}", secrets=("canary-secret",))
log = structlog.get_logger()
log.info("said", text="canary-secret", nested={{"x": ["canary-secret"], "canary-secret": 1}})
log.info("header", text="Authorization: Bearer abcdefgh12345678")
logging.getLogger("uvicorn.error").error("GET /login?token=canary-secret")
try:
    raise RuntimeError("https://user:canary-secret@host")
except RuntimeError:
    log.exception("crashed_here")
    logging.getLogger("library").exception("library broke")
def work():
    raise RuntimeError("canary-secret in a thread")
thread = threading.Thread(target=work)
thread.start()
thread.join()
raise RuntimeError("canary-secret at the end")
"""


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_no_line_of_a_log_holds_a_known_secret(log_format):
    """Values, keys, tracebacks, other libraries, threads that break, and the interpreter's own last words."""
    done = subprocess.run(
        [sys.executable, "-c", LOUD.format(log_format=log_format)], capture_output=True, text=True, check=False
    )

    assert 1 == done.returncode
    assert [] == [line for line in done.stderr.splitlines() if "canary" in line and "raise" not in line]
    assert "abcdefgh12345678" not in done.stderr
    slugs = ("said", "header", "crashed_here", "library broke", "thread_crashed", "crashed")
    assert [] == [slug for slug in slugs if slug not in done.stderr]
    assert done.stderr.count("[redacted]") > 6
