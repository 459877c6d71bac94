"""Responses by the hour: what looks and monitors measured, how it adds up, and how long it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.outcomes import HostOutcome, Observation, Outcome
from mgmt_ansible.domain.responses import Responses, ResponseSource, hour_of
from mgmt_ansible.wire.monitoring import PredictionRequestsIn
from mgmt_ansible.wire.retention import LegalHoldIn
from tests.contract.store.sites import Site


def measured(site: Site, source: ResponseSource = ResponseSource.LOOKS, deployment_id: str = "d1") -> list[Responses]:
    return list(site.services.responses.hours(deployment_id, source, hours=24).values())


def answered(site: Site, seconds: float | None) -> Observation:
    return replace(site.sight("running"), probe_seconds=seconds)


def test_looks_add_up_within_their_hour(site: Site):
    """Two that answered and one that did not."""
    site.ready()
    site.clock.pass_seconds(3_600 - (site.clock() - hour_of(site.clock())).total_seconds())
    site.look(d1=answered(site, 0.004))
    site.look(d1=answered(site, 0.002))
    site.look(d1=site.sight("running", Outcome.FAILED))

    expected = Responses(asked=3, failed=1, timed=2, milliseconds=6.0, fastest=2.0, slowest=4.0)
    assert [expected] == measured(site)


def test_an_hour_without_a_look_is_not_there(site: Site):
    """A gap, and no hour without failures."""
    site.ready()
    site.look(d1=answered(site, 0.004))
    site.clock.pass_seconds(3 * 3_600)
    site.look(d1=answered(site, 0.002))

    first, second = site.services.responses.hours("d1", ResponseSource.LOOKS, hours=24)
    assert timedelta(hours=3) <= second - first


def test_what_nobody_asked_is_not_measured(site: Site):
    """A host was not reached, so that nobody knows; then nothing should answer there."""
    site.ready()
    for outcome in (Outcome.UNREACHABLE, Outcome.UNKNOWN, Outcome.NOT_RUN):
        site.clock.pass_seconds(61)
        claim = site.take()
        site.report(claim, health=None, outcome=outcome, hosts=(HostOutcome(host="h1", outcome=outcome),))
    site.act(ActionType.DEPLOYMENT_STOP)
    site.report(site.take(), hosts=())
    site.look(d1=site.sight("stopped"))

    assert [] == measured(site)


def test_a_time_that_is_not_told_or_cannot_be_one_is_left_out(site: Site):
    """An older agent tells none; whatever an agent tells, it was asked."""
    site.ready()
    for seconds in (None, -1.0, 1e300):
        site.look(d1=answered(site, seconds))

    assert (3, 0) == tuple(sum(getattr(one, name) for one in measured(site)) for name in ("asked", "timed"))


def test_monitors_tell_of_requests_when_they_were(site: Site):
    """Each in the hour of its own time; what is ahead of our clock is now, and what is too old is left out."""
    site.ready()
    now = site.clock()
    rows = [
        {"timestamp": (now - timedelta(hours=2)).isoformat(), "executionTime": 40.0},
        {"timestamp": (now - timedelta(hours=2)).isoformat(), "executionTime": 60.0, "userError": True},
        {"timestamp": (now + timedelta(days=9)).isoformat(), "systemError": 1},
        {"timestamp": (now - timedelta(days=100)).isoformat(), "executionTime": 5.0},
        {"timestamp": "0001-01-01T00:00:00Z", "executionTime": 5.0},
    ]
    site.services.monitoring.count_requests("d1", PredictionRequestsIn(data=rows))

    earlier = Responses(asked=2, user_errors=1, timed=2, milliseconds=100.0, fastest=40.0, slowest=60.0)
    assert [earlier, Responses(asked=1, failed=1)] == measured(site, ResponseSource.MONITORS)
    assert [] == measured(site)


def test_old_hours_go_and_none_while_something_is_held(site: Site):
    """As long as the longest policy says."""
    site.ready()
    site.look(d1=answered(site, 0.004))
    site.clock.pass_seconds(89 * 86_400)
    site.services.retention.prune(actor="ann")
    assert 1 == len(site.services.responses.hours("d1", ResponseSource.LOOKS, hours=90 * 24))

    hold = site.services.retention.place_hold(LegalHoldIn(reason="asked", deployment_id="d1"), actor="ann")
    site.clock.pass_seconds(5 * 86_400)
    site.services.retention.prune(actor="ann")
    assert 1 == len(site.services.responses.hours("d1", ResponseSource.LOOKS, hours=100 * 24))

    site.services.retention.release_hold(hold.id, actor="ann")
    site.services.retention.prune(actor="ann")
    assert {} == site.services.responses.hours("d1", ResponseSource.LOOKS, hours=100 * 24)


def test_a_deleted_deployment_takes_its_hours_along(site: Site):
    """One that is made again under its id begins anew."""
    site.ready()
    site.look(d1=answered(site, 0.004))
    site.services.deployments.delete("d1", site.asker, ignore_management_agent=True)
    with pytest.raises(errors.NotFoundError):
        measured(site)
    site.create(launch=False)

    assert [] == measured(site)
