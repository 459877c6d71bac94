"""One container for many deployments: the multi-model mode of the portable prediction server.

```
 shared/<key>/lock            held while anything of this folder changes; never removed
 shared/<key>/container.json  {port}: on loopback
 shared/<key>/models/         mounted into the container
   <deployment>-<slot>/       an entry: the package's model file and config.yml
```
The key is of image, engine, variables and resources: packages that say the same share a container. Who enters first starts it, who
leaves last removes it, and every slot has an entry of its own, so that nothing of one deployment touches another. Whose
entry it is says its name alone: what a killed run left is found by whoever stops that slot next.
"""

from __future__ import annotations

import filecmp
import hashlib
import http.client
import json
import os
import shutil
import time
from typing import Any

from ..failures import HostError, evidence
from ..layout import Layout
from ..machine import durable_files, http_probe, ports
from . import boot_units, container_commands, engines
from .engines import Engine

LOOPBACK = "127.0.0.1"
_LABEL = container_commands.LABEL + "shared"
_SECONDS = 300.0
_ANSWER_SECONDS = 600.0
_LEAVE_SECONDS = 10.0
_STOP_SECONDS = 10
_UP_SECONDS = 60.0
_POLL_SECONDS = 0.1


def entry_of(deployment_id: str, slot: str) -> str:
    """Return the name of a slot's entry."""
    return "{}-{}".format(deployment_id, slot)


def key_of(shared: dict[str, Any]) -> str:
    """Return the key of the container that serves such packages."""
    said = [shared[name] for name in ("engine", "image_id", "variables", "resources")]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def describe(layout: Layout, container: dict[str, Any], facts: dict[str, str], model: str) -> dict[str, Any]:
    """Return what a slot's configuration says of the container that it shares.

    Args:
        layout: Where.
        container: As `container_serving.resolve` returns it for a container of its own.
        facts: `deployment_id`, `port` and `slot`.
        model: Path of the model's file.
    """
    key = key_of(container)
    return dict(
        container,
        key=key,
        entry=entry_of(facts["deployment_id"], facts["slot"]),
        deployment_id=facts["deployment_id"],
        package_file=model,
        mounts=[[_models(layout, key), os.path.dirname(container["mounts"][0][1]), "rw"]],
        inner_port=find_port(layout, key, {int(facts["port"])}),
    )


def find_port(layout: Layout, key: str, avoid: set[int]) -> int:
    """Return the loopback port of a shared container, chosen once for as long as it has entries.

    Args:
        layout: Where.
        key: Of the container.
        avoid: Ports that are spoken for, though nobody listens there yet.
    """
    with _locked(layout, key):
        said = _read(layout, key)
        if not isinstance(said.get("port"), int):
            said = {"port": ports.choose(layout, key, LOOPBACK, avoid)}
            durable_files.write_json(layout.path("shared", key, "container.json"), said)
        return int(said["port"])


def enter(layout: Layout, shared: dict[str, Any]) -> None:
    """Put a slot's model where the shared container finds it, and see to it that the container runs; does not wait for it.

    Args:
        layout: Where.
        shared: `key, entry, deployment_id, package_file` and what `container_commands.run_words` takes.

    Raises:
        HostError: The container cannot be started.
    """
    key, engine = shared["key"], engines.require(shared["engine"])
    with _locked(layout, key) as lock:
        _keep_port(layout, shared)
        _remove_entry(layout, key, shared["entry"])
        _place(layout, shared)
        found = engine.inspect(_name(layout, key))
        if found is None or not found["State"].get("Running"):
            _start(layout, shared, engine, lock)
        else:
            _announce(shared)


def leave(layout: Layout, entry: str) -> bool:
    """Take a slot's entries away, wherever they are; the container goes with the last one. Return whether there was one.

    Raises:
        HostError: The engine does not let the container go.
    """
    folder = layout.path("shared")
    keys = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    mine = [key for key in keys if os.path.isdir(_models(layout, key, entry)) or _is_idle(layout, key)]
    for key in mine:
        with _locked(layout, key):
            _remove_entry(layout, key, entry)
            if _is_idle(layout, key):
                _remove_container(layout, key)
    return bool(mine)


def prove(layout: Layout, shared: dict[str, Any], thorough: bool) -> dict[str, str]:
    """Check that the shared container is the one of its key, and has the slot's model file as it is in the package.

    Args:
        layout: Where.
        shared: As `enter` takes it.
        thorough: Compare the file's content, not its size alone.

    Returns:
        `container_id` and `image_id`.

    Raises:
        HostError: `not_ready`: it is gone; `wrong_model`: it, or the file, is another one.
    """
    found = engines.require(shared["engine"]).inspect(_name(layout, shared["key"]))
    if found is None or not found["State"].get("Running"):
        raise HostError("not_ready", "the shared container does not run", log_evidence(layout, shared))
    image_id = "sha256:" + str(found["Image"]).rpartition(":")[2]
    labels = (found.get("Config") or {}).get("Labels") or {}
    if image_id != shared["image_id"] or labels.get(_LABEL) != shared["key"]:
        shown = evidence("container", "image {}, labels {}".format(image_id, labels))
        raise HostError("wrong_model", "the shared container is not the one of this image", [shown])
    placed = os.path.join(_models(layout, shared["key"], shared["entry"]), os.path.basename(shared["package_file"]))
    same = os.path.isfile(placed) and os.path.getsize(placed) == os.path.getsize(shared["package_file"])
    if not same or (thorough and not filecmp.cmp(placed, shared["package_file"], shallow=False)):
        raise HostError(
            "wrong_model", "the shared container's model file is not the package's", [evidence("file", placed)]
        )
    return {"container_id": str(found["Id"]), "image_id": image_id}


