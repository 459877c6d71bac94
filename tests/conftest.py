"""The order of the whole suite: slow files first, so that no worker is left alone with one at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

SLOWEST_FIRST = ("acceptance", "hostile", "integration", "roles", "contract", "unit")
TESTS = Path(__file__).parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by tier, slow tiers first; inside a tier the random order stays."""
    items.sort(key=lambda item: SLOWEST_FIRST.index(item.path.relative_to(TESTS).parts[0]))
