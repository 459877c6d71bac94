"""Runtime `container` with an engine of the tests' own: the whole life of a deployment, and what becomes of images.

Real engines have the same life in `tests/testbed/test_container_models.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mgmt_host.content import images, runtimes
from mgmt_host.failures import HostError
from mgmt_host.machine import durable_files, ports
from mgmt_host.running import container_carrier, slots

from tests.unit.mgmt_host.fake_docker import IDS, NAME
from tests.unit.mgmt_host.served_packages import ROWS, act, pack, predict, times
from tests.unit.mgmt_host.test_image_archives import docker as docker_save
from tests.unit.mgmt_host.test_image_archives import write as write_tar


def package(folder, factor, files=None, smoke=None, **serve):
    """Return a package whose container multiplies."""
    said = {"image": NAME, "port": 8080, "arguments": [str(factor)], "health_path": "/health", **serve}
    manifest = {
        "schema": 1,
        "runtime": "container",
        "model": "model.txt",
        "serve": {**{key: value for key, value in said.items() if value is not None}, "predict_path": "/predict"},
        "smoke": smoke or {"request": ROWS, "answer": times(factor)},
    }
    return pack(folder, manifest, {"model.txt": b"m", **(files or {})})


def launch(host, made, generation=1, action="deployment_launch", **changes):
    """Perform an action with a package of the runtime."""
    return act(host, "container", made, generation, action, **changes)


def test_a_container_is_launched_replaced_and_stopped(host, engine):
    """The predictions are the model's own, the port stays, and no container is left; image and container are told."""
    first = launch(host, package(host.folder / "one", 2.0))
    was = predict(first["identity"])
    again = launch(host, package(host.folder / "same", 2.0))
    second = launch(host, package(host.folder / "two", 3.0), 2, "deployment_replace_model")
    now = predict(second["identity"])
    stopped = host.act("deployment_stop", 3)

    assert ("changed", times(2.0), IDS[0]) == (first["outcome"], was, first["identity"]["image_id"]), first
    assert ("ok", first["identity"]) == (again["outcome"], again["identity"]), again
    assert ("changed", times(3.0), first["identity"]["port"]) == (second["outcome"], now, second["identity"]["port"])
    assert ("changed", {}) == (stopped["outcome"], engine.read("containers"))
    assert ports.listener(first["identity"]["port"]) is None


def test_a_container_gets_no_more_of_its_host_than_it_needs(host, engine):
    """No capability but those it names, no way to more, a log with an end, one address, its package read-only."""
    made = package(
        host.folder / "one",
        2.0,
        variables={"MODEL": "{package}/model.txt", "ID": "{deployment_id}"},
        resources={"memory_bytes": 1 << 26, "cpus": 0.5, "open_files": 512, "gpus": ["0", "1"]},
        read_only=True,
        capabilities=["SETUID"],
    )
    result = launch(host, made)
    ((options, image, arguments),) = engine.runs()
    port = result["identity"]["port"]

    assert (IDS[0], ["2.0"]) == (image, arguments)
    assert (["ALL"], ["SETUID"], ["no-new-privileges"]) == tuple(
        options[key] for key in ("--cap-drop", "--cap-add", "--security-opt")
    )
    assert [f"127.0.0.1:{port}:8080/tcp"] == options["--publish"]
    assert [f"{host.layout.package(made[2])}:/opt/mgmt-ansible/package:ro,z"] == options["--volume"]
    assert ["ID=d1", "MODEL=/opt/mgmt-ansible/package/model.txt"] == options["--env"]
    assert (["67108864"], ["67108864"], ["0.5"]) == tuple(
        options[key] for key in ("--memory", "--memory-swap", "--cpus")
    )
    assert (["nofile=512:512"], ['"device=0,1"']) == (options["--ulimit"], options["--gpus"])
    assert (["max-size=10485760", "max-file=2"], ["unless-stopped"]) == (options["--log-opt"], options["--restart"])
    assert "--read-only" in options
    assert "--privileged" not in options


