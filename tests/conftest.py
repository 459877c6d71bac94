"""The order of the whole suite: slow files first, so that no worker is left alone with one at the end; and what needs sshd.

Properties have no deadline of their own: Hypothesis's 200 ms for an example would judge the machine. Tracebacks in logs are plain, as
those of the programs: structlog's own, with all variables, took forty seconds for one that passed through Starlette.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from mgmt_ansible.quickstart.loopback import find_sshd

SLOWEST_FIRST = ("acceptance", "testbed", "unit/mgmt_host", "integration", "hostile", "roles", "contract", "unit")
TESTS = Path(__file__).parent
pytest_plugins = ["tests.testbed.fixtures"]

settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by tier, slow tiers first; inside a tier the random order stays."""
    items.sort(key=lambda item: _rank(item.path.relative_to(TESTS)))
    if find_sshd() is None:
        for item in items:
            if item.get_closest_marker("ssh") is not None:
                item.add_marker(pytest.mark.skip(reason="sshd is missing: apt-get install openssh-server"))


def _rank(path: Path) -> int:
    """Return the place of the longest prefix that a file has."""
    return min(SLOWEST_FIRST.index(str(folder)) for folder in path.parents if str(folder) in SLOWEST_FIRST)
