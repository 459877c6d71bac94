"""An action that needs more than an agent knows waits for one that knows it, and says so."""

from __future__ import annotations

import pytest

from mgmt_ansible import __version__
from mgmt_ansible.control_plane.accepting import Asker
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.capabilities import OURS, Capability
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Outcome
from mgmt_ansible.wire import api_v2
from tests.contract.store.sites import Site

PLAIN: tuple[str, ...] = ()
"""What an agent tells that does not know of capabilities."""


def roll_back(site: Site) -> str:
    site.replace()
    site.run()
    return site.act(ActionType.DEPLOYMENT_ROLLBACK)


def rehearse(site: Site) -> str:
    body = api_v2.ActionIn(type=ActionType.DEPLOYMENT_RELAUNCH, dry_run=True)
    return site.services.deployments.act("d1", body, Asker(actor="ann")).action_id or ""


def rehearse_going_back(site: Site) -> str:
    site.replace()
    site.run()
    body = api_v2.ActionIn(type=ActionType.DEPLOYMENT_ROLLBACK, dry_run=True)
    return site.services.deployments.act("d1", body, Asker(actor="ann")).action_id or ""


def relaunch_failed(site: Site) -> str:
    site.act(ActionType.DEPLOYMENT_RELAUNCH)
    bad = HostOutcome(host="h1", outcome=Outcome.FAILED, cause=Cause.NOT_READY)
    site.report(site.take(), ActionStatus.FAILED, hosts=(bad,))
    body = api_v2.ActionIn(type=ActionType.DEPLOYMENT_RELAUNCH, failed_only=True)
    return site.services.deployments.act("d1", body, Asker(actor="ann")).action_id or ""


@pytest.mark.parametrize(
    ("ask", "needed", "words"),
    [
        (roll_back, {Capability.ROLLBACK}, "rolling back"),
        (rehearse, {Capability.DRY_RUN}, "dry runs"),
        (rehearse_going_back, {Capability.DRY_RUN, Capability.ROLLBACK}, "dry runs, rolling back"),
        (relaunch_failed, {Capability.LIMIT}, "doing some hosts only"),
    ],
)
def test_an_action_waits_for_an_agent_that_knows_how(site: Site, ask, needed: set[Capability], words: str):
    """An older agent would fail it, or do all hosts; the page tells which version is needed."""
    site.ready()
    action_id = ask(site)

    assert None is site.claim(capabilities=PLAIN)
    assert None is site.claim(capabilities=OURS - {min(needed)})
    waiting = site.action(action_id)
    assert (ActionStatus.PENDING, 0) == (waiting.status, waiting.attempt)
    assert f"waits for an agent that knows {words}. Next: install version {__version__} or newer" in waiting.progress

    claim = site.claim(capabilities=[*needed, "later"])
    assert claim is not None
    assert (action_id, "") == (claim.spec.id, site.action(action_id).progress)


def test_an_older_agent_is_handed_what_it_knows_behind_what_it_does_not(site: Site):
    """One deployment's rollback holds up no other's launch."""
    site.ready()
    roll_back(site)
    launch = site.create("d2")

    claim = site.claim(capabilities=PLAIN)

    assert claim is not None
    assert launch == claim.spec.id


def test_asking_again_and_again_writes_once(site: Site):
    """An old agent polls each second; whoever follows is told of one change."""
    site.ready()
    roll_back(site)
    site.claim(capabilities=PLAIN)
    told: list[None] = []
    site.services.wakeups.notify = lambda: told.append(None)  # type: ignore[method-assign]

    for _ in range(3):
        site.claim(capabilities=PLAIN)

    assert [] == told


def test_what_a_newer_agent_did_not_end_is_not_taken_over_by_an_older_one(site: Site):
    """Its claim expired: it stays for one that knows how."""
    site.ready()
    action_id = roll_back(site)
    site.take()
    site.clock.pass_seconds(31)

    assert None is site.claim(capabilities=PLAIN)
    assert "waits for an agent" in site.action(action_id).progress
    assert 2 == site.take().attempt
