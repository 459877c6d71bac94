"""What looks at hosts found: the newest one of each host, redacted, and of hosts that are still there."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from mgmt_ansible import errors
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.outcomes import Cause
from mgmt_ansible.domain.preflight import MOST_CHECKED_HOSTS, CheckName, HostReport, failed, ok
from mgmt_ansible.domain.reports import HostsReport, PreflightReport
from tests.contract.store.sites import Site


def look(site: Site, *hosts: HostReport, environment_id: str = "", seconds: float = 0.0, number: int = 1) -> None:
    report = PreflightReport(
        id=f"look-{number}",
        environment_id=environment_id or site.environment.id,
        hosts=hosts,
        taken_at=site.clock() + timedelta(seconds=seconds),
    )
    site.services.agents.report(site.agent, [report])


def host(name: str, *checks, seconds: float = 1.0) -> HostReport:
    return HostReport(environment_id="somebody else's", host=name, checks=checks, seconds=seconds)


def found(site: Site) -> list[tuple[str, bool]]:
    return [(one.host, one.failed) for one in site.services.registry.list_checks(site.environment.id).data]


def test_the_newest_look_at_each_host_counts(site: Site):
    """Hosts on which a run would fail come first; an old report that comes late changes nothing."""
    look(site, host("a", ok(CheckName.AUTH, "fine")), host("b", failed(CheckName.AUTH, Cause.AUTH, "refused", "")))
    look(site, host("a", failed(CheckName.SPACE, Cause.DISK, "full", "100%")), seconds=5, number=2)
    look(site, host("a", ok(CheckName.AUTH, "fine")), seconds=1, number=3)

    assert [("a", True), ("b", True)] == found(site)
    (one, _) = site.services.registry.list_checks(site.environment.id).data
    assert ("agent", "full", Cause.DISK) == (one.agent, one.checks[0].message, one.checks[0].cause)


def test_hosts_that_are_gone_are_forgotten(site: Site):
    """With the next snapshot of the inventory."""
    look(site, host("a", ok(CheckName.AUTH, "fine")), host("gone", ok(CheckName.AUTH, "fine")))
    hosts = (InventoryHost(name="a"),)
    site.services.agents.report(
        site.agent, [HostsReport(id="h", environment_id=site.environment.id, hosts=hosts, taken_at=site.clock())]
    )

    assert [("a", False)] == found(site)


def test_secrets_and_controls_stay_outside(site: Site):
    """In every text of a finding."""
    secret = failed(
        CheckName.AUTH, Cause.AUTH, "password=hunter22\x1b[2J", "token: abcdefgh", "ssh --password=hunter22"
    )
    look(site, host("a\x00", secret))

    (one,) = site.services.registry.list_checks(site.environment.id).data
    assert ("a", False) == (
        one.host,
        any(word in one.model_dump_json() for word in ("hunter22", "abcdefgh", "\\u001b")),
    )


def test_a_hostile_report_is_refused(site: Site):
    """Too many hosts, a number that is none, or an environment of others."""
    many = [host(f"h{number}") for number in range(MOST_CHECKED_HOSTS + 1)]
    with pytest.raises(errors.InvalidRequestError, match=r"^hosts: "):
        look(site, *many)
    with pytest.raises(errors.InvalidRequestError, match=r"^seconds: "):
        look(site, host("a", seconds=math.inf))
    with pytest.raises(errors.ForbiddenError):
        look(site, host("a"), environment_id=site.add_environment("other").id)
