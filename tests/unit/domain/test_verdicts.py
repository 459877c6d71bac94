from __future__ import annotations

import pytest

from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import HostOutcome, Identity, Outcome
from mgmt_ansible.domain.verdicts import health_of_hosts, worst_outcome


def identity(digest: str) -> Identity:
    return Identity(digest=digest, generation=1, slot="a", port=1, pid=1, start_time=1, url="http://127.0.0.1:1")


def host(outcome: Outcome, **more: object) -> HostOutcome:
    return HostOutcome(host="h", outcome=outcome, **more)


class TestHealthOfHosts:
    """The judgement of a deployment from its hosts, as the design's "Health" has it."""

    @pytest.mark.parametrize(
        ("hosts", "wanted_running", "expected"),
        [
            ([Outcome.OK, Outcome.CHANGED], True, Health.PASSING),
            ([Outcome.OK, Outcome.FAILED], True, Health.WARNING),
            ([Outcome.OK, Outcome.UNREACHABLE], True, Health.WARNING),
            ([Outcome.FAILED, Outcome.FAILED], True, Health.FAILING),
            ([Outcome.FAILED, Outcome.UNREACHABLE], True, Health.FAILING),
            ([Outcome.DEGRADED], True, Health.FAILING),
            ([Outcome.UNREACHABLE, Outcome.UNKNOWN], True, Health.UNKNOWN),
            ([Outcome.NOT_RUN], True, Health.UNKNOWN),
            ([], True, Health.UNKNOWN),
            ([Outcome.OK], False, Health.PASSING),
            ([Outcome.OK, Outcome.FAILED], False, Health.FAILING),
            ([Outcome.OK, Outcome.UNREACHABLE], False, Health.UNKNOWN),
        ],
    )
    def test_follows_the_table(self, hosts: list[Outcome], wanted_running: bool, expected: Health) -> None:
        """All fine is passing, some is warning, none is failing, not reached is unknown."""
        assert expected is health_of_hosts(map(host, hosts), wanted_running=wanted_running)[0]

    def test_counts_the_hosts_that_serve(self) -> None:
        """The reason says what is there, for people who read only that."""
        hosts = [host(Outcome.OK), host(Outcome.CHANGED)]

        assert "2 of 2 hosts serve" == health_of_hosts(hosts)[1]
        assert "nothing runs on 2 of 2 hosts" == health_of_hosts(hosts, wanted_running=False)[1]

    def test_calls_different_models_mixed(self) -> None:
        """Two hosts that are fine but serve different digests are a warning that says so."""
        hosts = [host(Outcome.OK, identity=identity("a")), host(Outcome.OK, identity=identity("b"))]

        health, reason = health_of_hosts(hosts)

        assert Health.WARNING is health
        assert reason.startswith("mixed")

    def test_counts_an_old_model_as_serving(self) -> None:
        """A failed replacement that left the old model is a warning, not an outage."""
        assert Health.WARNING is health_of_hosts([host(Outcome.ROLLED_BACK, old_model_in_use=True)])[0]


class TestWorstOutcome:
    """One outcome out of several."""

    def test_prefers_degraded_to_failed(self) -> None:
        """Nothing is worse than a host where neither model answers."""
        assert Outcome.DEGRADED is worst_outcome([Outcome.OK, Outcome.FAILED, Outcome.DEGRADED])

    def test_of_nothing_is_unknown(self) -> None:
        """No host is no proof."""
        assert Outcome.UNKNOWN is worst_outcome([])

    def test_knows_every_outcome(self) -> None:
        """A new member without a rank would raise."""
        for outcome in Outcome:
            assert outcome is worst_outcome([outcome])
