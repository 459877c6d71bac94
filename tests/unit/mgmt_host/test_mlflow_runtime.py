"""Runtime `mlflow`, over a look-alike of its command line; the real one is tried by `scripts/runtimes`."""

from __future__ import annotations

import json
from pathlib import Path

from mgmt_host.machine import ports

from tests.unit.mgmt_host.served_packages import ROWS, act, pack, predict, times, wheelhouse

REQUEST = {"dataframe_split": {"columns": ["a", "b"], "data": ROWS["rows"]}}
LOOK_ALIKE = Path(__file__).with_name("scoring_look_alike.py").read_text()


def package(host, name, factor, expected=None, needs=b"mlflow==1.0\n"):
    """Return a package that multiplies."""
    smoke = {"request": REQUEST, "answer": times(expected or factor)}
    manifest = {"schema": 1, "runtime": "mlflow", "model": "model/MLmodel", "smoke": smoke}
    return pack(
        host.folder / name, manifest, {"model/MLmodel": f"factor: {factor}".encode(), "model/requirements.txt": needs}
    )


def bring_look_alike(host, made, tmp_path):
    """Let the host build the environment from a wheelhouse that holds the look-alike; return the names of the steps."""
    wheels = wheelhouse(tmp_path, "mlflow", {"mlflow/__init__.py": "", "mlflow/__main__.py": LOOK_ALIKE})
    brought = host.bring(made, runtime="mlflow", wheelhouse=wheels, wheelhouse_offered=True)
    return [step["name"] for step in brought["steps"]]


def test_a_model_of_mlflow_is_launched_replaced_and_stopped(host, tmp_path):
    """Its environment is built once for both models; a wrong one leaves the old one; nobody is left."""
    first, second = package(host, "one", 2.0), package(host, "two", 3.0)
    steps = [bring_look_alike(host, made, tmp_path) for made in (first, second)]
    launched = act(host, "mlflow", first)
    was = predict(launched["identity"], json.dumps(REQUEST).encode())
    again = act(host, "mlflow", first)
    replaced = act(host, "mlflow", second, 2, "deployment_replace_model")
    failed = act(host, "mlflow", package(host, "three", 4.0, expected=5.0), 3, "deployment_replace_model")
    now = predict(replaced["identity"], json.dumps(REQUEST).encode())
    host.act("deployment_stop", 4)

    assert [["package", "environment"], ["package"]] == steps
    assert ("changed", times(2.0), "ok") == (launched["outcome"], was, again["outcome"]), launched
    assert ("changed", times(3.0)) == (replaced["outcome"], now), replaced
    assert ("failed", "bad_prediction", True) == (failed["outcome"], failed["cause"], failed["old_model_in_use"])
    assert ports.listener(launched["identity"]["port"]) is None


def test_options_among_a_models_requirements_are_named(host):
    """MLflow writes an index into the file where it was told of one: the agent's settings say it instead."""
    result = host.bring(package(host, "one", 2.0, needs=b"--extra-index-url https://x/\nmlflow\n"), runtime="mlflow")

    assert ("artifact", True) == (result["cause"], "model/requirements.txt" in result["message"]), result


def test_a_model_file_of_another_name_is_refused(host):
    """The folder is found by it."""
    made = pack(host.folder / "one", {"schema": 1, "runtime": "mlflow", "model": "model.pkl"}, {"model.pkl": b""})

    assert "must be the file MLmodel" in host.bring(made, runtime="mlflow")["message"]
