"""Contract: the host and the control plane judge what a manifest says about its server alike."""

from __future__ import annotations

import json

import pytest
from mgmt_host.content import container_serving, runtimes, serving
from mgmt_host.failures import HostError

from mgmt_ansible import errors
from mgmt_ansible.archives import build_package
from mgmt_ansible.archives.container_serving import CAPABILITIES
from mgmt_ansible.archives.container_serving import PLACEHOLDERS as CONTAINER_PLACEHOLDERS
from mgmt_ansible.archives.serving import PLACEHOLDERS

FINE = {"start": ["python3", "{package}/server.py", "{port}"], "health_path": "/health"}
DROP = "no such key"
"""In place of a value: the key is not there."""

START = [
    "python3 server.py",
    [],
    {},
    None,
    DROP,
    [""],
    [1],
    [["python3"]],
    ["python3", None],
    ["python3", "a\0b"],
    ["python3", "\ud800"],
    ["python3", "x" * 4097],
    ["python3"] * 257,
    ["python3", "{host}"],
    ["python3", "${HOME}"],
    ["python3", "{port.__class__}{label}"],
    ["/bin/sh", "-c", "true"],
    ["./server.py"],
    ["bin/run"],
    ["../../bin/sh"],
    ["-c"],
    ["sh -c true"],
    ["{port}"],
    ["{package}"],
    ["{package}/"],
    ["{package}/server.py"],
    ["{package}/absent"],
    ["{package}/../../evil"],
    ["{package}/bin/../../../evil"],
    ["python3", "{package}/../server.py"],
    ["python3", "--path={package}/a/.."],
    ["python3", "{package}-other/server.py"],
]
PATHS = [
    "health",
    "",
    " /health",
    "/a b",
    "/a\r\nX: y",
    "/a\n",
    "/\u00e9",
    "/a#b",
    "/{port}",
    "/{",
    "http://h/",
    1,
    None,
    ["/h"],
]
WRONG = [
    *({**FINE, "start": start} for start in START),
    *({**FINE, "health_path": path} for path in PATHS),
    {"start": FINE["start"]},
    *({**FINE, "predict_path": path} for path in PATHS if path),
    *({**FINE, "metrics_path": path} for path in PATHS if path),
    *(
        {**FINE, "requirements": path}
        for path in ("", "absent.txt", "../x", "/etc/passwd", "a\0", 1, None, ["a"], "bin")
    ),
    {**FINE, "shell": True},
    {**FINE, "environment": {"LD_PRELOAD": "x"}},
    None,
    [],
    "python3",
    DROP,
]
RIGHT = [
    FINE,
    {**FINE, "start": ["{package}/bin/run", "--port={port}", "{address}:{port}", "{deployment_id}", "{generation}"]},
    {**FINE, "start": ["{python}", "-m", "http.server"]},
    {**FINE, "start": ["java", "-cp", "{package}/a.jar:{package}/lib/b.jar", "-Dx={}", "{1}", "a..b", "", "\u00e9"]},
    {**FINE, "health_path": "/deployments/{deployment_id}/info?full=1&x=%20", "predict_path": "", "metrics_path": "/m"},
    {**FINE, "requirements": "needs.txt"},
]

RIGHT_NEEDS = [
    {"resources": {}},
    {"resources": {"memory_bytes": 1 << 30, "cpus": 0.5, "gpus": ["0", "1"], "open_files": 4096}},
    {"variables": {"MODEL_THREADS": "4", "EMPTY": "", "_x": "{port} $HOME\n\u00e9"}},
    {"secrets": ["API_KEY", "_db"]},
]
WRONG_NEEDS = [
    *({"resources": value} for value in (None, [], "1G", {"memory": 1})),
    *({"resources": {"memory_bytes": value}} for value in (0, -1, 1.5, "1G", True, None, 1 << 60, [1])),
    *({"resources": {"cpus": value}} for value in (0, -1, "2", True, None, 1e9, [2])),
    *({"resources": {"gpus": value}} for value in ("0", 0, None, [0], [""], ["/dev/sda"], ["0,1"], ["-1"], ["all\n"])),
    *({"resources": {"open_files": value}} for value in (0, "64", 1e3, 1 << 40)),
    *({"variables": value} for value in (None, [], ["A=1"], "A=1", {"A": 1}, {"A": None}, {"A": ["x"]}, {"A": "\0"})),
    *(
        {"variables": {name: "x"}}
        for name in ("", "1A", "A B", "A=B", "A\n", "\u00e9", "PATH", "HOME", "MGMT_ANSIBLE_SLOT")
    ),
    {"variables": {"A": "x" * 4097}},
    {"variables": {"A": "\ud800"}},
    {"variables": {f"A{count}": "" for count in range(257)}},
    *(
        {"secrets": value}
        for value in (None, {}, "KEY", [1], [None], [["A"]], [""], ["A B"], ["../A"], ["A\n"], ["A", "A"])
    ),
    {"secrets": [f"A{count}" for count in range(65)]},
    {"secrets": ["KEY"], "variables": {"KEY_FILE": "/etc/shadow"}},
]