def log_evidence(layout: Layout, shared: dict[str, Any]) -> list[dict[str, str]]:
    """Return the end of the shared container's log as proof."""
    done = engines.require(shared["engine"]).try_to("logs", "--tail", "100", _name(layout, shared["key"]))
    return [evidence("log_tail", (done.text + done.complaint)[-8000:])] if done.code == 0 else []


def _keep_port(layout: Layout, shared: dict[str, Any]) -> None:
    """Who left last meanwhile has let the port go; who came since may have another one."""
    port = _read(layout, shared["key"]).get("port")
    if port is None:
        value = {"port": shared["inner_port"]}
        durable_files.write_json(layout.path("shared", shared["key"], "container.json"), value)
    elif port != shared["inner_port"]:
        raise HostError("port_in_use", "the shared container has got another port meanwhile; do it again")


def _start(layout: Layout, shared: dict[str, Any], engine: Engine, lock: int) -> None:
    key, name = shared["key"], _name(layout, shared["key"])
    engine.try_to("rm", "--force", "--volumes", name)
    words = container_commands.words(
        engine.name,
        name,
        {_LABEL: key},
        (LOOPBACK, int(shared["inner_port"])),
        dict(shared, stop_seconds=_STOP_SECONDS),
    )
    done = engine.try_to(*words, lock=lock)
    if done.code != 0:
        engine.try_to("rm", "--force", "--volumes", name)
        raise engine.refused("run", done)
    if engine.name == "podman":
        boot_units.enable(name, engine.program, _STOP_SECONDS, at_boot=True)


def _place(layout: Layout, shared: dict[str, Any]) -> None:
    """Copy, never link: the container may write here, and the package is others' too."""
    models, draft = _models(layout, shared["key"]), layout.path("shared", shared["key"], "draft")
    durable_files.remove_tree(draft)  # of a killed run: we have the lock
    os.mkdir(draft)
    for folder in (models, draft):
        os.chmod(folder, 0o777)  # noqa: S103 - the container's account is nobody here, and the base directory is 0700
    target = os.path.join(draft, os.path.basename(shared["package_file"]))
    shutil.copyfile(shared["package_file"], target)
    os.chmod(target, 0o644)
    about = os.path.join(draft, "config.yml")
    durable_files.write_text(about, "deployment_id: {}\n".format(shared["deployment_id"]), 0o644)
    os.chmod(about, 0o644)
    os.rename(draft, _models(layout, shared["key"], shared["entry"]))


def _announce(shared: dict[str, Any]) -> None:
    """Upload the model to a server that runs already, unless it notices by itself; whether it is ready is a gate's to say."""
    port = int(shared["inner_port"])
    deadline = time.monotonic() + _UP_SECONDS
    while http_probe.ask(LOOPBACK, port, "/ping") is None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    answer = http_probe.ask(LOOPBACK, port, "/deployments/{}/info".format(shared["entry"]))
    if answer is not None and answer.status == http_probe.OK:
        return
    with open(shared["package_file"], "rb") as stream:
        _request("POST", port, shared["entry"], stream)


def _request(method: str, port: int, entry: str, body: Any = None) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_ANSWER_SECONDS if body else _LEAVE_SECONDS)
    try:
        length = {"Content-Length": str(os.fstat(body.fileno()).st_size)} if body else {}
        connection.request(
            method, "/deployments/" + entry, body, dict(length, **{"Content-Type": "application/octet-stream"})
        )
        connection.getresponse().read(1 << 16)
    except (OSError, http.client.HTTPException):
        return  # a server that is down loads what lies in its folder when it comes up
    finally:
        connection.close()


def _remove_entry(layout: Layout, key: str, entry: str) -> None:
    models = _models(layout, key)
    for name in os.listdir(models):
        if name == entry:
            _request("DELETE", int(_read(layout, key).get("port") or 0), entry)
            durable_files.remove_tree(os.path.join(models, name))


def _remove_container(layout: Layout, key: str) -> None:
    name = _name(layout, key)
    noted = boot_units.disable(name)
    for engine in [engines.require(one) for one in engines.NAMES if shutil.which(one)]:
        found = engine.inspect(name)
        if found is None or ((found.get("Config") or {}).get("Labels") or {}).get(_LABEL) != key:
            continue
        engine.try_to("stop", "--time", str(_STOP_SECONDS), name, seconds=_SECONDS)
        done = engine.try_to("rm", "--force", "--volumes", name)
        if done.code != 0 and engine.inspect(name) is not None:
            raise engine.refused("rm", done)
    if noted:
        boot_units.end(name)
    if os.path.exists(layout.path("shared", key, "container.json")):
        os.unlink(layout.path("shared", key, "container.json"))


def _is_idle(layout: Layout, key: str) -> bool:
    """Tell whether a container is there, or was begun, that nobody uses."""
    begun = os.path.exists(layout.path("shared", key, "container.json"))
    return begun and not os.listdir(_models(layout, key))


def _read(layout: Layout, key: str) -> dict[str, Any]:
    return durable_files.read_json(layout.path("shared", key, "container.json")) or {}


def _locked(layout: Layout, key: str) -> Any:
    os.makedirs(_models(layout, key), exist_ok=True)
    return durable_files.locked(layout.path("shared", key, "lock"), _SECONDS)


def _models(layout: Layout, key: str, *entry: str) -> str:
    return layout.path("shared", key, "models", *entry)


def _name(layout: Layout, key: str) -> str:
    return "mgmt-ansible-{}-shared-{}".format(hashlib.sha256(layout.base_dir.encode()).hexdigest()[:8], key)
