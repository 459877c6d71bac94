"""Accepting: generations, supersession, idempotency, cancel and delete."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane.accepting import Asker
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.wire.api_v2 import ActionIn
from tests.contract.store.sites import Site


def test_every_change_has_the_next_generation(site: Site):
    """The fence on hosts counts with it."""
    site.ready()
    site.replace()
    site.run()
    site.act(ActionType.DEPLOYMENT_STOP)

    assert 3 == site.deployment().generation


def test_a_newer_change_supersedes_the_one_that_waits(site: Site):
    """With an entry in the feed, before the newer one's own."""
    launch_id = site.create()

    site.act(ActionType.DEPLOYMENT_STOP)

    assert site.action(launch_id).status is ActionStatus.SUPERSEDED
    assert ["deployment_launch_started", "action_superseded", "deployment_shutdown_started"] == site.event_types()[1:]


def test_the_same_key_gives_the_same_action(site: Site):
    """A client that repeats itself changes nothing."""
    first = site.create(key="k")

    assert first == site.create(key="k")
    assert 1 == site.deployment().generation


def test_the_same_key_for_another_request_is_refused(site: Site):
    """A key belongs to one request."""
    site.create("d1", key="k")

    with pytest.raises(errors.ConflictError, match="Idempotency-Key"):
        site.create("d2", key="k")


def test_the_same_key_from_many_threads_makes_one_action(site: Site):
    """No race between looking and inserting."""
    with ThreadPoolExecutor(6) as pool:
        made = set(pool.map(lambda _: site.create(key="k"), range(6)))

    assert 1 == len(made)
    assert 1 == site.services.actions.list_actions().total_count


def test_a_deployment_id_is_used_once(site: Site):
    """It is a folder's name on hosts."""
    site.create("d1")

    with pytest.raises(errors.ConflictError, match="d1 exists"):
        site.create("d1")


def test_stopping_what_is_stopped_is_refused(site: Site):
    """The message tells what is possible."""
    site.create(launch=False)

    with pytest.raises(errors.TransitionError, match="deployment_launch"):
        site.act(ActionType.DEPLOYMENT_STOP)


def test_canceling_what_waits_returns_to_what_was(site: Site):
    """State, package and what is wanted are as before."""
    site.ready()
    action_id = site.replace()

    site.services.actions.cancel(action_id, actor="ann")

    deployment = site.deployment()
    assert (DeploymentState.READY, site.package.id) == (deployment.state, deployment.model_package.id)
    assert "action_canceled" == site.event_types()[-1]


def test_canceling_what_waits_behind_a_launch_leaves_the_launch_in_charge(site: Site):
    """The launch's result still counts."""
    site.create()
    launch = site.take()
    stop_id = site.act(ActionType.DEPLOYMENT_STOP)

    site.services.actions.cancel(stop_id, actor="ann")
    site.report(launch)

    assert site.deployment().state is DeploymentState.READY


def test_canceling_after_the_launch_ended_returns_to_its_end(site: Site):
    """What the older action became is what the newer one returns to."""
    site.create()
    launch = site.take()
    stop_id = site.act(ActionType.DEPLOYMENT_STOP)
    site.report(launch)

    site.services.actions.cancel(stop_id, actor="ann")

    assert site.deployment().state is DeploymentState.READY


def test_what_has_ended_cannot_be_canceled(site: Site):
    """409, not silence."""
    action_id = site.create()
    site.run()

    with pytest.raises(errors.ConflictError, match="succeeded already"):
        site.services.actions.cancel(action_id, actor="ann")


def test_deleting_stops_first_and_then_forgets(site: Site):
    """The deployment goes when its hosts are clean; its history stays."""
    site.ready()

    site.services.deployments.delete("d1", site.asker)
    assert site.deployment().state is DeploymentState.STOPPING
    site.run()

    with pytest.raises(errors.NotFoundError):
        site.deployment()
    assert ["deployment_shutdown_succeeded", "deployment_deletion"] == site.event_types()[-2:]


def test_deleting_twice_with_the_same_key_is_one_stop(site: Site):
    """A client that repeats itself is given the same action, even when the deployment is gone."""
    site.ready()
    asker = Asker(actor="ann", idempotency_key="k")
    first = site.services.deployments.delete("d1", asker)
    again = site.services.deployments.delete("d1", asker)
    site.run()

    assert first == again == site.services.deployments.delete("d1", asker)


def test_deleting_without_the_agent_forgets_at_once(site: Site):
    """Whatever the hosts do."""
    site.ready()

    assert site.services.deployments.delete("d1", site.asker, ignore_management_agent=True) is None
    with pytest.raises(errors.NotFoundError):
        site.deployment()


def test_a_deployment_made_again_goes_on_counting(site: Site):
    """Hosts remember the old one's fence."""
    site.ready()
    site.services.deployments.delete("d1", site.asker, ignore_management_agent=True)

    site.create()

    assert 2 == site.deployment().generation


def test_what_deployments_use_cannot_be_deleted(site: Site):
    """Environment and package say who uses them."""
    site.ready()

    with pytest.raises(errors.InvalidRequestError, match=r"1 deployment"):
        site.services.registry.delete_environment(site.environment.id)
    with pytest.raises(errors.InvalidRequestError, match=r"1 deployment"):
        site.services.registry.delete_package(site.package.id)


def test_the_same_content_is_registered_once(site: Site):
    """And its archive stays for the other name."""
    again = site.add_package("fraud", "1")

    assert site.package == again


def test_other_content_needs_another_version(site: Site):
    """Packages are immutable."""
    receiver = site.services.registry.receive_archive()
    receiver.write(b"other")

    with pytest.raises(errors.ConflictError, match="take a new version"):
        site.services.registry.add_package(name="fraud", version="1", archive=receiver.finish())
    receiver.discard()


def test_a_deleted_packages_archive_goes_with_it(site: Site):
    """Unless another package has the same bytes."""
    path = site.services.registry.archive_path(site.newer.id)

    site.services.registry.delete_package(site.newer.id)

    assert not path.exists()


def test_one_environment_status_is_under_way_at_most(site: Site):
    """A second request is given the first."""
    site.ready()
    body = ActionIn(type=ActionType.ENVIRONMENT_STATUS)
    first = site.services.registry.request_status(site.environment.id, body, Asker(actor="ann"))
    second = site.services.registry.request_status(site.environment.id, body, Asker(actor="bob"))

    assert first == second


@pytest.mark.parametrize("first_key", [None, "other"])
def test_the_same_key_is_given_the_same_environment_status(site: Site, first_key: str | None):
    """Also when another one was under way at first, and has ended since."""
    site.ready()
    body = ActionIn(type=ActionType.ENVIRONMENT_STATUS)
    asker = Asker(actor="bob", idempotency_key="k")
    site.services.registry.request_status(site.environment.id, body, Asker(actor="ann", idempotency_key=first_key))
    first = site.services.registry.request_status(site.environment.id, body, asker)
    while (claim := site.claim()) is not None:
        site.report(claim, health=None)

    assert first == site.services.registry.request_status(site.environment.id, body, asker)