OTHERS = [
    *((True, "command", {**FINE, **asked}) for asked in RIGHT_NEEDS),
    *((False, "command", {**FINE, **asked}) for asked in WRONG_NEEDS),
    (True, "onnx", {"resources": {"memory_bytes": 1 << 30}}),
    (True, "onnx", DROP),
    (False, "onnx", {"resources": {"memory_bytes": 1}}),
    (False, "onnx", {"variables": {"LD_PRELOAD": "x"}}),
    (False, "onnx", {"secrets": ["KEY"]}),
    (False, "onnx", {"start": ["sh"]}),
    (False, "onnx", []),
    (True, "scoring_code", {"health_path": "/health"}),
    (
        True,
        "scoring_code",
        {"health_path": "/health", "arguments": ["--port={port}", "-x", "/abs"], "predict_path": "/s"},
    ),
    (False, "scoring_code", {"health_path": "/health", "start": ["java"]}),
    (False, "scoring_code", {"health_path": "/health", "arguments": "--port {port}"}),
    (False, "scoring_code", {"health_path": "/health", "arguments": ["{model}"]}),
    (False, "scoring_code", {"health_path": "/health", "arguments": ["{package}/../x"]}),
    (False, "scoring_code", {"health_path": "/health", "arguments": ["\0"]}),
    (False, "scoring_code", {}),
    (True, "drum", {"target_type": "regression", "arguments": ["--max-workers", "2"]}),
    (False, "drum", {}),
    (False, "drum", {"target_type": "--docker"}),
    (False, "drum", {"target_type": "regression\n"}),
    (False, "drum", {"target_type": ["regression"]}),
    (False, "drum", {"target_type": "regression", "health_path": "/other"}),
    (False, "drum", {"target_type": "regression", "arguments": "--verbose"}),
    (False, "mlflow", {}),  # its model is no MLmodel
    (False, "mlflow", {"health_path": "/other"}),
    (False, "mlflow", {"start": ["sh"]}),
    (False, "mlflow", {"requirements": "../x"}),
    (False, "scoring_code", DROP),
]

IN_CONTAINER = {"image": "registry.example:5000/team/model:1.2", "port": 8080, "health_path": "/health"}
_SHA = "sha256:" + "a" * 64
CONTAINERS = [
    *(
        (True, {**IN_CONTAINER, **changes})
        for changes in (
            {},
            {"image": "model@" + _SHA},
            {"image": "h/model:1@" + _SHA, "predict_path": "", "metrics_path": "/m"},
            {"image": DROP, "image_tar": "needs.txt"},
            {"port": 65_535},
            {"arguments": ["--model={package}/server.py", "--port", "{port}", "{address}", "{deployment_id}", ""]},
            {"variables": {"MODEL": "{package}/server.py", "A_1": "", "B": "x=y {1}"}},
            {"resources": {"memory_bytes": 1 << 30, "cpus": 0.5, "gpus": ["0", "GPU-1a"], "open_files": 1024}},
            {"resources": {}, "read_only": True, "capabilities": ["CHOWN", "SETUID"]},
        )
    ),
    *(
        (False, {**IN_CONTAINER, **changes})
        for changes in (
            *(
                {"image": image}
                for image in (
                    *(
                        DROP,
                        "",
                        "model",
                        "model:latest",
                        "h:5000/model",
                        "model:",
                        ":1",
                        "-v/:/h:1",
                        "-v/x:1",
                        "--privileged",
                    ),
                    *("Model:1", "model:1 --privileged", "model:1\n", "model:1\0", "a//b:1", "../model:1", "/model:1"),
                    *("http://h/model:1", "model@sha256:" + "a" * 63, "model@md5:" + "a" * 32, "m:" + "1" * 129),
                    *("model:{generation}", "m" * 600 + ":1", 1, None, ["model:1"], {"name": "model:1"}),
                )
            ),
            *(
                {"image": DROP, "image_tar": path}
                for path in ("", "absent.tar", "../x", "/etc/passwd", "needs.txt\0", 1, None, ["needs.txt"], "bin")
            ),
            {"image_tar": "needs.txt"},
            *({"port": port} for port in (DROP, 0, -1, 65_536, "8080", "8080/udp", 80.5, True, None, [8080])),
            *(
                {"arguments": words}
                for words in ("--x", [1], ["{python}"], ["{model}"], ["a\0"], ["{package}/../x"], None, ["x"] * 257)
            ),
            *(
                {"variables": value}
                for value in (
                    *(
                        [],
                        None,
                        "A=1",
                        {"": "x"},
                        {"A=B": "x"},
                        {"A B": "x"},
                        {"1A": "x"},
                        {"A\n": "x"},
                        {"\u00e4": "x"},
                    ),
                    *({"A": 1}, {"A": None}, {"A": "\0"}, {"A": "\ud800"}, {"A": "x" * 4097}, {"A": "{python}"}),
                    {f"A{number}": "" for number in range(257)},
                )
            ),
            *(
                {"resources": value}
                for value in (
                    *(None, [], {"memory": 1}, {"memory_bytes": "1g"}, {"memory_bytes": 1024}, {"memory_bytes": True}),
                    *({"memory_bytes": 1e9}, {"memory_bytes": 1 << 60}, {"cpus": 0}, {"cpus": "2"}, {"cpus": True}),
                    *({"cpus": -1}, {"open_files": 0}),
                    *({"open_files": 1024.0}, {"gpus": "all"}, {"gpus": []}, {"gpus": [0]}, {"gpus": ["0,1"]}),
                    *({"gpus": ["0\n"]}, {"gpus": ["-1"]}, {"gpus": ["x"] * 65}, {"gpus": ["0 --privileged"]}),
                )
            ),
            *({"read_only": value} for value in (1, "true", None, [])),
            *(
                {"capabilities": value}
                for value in (
                    "ALL",
                    ["ALL"],
                    ["SYS_ADMIN"],
                    ["NET_RAW"],
                    ["chown"],
                    [1],
                    [["CHOWN"]],
                    None,
                    {"CHOWN": 1},
                )
            ),
            *({"health_path": path} for path in ("", DROP, "/{port}", "health")),
            {"privileged": True},
            {"volumes": ["/:/host"]},
            {"user": "0"},
            {"requirements": "needs.txt"},
        )
    ),
]

