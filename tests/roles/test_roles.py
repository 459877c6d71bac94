"""Each role over SSH: check mode first, converge, verify, and a second run that changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mgmt_host.layout import Layout
from mgmt_host.machine import durable_files, http_probe, ports

from tests.unit.mgmt_host.served_packages import ROWS, times

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


def test_a_rollback_takes_the_fast_lane(site):
    """Nothing is sent that is on the host: it works although what lies beside the playbook is no archive."""
    first = site.package(2.0)
    site.play("deployment_launch", 1, first, deployment_id="back")
    site.play("deployment_replace_model", 2, site.package(3.0), deployment_id="back")
    broken = site.project / "broken"
    broken.write_bytes(b"not an archive")
    result = site.play("deployment_rollback", 3, (broken, *first[1:]), deployment_id="back")
    live = state_of(site, "back")["live"]
    site.play("deployment_stop", 4, deployment_id="back")

    assert (0, 2) == (result["counts"]["failed"], result["sessions"]), result["output"]
    assert (3, first[2]) == (live["generation"], live["digest"])


def test_a_server_of_the_packages_own_has_the_same_life(site):
    """Runtime `command`: converge twice, predict as the model does, replace, keep the old one when that fails, stop."""
    first = site.command_package(2.0)
    site.play("deployment_launch", 1, first, deployment_id="own")
    again = site.play("deployment_launch", 1, first, deployment_id="own")
    served = predict(state_of(site, "own")["identity"])
    replaced = site.play("deployment_replace_model", 2, site.command_package(3.0), deployment_id="own")
    wrong = site.command_package(4.0, smoke={"request": ROWS, "answer": times(5.0)})
    failed = site.play("deployment_replace_model", 3, wrong, deployment_id="own")
    kept = state_of(site, "own")["identity"]
    predicted = predict(kept)
    site.play("deployment_stop", 4, deployment_id="own")

    assert (0, 2, times(2.0)) == (again["counts"]["changed"], again["sessions"], served), again["output"]
    assert (0, 1) == (replaced["counts"]["failed"], failed["counts"]["failed"]), failed["output"]
    assert ('"cause": "bad_prediction"' in failed["output"], 2, times(3.0)) == (True, kept["generation"], predicted)
    assert ports.listener(kept["port"]) is None


def predict(identity):
    """Return what the model answers."""
    body = json.dumps(ROWS).encode()
    return http_probe.ask("127.0.0.1", identity["port"], "/predict", body, seconds=60.0).json()


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
    archive, *_ = site.package(4.0)
    digest = "0" * 64
    result = site.play("deployment_launch", 1, (archive, "1" * 64, digest, "onnx"), deployment_id="damaged")

    assert '"cause": "artifact"' in result["output"]
    assert not Path(Layout.at(str(site.base_dir)).package(digest)).exists()
