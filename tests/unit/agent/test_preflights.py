"""Looks at hosts that the agent takes by itself, and tells in reports of a bounded size."""

from __future__ import annotations

from mgmt_ansible import errors
from mgmt_ansible.agent.snapshots import Snapshots
from mgmt_ansible.domain.preflight import MOST_CHECKED_HOSTS, HostReport
from tests.unit.agent.scripted import ENVIRONMENT, FixedClock, ListSpool, ScriptedInventory


class Rounds:
    """Asked to stop after so many rounds."""

    def __init__(self, rounds: int) -> None:
        self._left = rounds

    @property
    def asked(self) -> bool:
        self._left -= 1
        return self._left < 0


def looked(rounds: int, seconds: float, *, hosts: int = 1, error: Exception | None = None) -> list[int]:
    """Return the number of hosts in each report of a preflight."""
    spool = ListSpool()

    def preflight(environment_id: str) -> tuple[HostReport, ...]:
        if error is not None:
            raise error
        return tuple(HostReport(environment_id=environment_id, host=f"h{number}", checks=()) for number in range(hosts))

    snapshots = Snapshots(
        environment_ids=(ENVIRONMENT,),
        inventory=ScriptedInventory(()),
        spool=spool,
        clock=FixedClock(),
        preflight=preflight,
        preflight_seconds=seconds,
    )
    snapshots.run(Rounds(rounds))
    return [len(report.hosts) for report in spool.reports if report.kind == "preflight"]


def test_hosts_are_looked_at_at_the_start_and_when_it_is_due():
    """A round lasts ten minutes, a look is due every 25."""
    assert [1, 1] == looked(4, 1500)


def test_nobody_looks_without_the_setting():
    """It is the user's word that counts."""
    assert [] == looked(3, 0)


def test_many_hosts_are_several_reports():
    """None of them is large."""
    assert [MOST_CHECKED_HOSTS, 1] == looked(1, 60, hosts=MOST_CHECKED_HOSTS + 1)


def test_a_look_that_fails_ends_nothing():
    """It is advice only."""
    assert [] == looked(2, 60, error=errors.InventoryError("no inventory"))
    assert [] == looked(2, 60, error=RuntimeError("unexpected"))
