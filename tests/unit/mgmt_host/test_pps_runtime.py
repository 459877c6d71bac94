"""Runtime `pps` with a fake engine and a look-alike of its server: one model in a container, and many in one."""

from __future__ import annotations

import http.client
import json
import os
import signal
from pathlib import Path

import pytest
from mgmt_host.machine import durable_files, http_probe, ports
from mgmt_host.proving import gates
from mgmt_host.running import sharing, slots
from mgmt_host.servers import forwarding

from tests.unit.mgmt_host.fake_docker import IDS, PPS
from tests.unit.mgmt_host.served_packages import act, pack

RECORDS = [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}]


def rows(factor):
    """Return the smoke answer of a model: the rows of the documented answer, of which it may say more."""
    return {"data": [{"rowId": place, "prediction": factor * sum(row.values())} for place, row in enumerate(RECORDS)]}


def package(folder, factor, multi=False, **changes):
    """Return a package of a model in the look-alike's own format."""
    manifest = {
        "schema": 1,
        "runtime": "pps",
        "model": "model.mlpkg",
        "serve": {"image": PPS, **({"multi_model": True} if multi else {}), **changes.pop("serve", {})},
        "smoke": {"request": RECORDS, "answer": rows(factor)},
        **changes,
    }
    return pack(folder, manifest, {"model.mlpkg": json.dumps({"factor": factor}).encode()})


def perform(host, made, generation=1, action="deployment_launch", **changes):
    """Perform an action with a package of the runtime."""
    return act(host, "pps", made, generation, action, **changes)


def ask(port, path="/predictions", body=RECORDS, kind="application/json"):
    """Return the predictions on a port, or the status where there are none."""
    answer = http_probe.ask("127.0.0.1", port, path, json.dumps(body).encode() if body else None, 60.0, kind=kind)
    return [row["prediction"] for row in answer.json()["data"]] if answer.status == 200 and body else answer.status


def test_a_package_has_the_whole_life_in_a_container_of_its_own(host, engine):
    """Its model alone lies where the documentation says."""
    first = perform(host, package(host.folder / "one", 2.0))
    port = first["identity"]["port"]
    was, ping = ask(port), ask(port, "/ping", None)
    second = perform(host, package(host.folder / "two", 3.0), 2, "deployment_replace_model")
    now = ask(port)
    stopped = host.act("deployment_stop", 3)
    ((options, image, _), *_) = engine.runs()

    assert ("changed", [6.0, 14.0], 200) == (first["outcome"], was, ping), first
    assert ("changed", [9.0, 21.0], port) == (second["outcome"], now, second["identity"]["port"]), second
    assert ("changed", {}) == (stopped["outcome"], engine.read("containers"))
    assert (IDS[1], True) == (image, options["--volume"][0].endswith("/model.mlpkg:/opt/ml/model/model.mlpkg:ro,z"))


def test_a_package_of_another_model_is_refused(host, engine):
    """By the smoke request, beside the old one."""
    old = perform(host, package(host.folder / "one", 2.0))
    wrong = package(host.folder / "two", 3.0, smoke={"request": RECORDS, "answer": rows(4.0)})
    failed = perform(host, wrong, 2, "deployment_replace_model")

    assert ("failed", "bad_prediction", True) == (failed["outcome"], failed["cause"], failed["old_model_in_use"])
    assert [6.0, 14.0] == ask(old["identity"]["port"])


def test_one_container_serves_many_deployments_and_goes_with_the_last(host, engine):
    """Each has a port of its own; launch, replacement and stop of one never touch the others."""
    one, two = (package(host.folder / f"p{factor}", factor, multi=True) for factor in (2.0, 3.0))
    first = perform(host, one)
    second = perform(host, two, deployment_id="d2")
    (container,) = engine.read("containers").values()
    replaced = perform(
        host, package(host.folder / "p5", 5.0, multi=True), 2, "deployment_replace_model", deployment_id="d2"
    )
    ports_of = [result["identity"]["port"] for result in (first, second)]
    answers = [ask(port) for port in ports_of]
    by_name = ask(ports_of[1], "/deployments/d2/predictions")
    foreign = ask(ports_of[1], "/deployments/d1/predictions")
    entered = sorted(path.name for path in Path(host.layout.path("shared")).glob("*/models/*"))
    stopped = host.act("deployment_stop", 2)
    left = (list(engine.read("containers").values()), ask(ports_of[1]))
    last = host.act("deployment_stop", 3, deployment_id="d2")

    assert ("changed", "changed", "changed") == (first["outcome"], second["outcome"], replaced["outcome"]), second
    assert ([[6.0, 14.0], [15.0, 35.0]], [15.0, 35.0], 404) == (answers, by_name, foreign)
    assert container["Id"] == first["identity"]["container_id"] == replaced["identity"]["container_id"]
    assert (["d1-a", "d2-b"], True) == (entered, first["identity"]["pid"] != second["identity"]["pid"])
    assert ("changed", [container], [15.0, 35.0]) == (stopped["outcome"], *left)
    assert ("changed", {}, None) == (last["outcome"], engine.read("containers"), ports.listener(ports_of[1]))
    assert [] == list(Path(host.layout.path("shared")).glob("*/container.json"))


