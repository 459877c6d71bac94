"""Contract: the host and the control plane judge what a manifest says about its server alike."""

from __future__ import annotations

import json

import pytest
from mgmt_host import runtimes, serving
from mgmt_host.failures import HostError

from mgmt_ansible import errors
from mgmt_ansible.archives import build_package
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

OTHERS = [
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


def test_the_placeholders_are_one_closed_list():
    """What one fills in, the other knows."""
    assert serving.PLACEHOLDERS == PLACEHOLDERS
