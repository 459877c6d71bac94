"""Real servers of other projects, through the roles over SSH, which take too long for every run of the suite.

`python -m tests.runtimes`: MLflow's own scoring server. The environment in which models are made is kept in `.cache`; the one
on the host is built anew by the role. The last line counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from mgmt_host.machine import http_probe, ports

from mgmt_ansible.quickstart.loopback import LoopbackHost
from tests.roles.conftest import Site
from tests.roles.test_roles import state_of
from tests.unit.mgmt_host.served_packages import pack

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-6


class Checks:
    """Counts what was looked at."""

    def __init__(self):
        self.bad = 0
        self.all = 0
        self._began = time.monotonic()

    def check(self, what, fine, proof=""):
        """Print one line; a bad one with its proof."""
        self.all += 1
        self.bad += not fine
        say(f"{time.monotonic() - self._began:7.1f} s  {'ok ' if fine else 'BAD'} {what}")
        if not fine:
            say(proof)


def say(text):
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201 - the script's own voice


def find_maker():
    """Return an interpreter that has MLflow, and the release that it has."""
    folder = ROOT / ".cache" / "runtimes" / "mlflow"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", "--no-compile", "mlflow"], check=True)
        (folder / "complete").touch()
    program = "import importlib.metadata; print(importlib.metadata.version('mlflow'))"
    return python, subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def make_package(folder, python, factor, answer=None):
    """Return a package of a model that MLflow saved, its smoke request, and MLflow's own predictions."""
    saved = subprocess.run(
        [python, Path(__file__).with_name("save_mlflow_model.py"), folder / "model", str(factor)],
        stdout=subprocess.PIPE, text=True, check=True, cwd=folder.parent,
    )  # fmt: skip
    told = json.loads(saved.stdout.splitlines()[-1])
    request = {"dataframe_split": told["split"]}
    smoke = {"request": request, "answer": {"predictions": answer or told["predictions"]}, "tolerance": TOLERANCE}
    manifest = {"schema": 1, "runtime": "mlflow", "model": "model/MLmodel", "smoke": smoke}
    return (*pack(folder, manifest, {}), "mlflow"), request, told["predictions"]


def predictions_of(identity, request):
    """Return what is served."""
    answer = http_probe.ask("127.0.0.1", identity["port"], "/invocations", json.dumps(request).encode(), 60.0)
    return answer.json().get("predictions", []) if answer else []


def same(left, right):
    """Tell whether predictions are the same."""
    return len(left) == len(right) and all(abs(one - two) <= TOLERANCE for one, two in zip(left, right, strict=True))


def try_mlflow(site, folder, checks):
    """Launch, converge again, predict, replace, refuse a wrong model, stop."""
    python, release = find_maker()
    checks.check(f"MLflow {release} saves models", bool(release))
    first, request, wanted = make_package(folder / "one", python, 2)
    second, asked, other = make_package(folder / "two", python, 3)
    wrong, _, _ = make_package(folder / "three", python, 4, answer=wanted)

    launched = site.play("deployment_launch", 1, first, deployment_id="ml")
    checks.check("launch, its environment built", launched["counts"]["failed"] == 0, launched["output"])
    identity = (state_of(site, "ml") or {}).get("identity")
    if identity is None:
        return
    got = predictions_of(identity, request)
    checks.check("predicts as MLflow's own Python does", same(got, wanted), f"{got} instead of {wanted}")
    again = site.play("deployment_launch", 1, first, deployment_id="ml")
    checks.check(
        "a second run changes nothing", (again["counts"]["changed"], again["sessions"]) == (0, 2), again["output"]
    )
    replaced = site.play("deployment_replace_model", 2, second, deployment_id="ml")
    now = state_of(site, "ml")["identity"]
    checks.check("replace", (replaced["counts"]["failed"], now["generation"]) == (0, 2), replaced["output"])
    checks.check("predicts as the second model does", same(predictions_of(now, asked), other))
    failed = site.play("deployment_replace_model", 3, wrong, deployment_id="ml")
    checks.check("a wrong model is refused", '"cause": "bad_prediction"' in failed["output"], failed["output"])
    checks.check(
        "the second model serves on",
        state_of(site, "ml")["identity"] == now and same(predictions_of(now, asked), other),
    )
    stopped = site.play("deployment_stop", 4, deployment_id="ml")
    checks.check("stop", stopped["counts"]["failed"] == 0 and ports.listener(now["port"]) is None, stopped["output"])


def main():
    """Return an exit code."""
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="mgmt-runtimes-") as scratch:
        folder = Path(scratch)
        with LoopbackHost(folder / "sshd") as host:
            site = Site(folder, host)
            (folder / "models").mkdir()
            try:
                try_mlflow(site, folder / "models", checks)
            finally:
                site.stop_all()
    say(f"runtimes: {checks.all} checks, {checks.bad} bad")
    return 1 if checks.bad else 0


if __name__ == "__main__":
    sys.exit(main())
