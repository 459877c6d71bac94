"""Two models of each runtime, with a question and what the model itself answers in Python."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mgmt_ansible.quickstart import demo_models, samples
from tests.runtimes.__main__ import find_maker
from tests.testbed import plans
from tests.testbed.container_models import ECHO_IMAGE, PPS_IMAGE, RECORDS

_TESTS = plans.ROOT / "tests"
_HOST_TESTS = _TESTS / "unit" / "mgmt_host"
ROWS = [[1.5, 2.0, -3.0], [0.1, 0.2, 0.7]]
WEIGHTS = {1: [2.0, -1.0, 0.5], 2: [0.25, 4.0, 1.0]}


@dataclass(frozen=True)
class Model:
    """A package, a question and the right answer.

    Attributes:
        archive: Of the package.
        question: Body of the request.
        kind: Its media type.
        expected: What the model says in Python, as one flat list.
        read: Takes the same out of an answer's JSON.
    """

    archive: Path
    question: str
    kind: str
    expected: Sequence[float]
    read: Callable[[Any], Any]


@dataclass(frozen=True)
class Runtime:
    """A row of the matrix.

    Attributes:
        name: Of the runtime.
        make: Makes model 1 or 2 in a folder.
        requirements: What the environment on the host must hold.
        not_on: Kind of host -> why the runtime is not applicable there.
        needs: What hosts need besides: `java`, `drum`, `echo-image`, `pps-image`.
    """

    name: str
    make: Callable[[Path, int], Model]
    requirements: tuple[str, ...] = ()
    not_on: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""


def pack(folder: Path, manifest: Mapping[str, object], files: Mapping[str, bytes]) -> Path:
    """Return the archive of a package of those files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {**files, "model-package.json": json.dumps(manifest).encode()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o644)
    archive = folder.with_suffix(".tar.gz")
    with tarfile.open(archive, "w:gz") as stream:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            stream.add(path, arcname=str(path.relative_to(folder)))
    return archive


def dot(number: int) -> list[float]:
    """Return what the linear model of that number says of `ROWS`, in Python."""
    return [sum(weight * value for weight, value in zip(WEIGHTS[number], row, strict=True)) for row in ROWS]


def onnx(folder: Path, number: int) -> Model:
    """The demo model: scikit-learn's own probabilities are the truth."""
    found = samples.find_samples(folder)
    if found is None:
        folder.mkdir(parents=True, exist_ok=True)
        demo_models.make_packages(folder)
        found = samples.find_samples(folder)
    assert found is not None
    output, expected = found.output, [one for row in found.probabilities[str(number)] for one in row]
    return Model(
        samples.archive_path(folder, str(number)),
        json.dumps(found.request),
        "application/json",
        expected,
        lambda answer: {one["name"]: one["data"] for one in answer["outputs"]}[output],
    )


def command(folder: Path, number: int) -> Model:
    """A server of the package's own that multiplies."""
    start = ["python3", "{package}/server.py", "--port", "{port}", "--address", "{address}", "--factor"]
    serve = {"start": [*start, str(number + 1)], "health_path": "/health", "predict_path": "/predict"}
    manifest = {"schema": 1, "runtime": "command", "model": "server.py", "serve": serve}
    archive = pack(folder / f"command{number}", manifest, {"server.py": (_HOST_TESTS / "echo_server.py").read_bytes()})
    expected = [value * (number + 1) for row in ROWS for value in row]
    return Model(archive, json.dumps({"rows": ROWS}), "application/json", expected, _flat_predictions)


def mlflow(folder: Path, number: int) -> Model:
    """A scikit-learn model that MLflow saved: what MLflow's own Python says is the truth."""
    python, _ = find_maker()
    target = folder / f"mlflow{number}"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    saved = subprocess.run(
        [python, _TESTS / "runtimes" / "save_mlflow_model.py", target / "model", str(number + 1)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=folder,
    )
    told = json.loads(saved.stdout.splitlines()[-1])
    archive = pack(target, {"schema": 1, "runtime": "mlflow", "model": "model/MLmodel"}, {})
    question = json.dumps({"dataframe_split": told["split"]})
    return Model(archive, question, "application/json", told["predictions"], lambda answer: answer["predictions"])


def scoring_code(folder: Path, number: int) -> Model:
    """A JAR with an HTTP server and a linear model, run by the host's own java."""
    target = folder / f"jar{number}"
    classes = target / "classes"
    classes.mkdir(parents=True, exist_ok=True)
    subprocess.run(["javac", "--release", "17", "-d", classes, _HOST_TESTS / "Scoring.java"], check=True)
    (classes / "model.properties").write_text("weights=" + ",".join(map(str, WEIGHTS[number])) + "\n")
    subprocess.run(["jar", "cfe", target / "model.jar", "Scoring", "-C", classes, "."], check=True)
    serve = {"arguments": ["{port}", "{address}"], "health_path": "/health", "predict_path": "/score"}
    manifest = {"schema": 1, "runtime": "scoring_code", "model": "model.jar", "serve": serve}
    archive = pack(folder / f"scoring{number}", manifest, {"model.jar": (target / "model.jar").read_bytes()})
    question = "\n".join(",".join(map(str, row)) for row in ROWS)
    return Model(archive, question, "text/csv", dot(number), lambda answer: answer["predictions"])


def drum(folder: Path, number: int) -> Model:
    """A folder of a custom model, behind a look-alike made from the documented routes."""
    manifest = {"schema": 1, "runtime": "drum", "model": "code/custom.txt", "serve": {"target_type": "regression"}}
    archive = pack(folder / f"drum{number}", manifest, {"code/custom.txt": str(number + 1.0).encode()})
    values = [1.5, 2.0]
    expected = [value * (number + 1) for value in values]
    return Model(archive, "x\n1.5\n2.0\n", "text/csv", expected, lambda answer: answer["predictions"])


def container(folder: Path, number: int) -> Model:
    """An image whose server multiplies, by its name on the host; see `hosts.bring`."""
    serve = {
        "image": ECHO_IMAGE,
        "port": 8080,
        "arguments": [str(number + 1)],
        "health_path": "/health",
        "predict_path": "/predict",
    }
    manifest = {"schema": 1, "runtime": "container", "model": "model.txt", "serve": serve}
    archive = pack(folder / f"container{number}", manifest, {"model.txt": str(number).encode()})
    expected = [value * (number + 1) for row in ROWS for value in row]
    return Model(archive, json.dumps({"rows": ROWS}), "application/json", expected, _flat_predictions)


def pps(folder: Path, number: int, **serve: object) -> Model:
    """A model of the look-alike of the portable prediction server, made from its documented routes."""
    serve = {"image": PPS_IMAGE, **serve}
    manifest = {"schema": 1, "runtime": "pps", "model": "model.mlpkg", "serve": serve}
    files = {"model.mlpkg": json.dumps({"factor": number + 1.0}).encode()}
    archive = pack(folder / f"pps{number}{len(serve)}", manifest, files)
    expected = [(number + 1.0) * sum(row.values()) for row in RECORDS]
    return Model(archive, json.dumps(RECORDS), "application/json", expected, _rows_of_pps)


def pps_of_many(folder: Path, number: int) -> Model:
    """The same in a container that deployments share."""
    return pps(folder, number, multi_model=True)


def _rows_of_pps(answer: Any) -> list[float]:
    return [row["prediction"] for row in answer["data"]]


def _flat_predictions(answer: Any) -> list[float]:
    return [value for row in answer["predictions"] for value in row]
