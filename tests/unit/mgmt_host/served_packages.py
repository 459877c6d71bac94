"""Packages of other runtimes than `onnx`: a folder of files and a manifest, as the roles' modules are given them."""

from __future__ import annotations

import hashlib
import json
import tarfile
import urllib.request
import zipfile
from pathlib import Path

from mgmt_host import entry
from mgmt_host.content import packages

ECHO = Path(__file__).with_name("echo_server.py").read_bytes()
START = ["python3", "{package}/server.py", "--port", "{port}", "--address", "{address}", "--factor"]
ROWS = {"rows": [[1.0, 2.0], [3.0, 4.0]]}


def times(factor):
    """Return the model's own predictions for `ROWS`."""
    return {"predictions": [[value * factor for value in row] for row in ROWS["rows"]]}


def pack(folder, manifest, files, executables=()):
    """Return (archive, archive sha256, digest) of a package of those files and bytes; `folder` is new."""
    for name, content in {**files, "model-package.json": json.dumps(manifest).encode()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if name in executables else 0o644)
    archive = folder.with_suffix(".tar.gz")
    with tarfile.open(archive, "w:gz") as stream:
        for path in sorted(folder.rglob("*")):
            stream.add(path, arcname=str(path.relative_to(folder)), recursive=False)
    rows, opened = packages.measure(str(folder))
    for stream in opened:
        stream.close()
    return archive, hashlib.sha256(archive.read_bytes()).hexdigest(), packages.manifest_digest(rows)


def command_manifest(factor, **changes):
    """Return the manifest of a package that multiplies; `changes` of its `serve`, and `smoke` of the whole."""
    smoke = changes.pop("smoke", {"request": ROWS, "answer": times(factor)})
    serve = {"start": [*START, str(factor)], "health_path": "/health", "predict_path": "/predict", **changes}
    manifest = {"schema": 1, "runtime": "command", "model": "server.py", "serve": serve}
    return {**manifest, "smoke": smoke} if smoke else manifest


def command_package(folder, factor, files=None, executables=(), **changes):
    """Return a package whose own server multiplies."""
    return pack(folder, command_manifest(factor, **changes), {"server.py": ECHO, **(files or {})}, executables)


def act(host, runtime, package, generation=1, action="deployment_launch", **changes):
    """Perform an action with a package of a runtime, which is brought first."""
    brought = host.bring(package, runtime=runtime)
    assert "outcome" not in brought, brought
    wanted = {"digest": package[2], "runtime": runtime, "id": "p1"}
    return entry.run_deployment({**host.parameters(action, generation, **changes), "package": wanted})


def predict(identity, body=None, kind="application/json"):
    """Return what the deployment's own URL answers."""
    request = urllib.request.Request(identity["url"], body or json.dumps(ROWS).encode(), {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def wheelhouse(folder, name, modules):
    """Return an archive of one wheel, release 1.0, with those modules."""
    wheel, archive = folder / f"{name}-1.0-py3-none-any.whl", folder / f"{name}.tar"
    about = {
        **modules,
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(wheel, "w") as stream:
        for path, text in {**about, f"{name}-1.0.dist-info/RECORD": "".join(f"{one},,\n" for one in about)}.items():
            stream.writestr(path, text)
    with tarfile.open(archive, "w") as stream:
        stream.add(wheel, arcname=wheel.name)
    return str(archive)
