from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionSpec, ActionStatus, ActionType, Claim
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.model_packages import ModelPackage, Runtime
from mgmt_ansible.domain.outcomes import Cause, Evidence, HostOutcome, Observation, Outcome
from mgmt_ansible.domain.reports import ResultReport
from mgmt_ansible.wire import agent_v1

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def claim(label: str = "Iris") -> Claim:
    package = ModelPackage(
        id="3" * 24,
        name="iris",
        version="1",
        digest="d" * 64,
        archive_sha256="a" * 64,
        archive_bytes=10,
        runtime=Runtime.ONNX,
    )
    target = DeploymentTarget(id="iris", label=label, generation=2, package=package, port=8080)
    spec = ActionSpec(
        id="1" * 24,
        type=ActionType.DEPLOYMENT_LAUNCH,
        environment_id="2" * 24,
        environment_name="lab",
        deployment=target,
        deployments=(target,),
        requested_at=NOW,
    )
    return Claim(spec=spec, attempt=1, expires_at=NOW, heartbeat_seconds=10.0)


class TestRoundTrips:
    """What one side sends, the other reads."""

    @given(st.text())
    def test_a_claim_survives_with_any_label(self, label: str) -> None:
        """Text from people stays text, whatever it holds."""
        if any(0xD800 <= ord(char) <= 0xDFFF for char in label):
            return
        sent = claim(label)

        assert sent == agent_v1.parse_json(agent_v1.CLAIM, agent_v1.to_json(agent_v1.CLAIM, sent))

    def test_a_result_survives_with_hosts_and_observations(self) -> None:
        """Nested values come back as the same values."""
        seen = Observation(deployment_id="iris", outcome=Outcome.OK, state="running", fence_generation=2)
        host = HostOutcome(
            host="web1",
            outcome=Outcome.FAILED,
            cause=Cause.DISK,
            evidence=(Evidence(kind="df", text="100%"),),
            observations={"iris": seen},
        )
        sent = ResultReport(
            id="r1",
            action_id="1" * 24,
            attempt=1,
            status=ActionStatus.FAILED,
            outcome=Outcome.FAILED,
            hosts=(host,),
            finished_at=NOW,
        )

        assert sent == agent_v1.parse_json(agent_v1.REPORT, agent_v1.to_json(agent_v1.REPORT, sent))

    def test_unknown_keys_are_ignored(self) -> None:
        """A newer peer may say more."""
        assert 3 == agent_v1.parse_json(agent_v1.HEARTBEAT, b'{"attempt": 3, "mood": "fine"}').attempt


class TestHostileBodies:
    """Bodies that are not what they should be."""

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"nul",
            b'{"attempt": "many"}',
            b'{"attempt": 1e400}',
            b"[" * 100_000,
            b'{"attempt": ' + b"9" * 10_000 + b"}",
            b'{"attempt": 1',
            b"\xff\xfe",
        ],
    )
    def test_are_refused_with_the_field_named(self, body: bytes) -> None:
        """Each is one clear error, never a crash."""
        with pytest.raises(errors.InvalidRequestError, match=r"body|attempt"):
            agent_v1.parse_json(agent_v1.HEARTBEAT, body)

    def test_an_unknown_kind_of_report_is_refused(self) -> None:
        """Only the closed set is stored."""
        with pytest.raises(errors.InvalidRequestError):
            agent_v1.parse_json(agent_v1.REPORT_BATCH, b'{"reports": [{"kind": "rumour", "id": "1"}]}')
