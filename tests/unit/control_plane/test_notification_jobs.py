"""What a courier is asked to send: bodies, headers, signatures, and what answers mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from mgmt_ansible.control_plane.notifying.jobs import Address, job_of
from mgmt_ansible.control_plane.notifying.sending import retry_after_seconds
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.notices import Notice, compose
from mgmt_ansible.domain.notifications import Verdict
from mgmt_ansible.wire.notifications import ChannelType
from tests.unit.pages.scripted_values import entry

NOW = datetime(2026, 11, 26, 14, tzinfo=UTC)
NOTICE = Notice(
    id="n1", verdict=Verdict.RECOVERED, event_id="e1", sequence=7, event_type="model_deployments.deployment_launch_succeeded",
    health=Health.PASSING, title="Launch succeeded", message="2 of 2 hosts serve", timestamp=NOW, environment_id="env", environment_name="prod",
    deployment_id="wine", deployment_label="Wine", actor="agent-1", held=2,
)  # fmt: skip
ADDRESS = Address(payload_url="https://example.org/hook", secret_token="s3cret", headers={"X-Key": "k"})


def webhook(address: Address = ADDRESS, **shown: object) -> dict:
    return job_of(ChannelType.WEBHOOK, shown, address, NOTICE, event=entry(7), public_url="", mail_url="", now=NOW)


def test_a_webhook_gets_the_vendors_shape():
    """With its own names for what the vendor does not have."""
    job = webhook()

    assert {
        "event_type": "model_deployments.deployment_launch_succeeded",
        "timestamp": 1_795_701_600,
        "event": {
            "entity_id": "wine", "uid": "agent-1", "id": "e1", "sequence": 7, "title": "Launch succeeded", "message": "2 of 2 hosts serve",
            "status_type": "success", "health": "passing", "host": None, "recovered": True, "held_count": 2,
        },
        "deployment": {"id": "wine", "label": "Wine"},
        "prediction_environment": {"id": "env", "name": "prod"},
    } == json.loads(job["body"])  # fmt: skip
    assert ("application/json", "n1", "k", True) == (
        job["headers"]["Content-Type"], job["headers"]["webhook-id"], job["headers"]["X-Key"], job["verify"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("secret", "key"), [("s3cret", b"s3cret"), ("whsec_czNjcmV0", b"s3cret"), ("whsec_?", b"whsec_?")]
)
def test_a_signature_is_of_id_time_and_body(secret: str, key: bytes):
    """By Standard Webhooks."""
    job = webhook(Address(payload_url="https://example.org/", secret_token=secret, headers={}))
    signed = f"n1.{int(NOW.timestamp())}.{job['body']}".encode()

    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert f"v1,{expected}" == job["headers"]["webhook-signature"]


def test_without_a_secret_nothing_is_signed():
    """No header says so."""
    assert "webhook-signature" not in webhook(Address(payload_url="https://example.org/", headers={}))["headers"]


def test_a_form_holds_the_same_in_one_field():
    """As forms write it."""
    job = webhook(content_type="application/x-www-form-urlencoded", validate_ssl=False)

    (payload,) = parse_qs(job["body"])["payload"]
    assert "Launch succeeded" == json.loads(payload)["event"]["title"]
    assert ("application/x-www-form-urlencoded", False) == (job["headers"]["Content-Type"], job["verify"])


def test_cloud_events_carry_the_entry_itself():
    """In structured mode, signed like the other."""
    job = webhook(payload_format="cloudevents")
    event = json.loads(job["body"])

    assert ("1.0", entry(7).id, entry(7).type) == (event["specversion"], event["id"], event["type"])
    assert job["headers"]["Content-Type"].startswith("application/cloudevents+json")
    assert job["headers"]["webhook-signature"].startswith("v1,")


def test_a_mail_says_all_in_plain_words():
    """What was held too; the link only where people reach the pages."""
    message = compose(NOTICE, public_url="https://mgmt.example.org")

    assert "[RECOVERED] Wine: Launch succeeded" == message.subject
    assert [
        "  2 of 2 hosts serve",
        "Deployment: Wine, wine",
        "Environment: prod",
        "Type: model_deployments.deployment_launch_succeeded",
        "When: 2026-11-26 14:00:00 UTC",
        "2 more entries were held since the last message.",
        "https://mgmt.example.org/deployments/wine",
    ] == message.text.splitlines()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0), (" 120 ", 120.0), ("9" * 5000, 999_999_999.0), ("Thu, 26 Nov 2026 14:01:00 GMT", 60.0), ("Thu, 26 Nov 2026 13:00:00 GMT", 0.0),
        ("-1", None), ("soon", None), ("", None), (None, None), (7, None), ("1e9", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header: object, seconds: float | None):
    """What makes no sense asks for nothing."""
    assert seconds == retry_after_seconds(header, NOW)