def test_a_container_sees_its_secrets_read_only(host, engine):
    """By path; what is in them is on no command line."""
    key = host.folder / "key"
    key.write_text("correct-horse-battery-staple")
    made = package(host.folder / "one", 2.0, secrets=["API_KEY"])
    launch(host, made, secret_files=[{"name": "API_KEY", "path": str(key)}])
    ((options, _, _),) = engine.runs()

    assert ["API_KEY_FILE=/opt/mgmt-ansible/secrets/API_KEY"] == options["--env"]
    assert f"{key}:/opt/mgmt-ansible/secrets/API_KEY:ro,z" in options["--volume"]
    assert "correct-horse" not in str(options)


def test_a_model_that_predicts_otherwise_leaves_the_old_one(host, engine):
    """The old container never stopped."""
    old = launch(host, package(host.folder / "one", 2.0))
    wrong = package(host.folder / "two", 3.0, smoke={"request": ROWS, "answer": times(4.0)})
    failed = launch(host, wrong, 2, "deployment_replace_model")

    assert ("failed", "bad_prediction", True) == (failed["outcome"], failed["cause"], failed["old_model_in_use"])
    assert (old["identity"]["pid"], times(2.0)) == (failed["identity"]["pid"], predict(old["identity"]))
    assert 1 == len(engine.read("containers"))


def test_a_container_that_ends_shows_its_log(host, engine):
    """Its last words are the evidence, and no container is left."""
    result = launch(host, package(host.folder / "one", 2.0, arguments=["no number"]))

    assert ("failed", "not_ready") == (result["outcome"], result["cause"])
    assert "invalid float value" in result["evidence"][1]["text"]
    assert {} == engine.read("containers")


def test_a_container_that_the_kernel_killed_is_out_of_memory(host, engine):
    """The engine says so."""
    engine.write("ends", {"oom": True})
    result = launch(host, package(host.folder / "one", 2.0, arguments=["no number"]))

    assert ("failed", "oom_killed") == (result["outcome"], result["cause"])
    assert "docker says OOMKilled" in result["evidence"][0]["text"]


def test_another_container_of_that_name_is_wrong_model(host, engine):
    """Its labels are not those of this start."""
    made = package(host.folder / "one", 2.0)
    launch(host, made)
    found = engine.read("containers")
    for one in found.values():
        one["Config"]["Labels"]["mgmt-ansible.generation"] = "7"
    engine.write("containers", found)
    observe = [{"id": "d1", "generation": 1, "digest": made[2]}]
    seen = host.act("environment_status", 0, observe=observe)["observations"][0]

    kinds = [one["kind"] for one in seen["evidence"]][:1]
    assert ("failed", "wrong_model", ["container"]) == (seen["outcome"], seen["cause"], kinds), seen


def test_what_a_killed_run_started_is_found_by_its_name(host, engine):
    """Whatever the slot's files say; a stop leaves nothing."""
    launch(host, package(host.folder / "one", 2.0))
    slot = slots.find(host.own(), "a")
    slot.configure(dict(slot.config, nonce="another start's"))
    seen = slot.carried
    host.act("deployment_stop", 2)

    assert (False, True, None) == (seen.known, seen.running, seen.server)
    assert {} == engine.read("containers")


def test_no_engine_is_a_dependency_and_touches_nothing(host, engine):
    """Told before anything is unpacked, with what each engine said; a docker that is podman by another name is none."""
    made = package(host.folder / "one", 2.0)
    (engine.folder / "down").touch()
    down = host.bring(made, runtime="container")
    (engine.folder / "emulated").touch()
    emulated = host.bring(made, runtime="container", container_engine="docker")

    assert ("dependency", True) == (down["cause"], "Cannot connect" in down["evidence"][0]["text"]), down
    assert "podman by another name" in emulated["evidence"][0]["text"]
    assert [] == list(Path(host.layout.path("packages")).iterdir())


def test_an_image_that_cannot_be_had_is_told(host, engine):
    """In the engine's own words."""
    result = host.bring(package(host.folder / "one", 2.0, image="team/absent:1"), runtime="container")

    assert ("dependency", True) == (result["cause"], "manifest unknown" in result["message"]), result


