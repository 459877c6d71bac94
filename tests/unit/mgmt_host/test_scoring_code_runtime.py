"""Runtime `scoring_code`: a real JAR with an HTTP server, run by the host's `java`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from mgmt_host.machine import ports

from tests.unit.mgmt_host.served_packages import act, pack, predict

ROWS = [[1.5, 2.0, -3.0], [0.1, 0.2, 0.7]]
CSV = "\n".join(",".join(map(str, row)) for row in ROWS)
SERVE = {"arguments": ["{port}", "{address}"], "health_path": "/health", "predict_path": "/score"}


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """Return a folder with the compiled server."""
    if shutil.which("javac") is None or shutil.which("jar") is None:
        pytest.skip("javac is missing: apt-get install default-jdk-headless")
    folder = tmp_path_factory.mktemp("classes")
    subprocess.run(["javac", "-d", folder, Path(__file__).with_name("Scoring.java")], check=True)
    return folder


def scores(weights):
    """Return the model's own predictions, in Python."""
    return {"predictions": [sum(weight * value for weight, value in zip(weights, row, strict=True)) for row in ROWS]}


def package(host, classes, name, weights, *, expected=None):
    """Return a package of a JAR with those weights; `expected` of its smoke request, where not the truth."""
    (classes / "model.properties").write_text("weights=" + ",".join(map(str, weights)) + "\n")
    jar = host.folder / f"{name}.jar"
    subprocess.run(["jar", "cfe", jar, "Scoring", "-C", classes, "."], check=True)
    smoke = {"request": CSV, "content_type": "text/csv", "answer": expected or scores(weights)}
    manifest = {"schema": 1, "runtime": "scoring_code", "model": "model.jar", "serve": SERVE, "smoke": smoke}
    return pack(host.folder / name, manifest, {"model.jar": jar.read_bytes()})


def test_a_jar_is_launched_replaced_and_stopped(host, classes):
    """It predicts as Python does; a second launch changes nothing; a wrong model leaves the old one; stop leaves nobody."""
    first, second = (2.0, -1.0, 0.5), (0.25, 4.0, 1.0)
    made = package(host, classes, "one", first)
    launched = act(host, "scoring_code", made)
    was = predict(launched["identity"], CSV.encode(), "text/csv")
    again = act(host, "scoring_code", made)
    replaced = act(host, "scoring_code", package(host, classes, "two", second), 2, "deployment_replace_model")
    wrong = package(host, classes, "three", first, expected=scores(second))
    failed = act(host, "scoring_code", wrong, 3, "deployment_replace_model")
    now = predict(replaced["identity"], CSV.encode(), "text/csv")
    host.act("deployment_stop", 4)

    assert ("changed", pytest.approx(scores(first)["predictions"])) == (launched["outcome"], was["predictions"])
    assert ("changed", pytest.approx(scores(second)["predictions"])) == (replaced["outcome"], now["predictions"])
    assert ("failed", "bad_prediction") == (failed["outcome"], failed["cause"]), failed
    assert ("ok", launched["identity"]) == (again["outcome"], again["identity"]), again
    assert replaced["identity"]["pid"] == failed["identity"]["pid"]
    assert ports.listener(launched["identity"]["port"]) is None


def test_a_host_without_java_says_so(host, monkeypatch):
    """Before anything is started."""
    folder = host.folder / "bare"
    manifest = {"schema": 1, "runtime": "scoring_code", "model": "model.jar", "serve": SERVE}
    made = pack(folder, manifest, {"model.jar": b"PK"})
    empty = host.folder / "empty"
    empty.mkdir()
    monkeypatch.setitem(os.environ, "PATH", str(empty))
    result = act(host, "scoring_code", made)

    assert ("failed", "dependency") == (result["outcome"], result["cause"])
    assert "program java is not on this host" in result["message"]


def test_a_jar_without_a_way_to_ask_for_its_health_is_refused(host):
    """The package must say it."""
    made = pack(
        host.folder / "bare", {"schema": 1, "runtime": "scoring_code", "model": "model.jar"}, {"model.jar": b"PK"}
    )
    result = host.bring(made, runtime="scoring_code")

    assert ("artifact", True) == (result["cause"], "serve.health_path" in result["message"]), result