PPS = [
    (True, {"image": "pps:1"}),
    (True, {"image_tar": "needs.txt", "variables": {"WORKERS": "2"}, "resources": {"cpus": 2}, "multi_model": True}),
    (False, {}),
    (False, DROP),
    (False, {"image": "pps:latest"}),
    (True, {"image": "pps:1", "secrets": ["TOKEN"]}),
    (False, {"image": "pps:1", "secrets": ["TOKEN"], "multi_model": True}),
    *((False, {"image": "pps:1", "multi_model": value}) for value in (1, "true", None, [])),
    *((False, {"image": "pps:1", key: value}) for key, value in (("port", 80), ("arguments", []), ("read_only", True))),
    *((False, {"image": "pps:1", key: "/x"}) for key in ("health_path", "predict_path")),
]


def judge_both(tmp_path, serve, runtime="command"):
    """Return whether the control plane takes a package with that `serve`, and whether the host does."""
    folder = tmp_path / "package"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "run").write_bytes(b"#!/bin/sh\n")
    (folder / "bin" / "run").chmod(0o755)
    (folder / "server.py").write_bytes(b"")
    (folder / "needs.txt").write_bytes(b"numpy\n")
    value = {key: one for key, one in serve.items() if one != DROP} if isinstance(serve, dict) else serve
    manifest = {"schema": 1, "runtime": runtime, "model": "server.py", "serve": value}
    if serve == DROP:
        del manifest["serve"]
    (folder / "model-package.json").write_text(json.dumps(manifest))
    return _control_plane(folder, tmp_path), _host(folder, runtime)


def _control_plane(folder, tmp_path):
    try:
        build_package(folder, tmp_path / "package.tar.gz")
    except errors.ArchiveError as error:
        return not str(error).startswith(("model-package.json: serve", "model-package.json: model"))
    return True


def _host(folder, runtime):
    try:
        serving.read(str(folder), runtimes.require(runtime))
    except HostError as error:
        return not error.message.startswith(("the package's serve", "the package's model")) or error.cause != "artifact"
    return True


@pytest.mark.parametrize("serve", WRONG, ids=range(len(WRONG)))
def test_both_refuse_what_could_be_anything_else_than_the_packages_own_command(tmp_path, serve):
    """Each error names the field."""
    assert (False, False) == judge_both(tmp_path, serve)


@pytest.mark.parametrize("serve", RIGHT, ids=range(len(RIGHT)))
def test_both_take_what_is_fine(tmp_path, serve):
    """Braces that are no placeholder stay as they are."""
    assert (True, True) == judge_both(tmp_path, serve)


@pytest.mark.parametrize(("fine", "runtime", "serve"), OTHERS, ids=range(len(OTHERS)))
def test_both_judge_the_other_runtimes_alike(tmp_path, fine, runtime, serve):
    """Each has keys of its own, and arguments by the same rules."""
    assert (fine, fine) == judge_both(tmp_path, serve, runtime)


@pytest.mark.parametrize(("fine", "serve"), CONTAINERS, ids=range(len(CONTAINERS)))
def test_both_judge_containers_alike(tmp_path, fine, serve):
    """An image by a name that stays, or carried; nothing by which a container gets more of its host."""
    assert (fine, fine) == judge_both(tmp_path, serve, "container")


@pytest.mark.parametrize(("fine", "serve"), PPS, ids=range(len(PPS)))
def test_both_judge_portable_prediction_servers_alike(tmp_path, fine, serve):
    """Its routes, port and folder are its own."""
    assert (fine, fine) == judge_both(tmp_path, serve, "pps")


def test_the_placeholders_are_one_closed_list():
    """What one fills in, the other knows."""
    assert serving.PLACEHOLDERS == PLACEHOLDERS
    assert container_serving.PLACEHOLDERS == CONTAINER_PLACEHOLDERS
    assert container_serving.CAPABILITIES == CAPABILITIES
