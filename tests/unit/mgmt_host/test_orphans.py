"""What lies on a host and nobody asked about."""

from __future__ import annotations

import json
import os
from pathlib import Path

from mgmt_host.layout import Layout
from mgmt_host.machine import processes
from mgmt_host.observing import orphans


def lay(layout: Layout, name: str, **state: object) -> Path:
    """Lay a deployment's folder there; without a state it is a tombstone."""
    folder = Path(layout.path("deployments", name))
    folder.mkdir(parents=True)
    if state:
        (folder / "state.json").write_text(json.dumps(state))
    return folder


def run(folder: Path) -> None:
    """Say that this very process serves there."""
    slot = folder / "slots" / "a"
    slot.mkdir(parents=True)
    mark = processes.find_mark(os.getpid())
    assert mark is not None
    (slot / "process.json").write_text(json.dumps({"server": mark.to_json()}))


def test_what_nobody_asked_about_is_told(tmp_path):
    """What runs first; neither what was asked about, nor tombstones, nor what is no deployment's folder."""
    layout = Layout.at(str(tmp_path))
    run(lay(layout, "z-runs", wanted="running"))
    lay(layout, "down", wanted="running")
    lay(layout, "stopped", wanted="stopped")
    lay(layout, "asked", wanted="running")
    lay(layout, "tombstone")
    lay(layout, ".hidden", wanted="running")

    found = [(one["deployment_id"], one["state"]) for one in orphans.find(layout, ["asked"])]

    assert [("z-runs", "running"), ("down", "down"), ("stopped", "stopped")] == found


def test_what_cannot_be_read_is_unknown(tmp_path):
    """One strange folder hides none."""
    layout = Layout.at(str(tmp_path))
    (lay(layout, "strange") / "state.json").mkdir()
    lay(layout, "stopped", wanted="stopped")

    assert ["unknown", "stopped"] == [one["state"] for one in orphans.find(layout, [])]


def test_a_host_without_deployments_has_none(tmp_path):
    """Nothing was ever launched there."""
    assert [] == orphans.find(Layout.at(str(tmp_path / "nothing")), [])


def test_many_fit_into_one_answer(tmp_path):
    """Those that would run are told first."""
    layout = Layout.at(str(tmp_path))
    for number in range(150):
        lay(layout, f"a{number}", wanted="stopped")
    lay(layout, "z", wanted="running")

    found = orphans.find(layout, [])

    assert (orphans.MOST, "z") == (len(found), found[0]["deployment_id"])


def test_only_a_look_at_an_environment_tells(host):
    """One at a deployment asks about that."""
    looks = [host.act(action, 0, observe=[]) for action in ("environment_status", "deployment_status")]

    assert [[], None] == [one["orphans"] for one in looks]
