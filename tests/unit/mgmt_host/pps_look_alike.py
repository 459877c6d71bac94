"""A look-alike of the portable prediction server, by its documented routes alone: nothing of the real one is in it.

`PROGRAM --address A --port P --folder F`. Exactly one file in the folder: single-model mode; else every folder in it is a
model, known by its name. Its model format is this file's own: JSON, `{"factor": NUMBER}`.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import shutil
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def load(path):
    """Return what a model multiplies by."""
    return float(json.loads(path.read_text())["factor"])


class Models:
    """The models of a folder, as they were when it was looked at or since they were uploaded."""

    def __init__(self, folder):
        self.folder = folder
        files = [path for path in folder.iterdir() if path.is_file()]
        self.single = load(files[0]) if len(files) == 1 else None
        self.many = {path.name: factor for path in folder.iterdir() for factor in self._found(path)}

    def _found(self, path):
        packages = [one for one in path.iterdir() if one.suffix == ".mlpkg"] if path.is_dir() else []
        return [load(packages[0])] if len(packages) == 1 else []

    def upload(self, name, content):
        """Take a model in."""
        (self.folder / name).mkdir(exist_ok=True)
        draft = self.folder / name / "draft"
        draft.write_bytes(content)
        factor = load(draft)
        draft.replace(self.folder / name / "model.mlpkg")
        self.many[name] = factor

    def delete(self, name):
        """Let a model go; False when there is none."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        return self.many.pop(name, None) is not None


class Handler(BaseHTTPRequestHandler):
    """The documented routes."""

    protocol_version = "HTTP/1.1"
    models: Models

    def do_GET(self):
        """Answer ping, info and the list."""
        if self.path == "/ping":
            self._say(200, {"response": "pong", "token": None})
        elif self.path == "/deployments":
            self._say(200, {"deployments": sorted(self.models.many)})
        elif self._factor("info") is not None:
            self._say(200, {"modelPackage": {"factor": self._factor("info")}})
        else:
            self._say(404, {"message": "not found"})

    def do_POST(self):
        """Predict, or take an uploaded model."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        factor = self._factor("predictions")
        parts = self.path.split("/")
        if factor is not None:
            self._say(200, {"data": [_row(place, factor, row) for place, row in enumerate(self._rows(content))]})
        elif len(parts) == 3 and parts[1] == "deployments":
            self.models.upload(parts[2], content)
            self._say(201, {"deployment": parts[2]})
        else:
            self._say(404, {"message": "not found"})

    def do_DELETE(self):
        """Let a model go."""
        parts = self.path.split("/")
        gone = len(parts) == 3 and parts[1] == "deployments" and self.models.delete(parts[2])
        self._say(200 if gone else 404, {})

    def _factor(self, what):
        parts = self.path.split("/")
        if parts == ["", what]:
            return self.models.single
        if len(parts) == 4 and parts[1] == "deployments" and parts[3] == what:
            return self.models.many.get(parts[2])
        return None

    def _rows(self, content):
        if "csv" in self.headers.get("Content-Type", ""):
            return [
                {key: float(value) for key, value in row.items()}
                for row in csv.DictReader(io.StringIO(content.decode()))
            ]
        return json.loads(content)

    def log_message(self, *_):
        """Say nothing."""

    def _say(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _row(place, factor, row):
    value = factor * sum(row.values())
    return {
        "rowId": place,
        "prediction": value,
        "predictionThreshold": 0.5,
        "predictionValues": [{"label": "y", "value": value}],
    }


def main():
    """Serve until the end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    Handler.models = Models(arguments.folder)
    sys.stdout.write("serving\n")
    sys.stdout.flush()
    ThreadingHTTPServer((arguments.address, arguments.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
