"""Carriers: what keeps a slot's server running, chosen by `slot.json`."""

from __future__ import annotations

from pathlib import Path

import pytest
from mgmt_host import failures
from mgmt_host.machine import durable_files
from mgmt_host.running import carriers, slots
from mgmt_host.running.carrying import Carried


class Recorder:
    """A carrier that only writes down what it was asked."""

    comes_back = True

    def __init__(self, name):
        self.name = name
        self.asked = []

    def start(self, place, config):
        """Keep the configuration."""
        self.asked.append("start")
        place.configure(config)

    def stop(self, place, seconds):
        """Say that something ran."""
        self.asked.append("stop")
        return True

    def look(self, place):
        """Say that it runs."""
        return Carried(known=True, running=True, exits=3)

    def log_tail(self, place):
        """Say who wrote."""
        return f"{self.name} wrote this"


@pytest.fixture
def recorders(monkeypatch):
    """Return two carriers of the tests' own, `one` and `two`."""
    made = {name: Recorder(name) for name in ("one", "two")}
    for name, recorder in made.items():
        monkeypatch.setitem(carriers.ROWS, name, recorder)
    return made


@pytest.fixture
def slot(host):
    """Return a slot where nothing was ever started."""
    yield slots.find(host.own(), "a")
    if Path(host.own().slots).exists():
        durable_files.remove_tree(host.own().slots)


def test_a_slot_of_before_there_were_carriers_is_a_process():
    """Its `slot.json` names none."""
    assert carriers.PROCESS is carriers.of({"generation": 1})


def test_a_slot_asks_the_carrier_that_its_configuration_names(slot, recorders):
    """Whether it runs, how often it ended, and what it wrote."""
    slots.start(slot, {"carrier": "one", "stop_timeout_seconds": 1.0})

    assert (True, 3) == (slot.running, slot.carried.exits)
    assert "one wrote this" == slot.log_evidence()[0]["text"]


def test_what_another_carrier_ran_is_stopped_before_a_start(slot, recorders):
    """Never two servers in one slot."""
    slots.start(slot, {"carrier": "one", "stop_timeout_seconds": 1.0})
    slots.start(slot, {"carrier": "two", "stop_timeout_seconds": 1.0})

    assert (["start", "stop"], ["start"]) == (recorders["one"].asked, recorders["two"].asked)


def test_a_carrier_of_another_version_is_named(slot):
    """A host that a newer version worked on is not taken for an idle one."""
    slot.configure({"carrier": "submarine"})

    with pytest.raises(failures.HostError, match="submarine"):
        slots.find_live(slots.DeploymentLayout(str(Path(slot.folder).parents[1])))