def test_a_tag_that_moved_changes_nothing_and_is_refused_when_the_old_image_is_gone(host, engine):
    """What was resolved once is what a rollback gets."""
    made = package(host.folder / "one", 2.0)
    launch(host, made)
    engine.write("images", {NAME: IDS[1], "kept": IDS[0]})
    relaunched = launch(host, made, 2, "deployment_relaunch")
    host.act("deployment_stop", 3)
    engine.write("images", {NAME: IDS[1]})
    refused = host.bring(made, runtime="container")

    assert ("changed", IDS[0]) == (relaunched["outcome"], relaunched["identity"]["image_id"])
    assert ("artifact", "image") == (refused["cause"], refused["evidence"][0]["kind"]), refused


def test_a_carried_image_needs_no_registry(host, engine):
    """It is loaded once, under a name of ours; the name that its tar gives stays with the image that has it."""
    engine.write("images", {"postgres:16": IDS[2]})
    tar = Path(write_tar(host.folder / "image.tar", docker_save())).read_bytes()
    made = package(host.folder / "one", 2.0, {"image.tar": tar}, image=None, image_tar="image.tar")
    brought = host.bring(made, runtime="container")
    result = launch(host, made)
    again = host.bring(made, runtime="container")

    assert ["package", "image"] == [one["name"] for one in brought["steps"]]
    assert ("changed", times(2.0)) == (result["outcome"], predict(result["identity"])), result
    assert ({"changed": False, "needs": [], "steps": [], "notes": []}, IDS[2]) == (
        again,
        engine.read("images")["postgres:16"],
    )


def age(host):
    """Let images be as if they had been brought long ago."""
    for path in Path(host.layout.path("images")).glob("*.json"):
        os.utime(path, (0, 0))


def test_images_go_with_the_last_release_that_needs_them(host, engine):
    """Those that were there before us, and those that another package has, stay."""
    engine.write("registry", {f"team/echo:{number}": f"sha256:{number:064x}" for number in (1, 2, 3)})
    engine.write("images", {"team/echo:2": f"sha256:{2:064x}"})
    for generation, number in enumerate((1, 2, 3, 1), 1):
        made = package(host.folder / f"p{generation}", 2.0, {"n": b"%d" % generation}, image=f"team/echo:{number}")
        host.bring(made, runtime="container")
    release = Path(host.own().release(4))
    release.mkdir(parents=True)
    durable_files.write_json(str(release / "release.json"), {"digest": made[2]})
    age(host)

    assert ["team/echo:3"] == images.prune(host.layout)
    assert {"team/echo:2", "team/echo:1"} == set(engine.read("images"))


def test_an_image_that_was_just_brought_is_not_removed_by_another_deployments_run(host, engine):
    """Its release is not there yet."""
    made = package(host.folder / "one", 2.0)
    host.bring(made, runtime="container")
    early = images.prune(host.layout)
    age(host)
    late = images.prune(host.layout)

    assert ([], [NAME], {}) == (early, late, engine.read("images"))


def test_an_image_that_is_in_use_stays_until_it_is_not(host, engine):
    """The engine does not let it go, and the record stays."""
    launch(host, package(host.folder / "one", 2.0))
    durable_files.remove_tree(host.own().releases)
    durable_files.remove_tree(host.own().slots)
    age(host)
    held = images.prune(host.layout)
    engine.stop_all()
    engine.write("containers", {})

    assert ([], [NAME]) == (held, images.prune(host.layout))


def test_a_port_that_does_not_become_free_is_told(host, engine):
    """A container that waits for it is not started."""
    launch(host, package(host.folder / "one", 2.0))
    live, waiting = slots.find(host.own(), "a"), slots.find(host.own(), "b")
    waiting.configure({})
    slots.start(waiting, dict(live.config, bind_wait_seconds=0.1))
    waited = (waiting.carried.known, waiting.loaded, waiting.running)
    with pytest.raises(HostError, match="cannot publish the port"):
        slots.take_port(waiting)

    assert ((True, True, False), False) == (waited, waiting.running)


def test_the_row_of_containers_is_closed():
    """No runtimes but these bring an image."""
    assert [runtimes.CONTAINER, runtimes.PPS] == [row for row in runtimes.ROWS.values() if row.in_container]
    assert ("docker", "podman") == (container_carrier.DOCKER.name, container_carrier.PODMAN.name)
