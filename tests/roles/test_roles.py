"""Each role over SSH: check mode first, converge, verify, and a second run that changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from mgmt_host import durable_files, http_probe, ports
from mgmt_host.layout import Layout

pytestmark = [pytest.mark.ssh, pytest.mark.timeout(600)]


def state_of(site, deployment_id="r1"):
    """Return what the host last proved."""
    return durable_files.read_json(Layout.at(str(site.base_dir)).deployment(deployment_id).state)


def test_a_launch_converges_and_a_second_run_changes_nothing(site):
    """Both roles: forecast, converge, serve, idempotent; the known package costs one session."""
    package = site.package(5.0)  # one that no other test brings to the host
    forecast = site.play("deployment_launch", 1, package, check=True, deployment_id="twice")
    nothing = Path(Layout.at(str(site.base_dir)).deployment("twice").folder).exists()
    first = site.play("deployment_launch", 1, package, deployment_id="twice")
    again = site.play("deployment_launch", 1, package, deployment_id="twice")
    identity = state_of(site, "twice")["identity"]

    assert (2, False) == (forecast["counts"]["changed"], nothing), forecast["output"]
    assert 0 == first["counts"]["failed"], first["output"]
    assert (0, 2) == (again["counts"]["changed"], again["sessions"]), again["output"]
    assert (
        http_probe.ask("127.0.0.1", identity["port"], "/v2/models/twice").json()["parameters"]["package_digest"]
        == package[2]
    )


def test_replacing_and_stopping_converge(site):
    """The stable port stays; after the stop nobody listens; a second stop changes nothing."""
    site.play("deployment_launch", 1, site.package(2.0))
    port = state_of(site)["stable_port"]
    replaced = site.play("deployment_replace_model", 2, site.package(3.0))
    serving = state_of(site)["identity"]
    stopped = site.play("deployment_stop", 3)
    again = site.play("deployment_stop", 3)

    assert (0, port, 2) == (replaced["counts"]["failed"], serving["port"], serving["generation"]), replaced["output"]
    assert (1, None) == (stopped["counts"]["changed"], ports.listener(port)), stopped["output"]
    assert 0 == again["counts"]["changed"]


def test_an_older_event_fails_as_superseded(site):
    """The host's own fence answers over SSH."""
    site.play("deployment_stop", 9, deployment_id="newer")
    result = site.play("deployment_launch", 8, site.package(2.0), deployment_id="newer")

    assert 1 == result["counts"]["failed"]
    assert '"outcome": "superseded"' in result["output"]


def test_looking_at_an_environment_is_one_session(site):
    """However many deployments: one SSH exec."""
    observe = [{"id": f"d{number}", "generation": 1, "digest": None} for number in range(100)]
    result = site.play("environment_status", observe=observe)

    assert (1, 0, 0) == (result["sessions"], result["counts"]["changed"], result["counts"]["failed"]), result["output"]


def test_a_cancel_is_one_session(site):
    """Cancel has no time to lose."""
    result = site.play("deployment_cancel", 1, deployment_id="canceled")

    assert (1, 0) == (result["sessions"], result["counts"]["failed"]), result["output"]


def test_a_damaged_archive_fails_as_artifact(site):
    """What came is not what was promised: nothing is unpacked."""
    archive, _, _ = site.package(4.0)
    digest = "0" * 64
    result = site.play("deployment_launch", 1, (archive, "1" * 64, digest), deployment_id="damaged")

    assert '"cause": "artifact"' in result["output"]
    assert not Path(Layout.at(str(site.base_dir)).package(digest)).exists()
