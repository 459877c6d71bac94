"""Actions: asking, waiting, canceling."""

from __future__ import annotations

import json

import pytest
import requests

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from tests.unit.client.scripted_answers import action, connect, in_turn


def test_waiting_ends_with_the_final_action():
    """Every look is told, the last one too."""
    client, _ = connect(
        in_turn([(200, action(status="pending")), (200, action(progress="gate")), (200, action(status="succeeded"))])
    )
    seen = []

    final = client.actions.wait_for_action("c" * 24, on_progress=lambda one: seen.append((one.status, one.progress)))

    assert ActionStatus.SUCCEEDED is final.status
    assert [("pending", ""), ("running", "gate"), ("succeeded", "")] == seen


def test_a_failed_action_is_a_value():
    """Only broken promises are errors."""
    client, _ = connect(lambda request: (200, action(status="failed", cause="not_ready")))

    assert "not_ready" == client.actions.wait_for_action("c" * 24).cause


def test_waiting_outlives_a_short_outage():
    """A restarted control plane does not end the wait."""
    client, _ = connect(in_turn([requests.exceptions.ConnectionError("refused"), (200, action(status="succeeded"))]))

    assert ActionStatus.SUCCEEDED is client.actions.wait_for_action("c" * 24).status


def test_waiting_can_have_an_end():
    """The action goes on; the caller is told so."""
    client, _ = connect(lambda request: (200, action()))

    with pytest.raises(errors.WaitTimeoutError, match=r"running after 0\.2 s"):
        client.actions.wait_for_action("c" * 24, timeout_seconds=0.2)


def test_an_idempotency_key_travels_in_its_header():
    """Asking again after a lost answer is safe."""
    client, adapter = connect(lambda request: (202, {"id": "wine", "actionId": "c" * 24}))

    client.deployments.ask("wine", ActionType.DEPLOYMENT_STOP, idempotency_key="once")

    assert "once" == adapter.requests[0].headers["Idempotency-Key"]
    plain = {"type": "deployment_stop", "dryRun": False, "failedOnly": False}
    assert plain == json.loads(adapter.bodies[0])


def test_the_recorded_action_comes_back_as_a_value():
    """`run export` renders from it."""
    spec = {
        "id": "c" * 24,
        "type": "deployment_stop",
        "environment_id": "e" * 24,
        "environment_name": "loopback",
        "requested_at": "2026-01-02T03:04:05Z",
    }
    client, _ = connect(lambda request: (200, spec))

    assert ActionType.DEPLOYMENT_STOP is client.actions.get_spec("c" * 24).type
