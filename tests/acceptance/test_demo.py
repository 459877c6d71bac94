"""`demo` as users run it."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from mgmt_ansible.quickstart.loopback import find_sshd
from tests.acceptance.command_line import SCRIPT, START_SECONDS, environment, wait_until_gone

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(find_sshd() is None, reason="sshd (openssh-server) is not installed"),
]


def test_the_demo_proves_itself():
    """Its last line is the verdict; nothing of it is left."""
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            [SCRIPT, "demo"],
            capture_output=True,
            text=True,
            env={**environment(), "TMPDIR": scratch},
            timeout=START_SECONDS,
            check=False,
        )

        assert re.fullmatch(r"demo: ok in \d+ s", done.stdout.splitlines()[-1]), done.stdout + done.stderr
        assert 0 == done.returncode
        assert [] == [path.name for path in Path(scratch).iterdir()]
        assert [] == wait_until_gone(Path(scratch))
