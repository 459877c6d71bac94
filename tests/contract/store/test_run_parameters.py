"""Key-values of environment and deployment in what agents are handed."""

from __future__ import annotations

import pytest

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.key_values import EntityType
from mgmt_ansible.wire.tags import KeyValueIn, KeyValuePatch
from tests.contract.store.sites import Site


def put(site: Site, name: str, value: object, *, of: str = "d1", **more: object):
    kind = EntityType.DEPLOYMENT if of == "d1" else EntityType.ENVIRONMENT
    values = {"category": "runtimeParameter", "value_type": "string", **more}
    body = KeyValueIn(entity_id=of, entity_type=kind, name=name, value=value, **values)
    return site.services.tagging.add_key_value(body, actor="ann")


def test_the_deployments_beat_the_environments(site: Site):
    """A credential and what is of another category reach no run; a look gets none."""
    site.ready()
    put(site, "stop_timeout_seconds", 20, of=site.environment.id, value_type="numeric")
    put(site, "ready_timeout_seconds", 90, of=site.environment.id, value_type="numeric")
    put(site, "region", "eu", of=site.environment.id)
    put(site, "stop_timeout_seconds", 30, value_type="numeric")
    put(site, "debug", True, value_type="boolean")
    put(site, "key", "hunter2-hunter2", value_type="credential")
    put(site, "auc", 0.9, value_type="numeric", category="metric")
    site.act(ActionType.DEPLOYMENT_RELAUNCH)
    spec = site.take().spec

    handed = {one.name: one.value for one in spec.key_values}
    expected = {"debug": True, "ready_timeout_seconds": 90.0, "region": "eu", "stop_timeout_seconds": 30.0}
    assert expected == handed
    assert (90.0, 30.0, 600.0) == (spec.ready_timeout_seconds, spec.stop_timeout_seconds, spec.timeout_seconds)
    newest = site.services.deployment_events.list_events().data[0]
    assert {"ready_timeout_seconds": 90.0, "stop_timeout_seconds": 30.0} == newest.data["overrides"]


def test_what_a_request_says_beats_key_values(site: Site):
    """Its own times; without them the key-values', without those the usual ones."""
    site.create(launch=False)
    put(site, "minimum_healthy_seconds", "7")
    put(site, "timeout_seconds", "99")
    site.act(ActionType.DEPLOYMENT_LAUNCH)
    spec = site.take().spec

    assert (7.0, 99.0, 60.0) == (spec.minimum_healthy_seconds, spec.timeout_seconds, spec.ready_timeout_seconds)


def test_a_rollback_holds_nothing_back(site: Site):
    """Whatever a key-value says for replacements; the other times are as they are told."""
    site.ready()
    site.replace()
    site.report(site.take(), hosts=())
    put(site, "minimum_healthy_seconds", "600")
    put(site, "ready_timeout_seconds", "99")
    site.act(ActionType.DEPLOYMENT_ROLLBACK)
    spec = site.take().spec

    assert (0.0, 99.0) == (spec.minimum_healthy_seconds, spec.ready_timeout_seconds)
    assert {"ready_timeout_seconds": 99.0} == site.services.deployment_events.list_events().data[0].data["overrides"]


def test_what_no_key_value_may_say_is_refused(site: Site):
    """New or changed; as a metric, or of a package, it is nobody's setting."""
    site.create(launch=False)
    with pytest.raises(errors.InvalidRequestError, match="name: base_dir"):
        put(site, "base_dir", "/")
    with pytest.raises(errors.InvalidRequestError, match="value: stop_timeout_seconds"):
        put(site, "stop_timeout_seconds", "soon")
    made = put(site, "base_dir", "/", category="metric")
    with pytest.raises(errors.InvalidRequestError, match="name: base_dir"):
        site.services.tagging.change_key_value(made.id, KeyValuePatch(category="runtimeParameter"))
