"""Runtime `drum`, over a look-alike made from its documented routes: 513 is a server that is up with a broken model."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from mgmt_host.machine import ports
from mgmt_host.running import slots

from tests.unit.mgmt_host.served_packages import act, pack, predict

CSV = "x\n1.5\n2.0\n"


@pytest.fixture
def drum(host, monkeypatch):
    """Let `drum` be on the account's PATH; return the host."""
    folder = host.folder / "bin"
    folder.mkdir()
    look_alike = Path(__file__).with_name("drum_look_alike.py")
    (folder / "drum").write_text(f'#!/bin/sh\nexec {sys.executable} {look_alike} "$@"\n')
    (folder / "drum").chmod(0o755)
    monkeypatch.setitem(os.environ, "PATH", f"{folder}:{os.environ['PATH']}")
    return host


def package(host, name, factor, expected=None, smoke=True):
    """Return a package of a custom model; a `factor` that is no number breaks it."""
    manifest = {"schema": 1, "runtime": "drum", "model": "code/custom.txt", "serve": {"target_type": "regression"}}
    if smoke:
        answer = {"predictions": [1.5 * (expected or factor), 2.0 * (expected or factor)]}
        manifest["smoke"] = {"request": CSV, "content_type": "text/csv", "answer": answer}
    return pack(host.folder / name, manifest, {"code/custom.txt": str(factor).encode()})


def test_a_custom_model_is_launched_replaced_and_stopped(drum):
    """It predicts as the model does; a wrong one leaves the old one; a second launch changes nothing; stop leaves nobody."""
    first = package(drum, "one", 2.0)
    launched = act(drum, "drum", first)
    was = predict(launched["identity"], CSV.encode(), "text/csv")
    again = act(drum, "drum", first)
    replaced = act(drum, "drum", package(drum, "two", 3.0), 2, "deployment_replace_model")
    failed = act(drum, "drum", package(drum, "three", 4.0, expected=5.0), 3, "deployment_replace_model")
    now = predict(replaced["identity"], CSV.encode(), "text/csv")
    drum.act("deployment_stop", 4)

    assert ("changed", {"predictions": [3.0, 4.0]}, "ok") == (launched["outcome"], was, again["outcome"]), launched
    assert ("changed", {"predictions": [4.5, 6.0]}) == (replaced["outcome"], now), replaced
    assert ("failed", "bad_prediction", True) == (failed["outcome"], failed["cause"], failed["old_model_in_use"])
    assert ports.listener(launched["identity"]["port"]) is None


def test_a_broken_model_is_refused_at_once_and_leaves_the_old_one(drum):
    """The process is up and says 513: nobody waits for the time-out."""
    old = act(drum, "drum", package(drum, "one", 2.0))
    broken = package(drum, "two", "no number", smoke=False)
    result = act(drum, "drum", broken, 2, "deployment_replace_model", ready_timeout_seconds=3600)

    assert ("failed", "not_ready", True) == (result["outcome"], result["cause"], result["old_model_in_use"])
    assert ("http", True) == (
        result["evidence"][0]["kind"],
        "no model could be loaded" in result["evidence"][0]["text"],
    )
    assert (old["identity"], True) == (result["identity"], "its model is broken" in result["message"])


def test_a_look_tells_a_broken_model_from_a_dead_server(drum):
    """It was fine when it was launched."""
    made = package(drum, "one", 2.0)
    act(drum, "drum", made)
    (Path(slots.find(drum.own(), "a").folder) / "broken").touch()
    observe = [{"id": "d1", "generation": 1, "digest": made[2]}]
    seen = drum.act("environment_status", 0, observe=observe)["observations"][0]

    assert ("failed", "not_ready", True) == (seen["outcome"], seen["cause"], "its model is broken" in seen["message"])


def test_a_host_without_drum_says_so(host):
    """It is the user's to install."""
    result = act(host, "drum", package(host, "one", 2.0))

    assert ("dependency", True) == (result["cause"], "program drum is not on this host" in result["message"])
