"""A disk that fills up just before a touch of the host by a replace: a small file system of the test's own.

A third of the touches, as time is short; `MGMT_ANSIBLE_KILL_EVERY=1` takes all (CONTRIBUTING.md).
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.mgmt_host import killing
from tests.unit.mgmt_host.conftest import Host

pytestmark = pytest.mark.timeout(900)
LEAST_POINTS = killing.least(whole=28, sampled=12)


@pytest.fixture
def small_host(tmp_path):
    """Return a host on a file system of eight megabytes, and the path of what fills it."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["/bin/mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", str(disk)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"this machine does not let us mount: {mounted.stderr.strip()}")
    made = Host(disk)
    try:
        yield made, disk / "filler"
    finally:
        (disk / "filler").unlink(missing_ok=True)
        made.stop_all()
        subprocess.run(["/bin/umount", "--lazy", str(disk)], check=True)


def half_made(host):
    """Return what should not be there."""
    return [path for path in Path(host.base_dir).rglob("*") if path.name.endswith((".new", "spare", ".draft"))]


def test_a_disk_that_fills_up_during_a_replace_leaves_a_model_serving(small_host):
    """The new one when it could be recorded, else the old one, with cause disk; nothing half-made is left."""
    host, filler = small_host
    packages = host.make_cheap()
    serving = 1
    seen = set()
    with killing.Performer() as performer:
        performer.perform(host.parameters("deployment_launch", 1, packages[0]))
        for point in killing.sampled():
            asked = host.parameters("deployment_replace_model", point + 1, packages[point % 2])
            result = performer.perform(asked, point, str(filler))["result"]
            full = filler.exists()
            said = tuple(result[key] for key in ("outcome", "cause", "old_model_in_use"))
            seen.add(said)
            if result["outcome"] == "changed":
                serving = point + 1
            else:
                assert ("disk", True) == said[1:], (point, result)
            assert serving == result["identity"]["generation"], (point, result)
            assert serving == killing.served_generation(result["identity"]["port"]), (point, result)
            assert [] == half_made(host), (point, result)
            filler.unlink(missing_ok=True)
            killing.require_alone(host, (point, result))
            if not full:
                break
    assert point > LEAST_POINTS
    assert {"failed", "changed"} <= {outcome for outcome, _, _ in seen}, seen
