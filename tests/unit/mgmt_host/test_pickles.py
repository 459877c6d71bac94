"""Code in a model package: neither the control plane's reader nor the host ever runs it."""

from __future__ import annotations

import pickle
import subprocess
from pathlib import Path

from mgmt_host.running import slots

from mgmt_ansible import archives


class Touching:
    """An object whose loading makes a file."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return subprocess.check_call, (["touch", str(self._canary)],)


def test_a_pickle_in_a_models_place_is_never_loaded(host, tmp_path):
    """Read, placed, launched and refused: its code did not run, though it would have."""
    canary = tmp_path / "canary"
    code = pickle.dumps(Touching(canary))
    package = host.package(model=code)

    archives.read_package(package[0])
    result = host.act("deployment_launch", 1, package)

    assert ("failed", "not_ready") == (result["outcome"], result["cause"])
    assert not any(slot.running for slot in slots.list_slots(host.own()))
    assert not canary.exists()
    pickle.loads(code)
    assert canary.exists()
