"""Packages with golden predictions and real ONNX models."""

from __future__ import annotations

import json

from tests.unit.mgmt_host.conftest import REQUEST, ROWS, write_model
from tests.unit.mgmt_host.served_packages import pack


def answer(factor):
    """Return what a model that multiplies by `factor` says to `REQUEST`, as far as it is kept."""
    data = [value * factor for row in ROWS for value in row]
    return {"outputs": [{"name": "Y", "datatype": "FP32", "shape": [2, 2], "data": data}]}


def line(factor):
    """Return an example of such a model."""
    return json.dumps({"request": REQUEST, "answer": answer(factor)}) + "\n"


def golden_package(host, name, factor, golden_of=None, **said):
    """Return a package whose model multiplies by `factor` and whose examples are of models that do by `golden_of`, one or several."""
    path = host.folder / f"{name}.onnx"
    write_model(str(path), factor)
    of = factor if golden_of is None else golden_of
    golden = "".join(map(line, of if isinstance(of, tuple) else (of,)))
    manifest = {"schema": 1, "runtime": "onnx", "model": "model.onnx", "golden": {"file": "golden.jsonl", **said}}
    files = {"model.onnx": path.read_bytes(), "golden.jsonl": golden.encode(), "NAME": name.encode()}
    return pack(host.folder / name, manifest, files)
