"""A `docker` that runs `echo_server.py` as a process in place of a container: what it is told is kept in a folder.

It knows the words that the host side says to an engine, and answers as docker 20.10 does. `FOLDER/images.json` is what it has,
`FOLDER/registry.json` what can be pulled, each name -> id.
"""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path

FOLDER = Path(sys.argv[0]).resolve().parent
SERVER = FOLDER / "echo_server.py"


def read(name):
    """Return one of its files."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def write(name, value):
    """Replace one of its files."""
    (FOLDER / f"{name}.json").write_text(json.dumps(value))


def fail(text, code=1):
    """End with a complaint."""
    sys.stderr.write(text + "\n")
    sys.exit(code)


def say(text):
    """Answer with a line."""
    sys.stdout.write(text + "\n")


def image_id(reference):
    """Return an image's id, or nothing."""
    images = read("images")
    return images.get(reference) or (reference if reference in images.values() else "")


def options_of(words):
    """Return option -> values, and what follows the options."""
    found = {}
    while words and words[0].startswith("-"):
        option = words.pop(0)
        found.setdefault(option, [])
        if option not in {"--detach", "--read-only"}:
            found[option].append(words.pop(0))
    return found, words


def server_of(image, options):
    """Return the program that stands for an image, where its model is what is mounted."""
    if not any("pps" in name for name, found in read("images").items() if found == image):
        return [SERVER]
    source, target, _ = options["--volume"][0].rsplit(":", 2)
    folder = Path(source)
    if folder.is_file():
        folder = FOLDER / f"models-{os.getpid()}"
        folder.mkdir()
        (folder / Path(target).name).symlink_to(source)
    return [FOLDER / "pps_look_alike.py", "--folder", folder]


def run(words):
    """Start a process in place of a container."""
    options, (image, *arguments) = options_of(words)
    (FOLDER / "run.log").open("a").write(json.dumps([options, image, arguments]) + "\n")
    (name,), (published,) = options["--name"], options["--publish"]
    address, port, inner = published.rsplit(":", 2)
    if not image_id(image):
        fail(f"Error: No such image: {image}", 125)
    if name in read("containers"):
        fail(f"Conflict. The container name {name} is already in use", 125)
    with socket.socket() as probe:
        if probe.connect_ex((address, int(port))) == 0:
            fail(f"Bind for {address}:{port} failed: port is already allocated.", 125)
    command = [FOLDER / "docker-proxy", "-I", "-S", *server_of(image, options), "--address", address, "--port", port]
    command += ["--factor", *arguments] if arguments else []
    with (FOLDER / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    labels = dict(one.split("=", 1) for one in options["--label"])
    write(
        "containers",
        {
            **read("containers"),
            name: {
                "Id": f"{process.pid:064x}",
                "Image": image_id(image),
                "Created": "2026-01-01T00:00:00Z",
                "RestartCount": 0,
                "Config": {"Labels": labels},
                "State": {"Pid": process.pid},
                "NetworkSettings": {"Ports": {inner: [{"HostIp": address, "HostPort": port}]}},
            },
        },
    )


def lives(pid):
    """Tell whether a process lives; a zombie does not."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def inspect(words):
    """Say what there is, as it is now."""
    containers, ends = read("containers"), read("ends")
    if words[0] not in containers:
        fail(f"Error: No such container: {words[0]}")
    found = containers[words[0]]
    pid = found["State"]["Pid"]
    alive = lives(pid)
    state = {"Status": "running", "Running": True, "Pid": pid, "ExitCode": 0, "OOMKilled": False}
    if not alive:
        state = {"Status": "exited", "Running": False, "Pid": 0, "ExitCode": 137, "OOMKilled": bool(ends.get("oom"))}
    sys.stdout.write(json.dumps([{**found, "State": state}]))


def stop(words):
    """End the process."""
    found = read("containers").get(words[-1])
    if found is None:
        fail(f"Error: No such container: {words[-1]}")
    try:
        os.killpg(found["State"]["Pid"], signal.SIGKILL)
    except ProcessLookupError:
        return
    while lives(found["State"]["Pid"]):
        time.sleep(0.01)


def remove(words):
    """End and forget."""
    containers = read("containers")
    if words[-1] in containers:
        stop(words)
        write("containers", {name: one for name, one in containers.items() if name != words[-1]})


def image(words):
    """Say which image a name means."""
    found = image_id(words[-1])
    if not found:
        fail(f"Error: No such image: {words[-1]}")
    sys.stdout.write(json.dumps([{"Id": found}]))


def pull(words):
    """Take one from the registry."""
    registry = read("registry")
    if words[-1] not in registry:
        fail(f"Error response from daemon: manifest for {words[-1]} not found: manifest unknown")
    write("images", {**read("images"), words[-1]: registry[words[-1]]})


def load(_):
    """Take one from a tar, under the name that the tar says."""
    with tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read())) as tar:
        (said,) = json.load(tar.extractfile("manifest.json"))
    write("images", {**read("images"), said["RepoTags"][0]: "sha256:" + said["Config"].partition(".")[0]})


def remove_image(words):
    """Forget a name, or an id with all of its names."""
    if any(one["Image"] == image_id(words[-1]) for one in read("containers").values()):
        fail("Error response from daemon: conflict: image is being used by running container")
    write("images", {name: one for name, one in read("images").items() if words[-1] not in {name, one}})


def logs(words):
    """Say what the process said."""
    sys.stdout.write((FOLDER / f"{words[-1]}.log").read_text())


VERBS = {
    "run": run,
    "stop": stop,
    "rm": remove,
    "pull": pull,
    "load": load,
    "rmi": remove_image,
    "logs": logs,
    "image": lambda words: image(words[1:]),
    "container": lambda words: inspect(words[1:]),
    "version": lambda _: fail("Cannot connect to the Docker daemon") if (FOLDER / "down").exists() else say("20.10"),
    "--version": lambda _: say("podman version 4" if (FOLDER / "emulated").exists() else "Docker version 20.10"),
}

VERBS[sys.argv[1]](sys.argv[2:])