def test_a_container_that_was_taken_away_is_told_and_comes_back_with_all_its_models(host, engine):
    """A look says so; a relaunch of one deployment brings those of the others, too."""
    made = package(host.folder / "one", 2.0, multi=True)
    first = perform(host, made)
    second = perform(host, package(host.folder / "two", 3.0, multi=True), deployment_id="d2")
    engine.stop_all()
    engine.write("containers", {})
    observe = [{"id": "d1", "generation": 1, "digest": made[2]}]
    seen = host.act("environment_status", 0, observe=observe)["observations"][0]
    again = perform(host, made, 2, "deployment_relaunch")

    assert ("failed", "not_ready") == (seen["outcome"], seen["cause"]), seen
    assert ("changed", [6.0, 14.0]) == (again["outcome"], ask(first["identity"]["port"])), again
    assert [9.0, 21.0] == ask(second["identity"]["port"])


def test_a_model_file_that_was_changed_in_the_shared_folder_is_wrong_model(host, engine):
    """The container may write there."""
    made = package(host.folder / "one", 2.0, multi=True)
    perform(host, made)
    (placed,) = Path(host.layout.path("shared")).glob("*/models/d1-a/model.mlpkg")
    placed.write_text(json.dumps({"factor": 9.0}))
    live = slots.find(host.own(), "a")
    with pytest.raises(gates.HostError, match="not the package's"):
        gates.prove_identity(live, remember=True)


def test_what_a_killed_run_left_in_the_shared_folder_goes_with_the_next_stop(host, engine):
    """An entry is known by its name; a slot that never started leaves one, too."""
    perform(host, package(host.folder / "one", 2.0, multi=True))
    live = slots.find(host.own(), "a")
    shared = live.config["served"]["shared"]
    sharing.enter(host.layout, dict(shared, entry="d1-b"))
    durable_files.remove_tree(host.own().slot("b"))
    os.kill(live.supervisor.pid, signal.SIGKILL)
    os.kill(live.server.pid, signal.SIGKILL)
    result = host.act("deployment_stop", 2)

    assert ("changed", {}) == (result["outcome"], engine.read("containers"))
    assert [] == list(Path(host.layout.path("shared")).glob("*/models/*"))


def test_packages_that_say_the_same_share_and_others_do_not():
    """Image, engine, variables and resources make the key."""
    container = {"engine": "docker", "image_id": IDS[0], "variables": {"A": "1"}, "resources": {}, "mounts": []}
    others = [{"engine": "podman"}, {"image_id": IDS[1]}, {"variables": {}}, {"resources": {"cpus": 1}}]

    assert sharing.key_of(container) == sharing.key_of(dict(container, mounts=["x"]))
    assert 5 == len({sharing.key_of({**container, **other}) for other in [{}, *others]})


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ({"Content-Length": "x"}, 411),
        ({}, 411),
        ({"Transfer-Encoding": "chunked"}, 411),
        ({"Content-Length": str(forwarding.LIMIT_BYTES + 1)}, 413),
        ({"Content-Length": "-1"}, 411),
    ],
)
def test_a_forwarder_takes_no_body_of_unknown_or_endless_length(host, engine, head, status):
    """It holds a whole request in memory, so it has a limit."""
    port = perform(host, package(host.folder / "one", 2.0, multi=True))["identity"]["port"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("POST", "/predictions", skip_accept_encoding=True)
    for key, value in head.items():
        connection.putheader(key, value)
    connection.endheaders()

    assert status == connection.getresponse().status
    connection.close()


@pytest.mark.parametrize(
    "path", ["/", "/deployments", "/deployments/d1", "/deployments/d1-a/info", "/info/", "/../ping", "//ping"]
)
def test_a_forwarder_opens_no_route_but_its_own(path):
    """Neither the list of others, nor an upload, nor another one's entry."""
    assert path not in forwarding.paths_of("d1-a", "d1")
