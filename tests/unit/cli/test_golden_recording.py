"""`package record-golden`: what a running model answers is kept; what proves nothing is refused."""

from __future__ import annotations

import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

from mgmt_ansible import errors
from mgmt_ansible.archives import build_package
from mgmt_ansible.cli.golden_recording import record
from mgmt_ansible.cli.program import app

REQUEST = b'{"request": {"rows": [[1.0, 2.0]]}}\n'


@pytest.fixture
def folder(tmp_path):
    """Return a package's folder."""
    made = tmp_path / "package"
    made.mkdir()
    (made / "model.onnx").write_bytes(b"")
    (made / "model-package.json").write_text(json.dumps({"schema": 1, "runtime": "onnx", "model": "model.onnx"}))
    return made


@pytest.fixture
def model(tmp_path):
    """Return a function that starts a model which gives those answers in turn, and returns (URL, file of requests)."""
    servers = []

    def start(*answers, requests=REQUEST, status=200):
        said = itertools.cycle(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(next(said))

            def log_message(self, *_):
                """Keep quiet."""

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        (tmp_path / "requests.jsonl").write_bytes(requests)
        return f"http://127.0.0.1:{servers[-1].server_port}/predict", tmp_path / "requests.jsonl"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_answers_are_kept_and_the_package_is_whole(folder, model):
    """What an answer says of itself is not kept: it is another for each release."""
    answer = {"model_name": "d1", "model_version": "7", "outputs": [{"name": "Y", "data": [2.5]}]}
    url, requests = model(json.dumps(answer).encode(), requests=REQUEST * 3)
    written = record(folder, url, requests, tolerance=0.001, without=())
    lines = [json.loads(line) for line in written.read_text().splitlines()]

    assert [{"outputs": answer["outputs"]}] * 3 == [line["answer"] for line in lines]
    manifest = build_package(folder, folder.parent / "package.tar.gz").manifest
    assert {"file": "golden.jsonl", "tolerance": 0.001} == manifest["golden"]


def test_a_second_recording_keeps_what_the_manifest_says(folder, model):
    """Its file may ask what it asked before."""
    url, requests = model(b"7.5")
    record(folder, url, requests, tolerance=0.25, without=())
    record(folder, url, folder / "golden.jsonl", tolerance=None, without=())

    assert 0.25 == json.loads((folder / "model-package.json").read_text())["golden"]["tolerance"]
    assert {**json.loads(REQUEST), "answer": 7.5} == json.loads((folder / "golden.jsonl").read_text())


def test_what_differs_from_one_time_to_the_next_is_named(folder, model):
    """And left out when asked."""
    url, requests = model(b'{"score": 1, "took": 5}', b'{"score": 1, "took": 6}')
    with pytest.raises(errors.InvalidRequestError, match="--without took"):
        record(folder, url, requests, tolerance=None, without=())
    written = record(folder, url, requests, tolerance=None, without=("took",))

    assert {"score": 1} == json.loads(written.read_text())["answer"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"no", 500, "answered 500"),
        (b"NaN", 200, "cannot be kept"),
        (b"[" * 100_000, 200, "cannot be kept"),
        (b"1e999", 200, "cannot be kept"),
        (b'"' + b"x" * (1 << 20) + b'"', 200, "more than"),
    ],
)
def test_an_answer_that_cannot_be_kept_changes_nothing(folder, model, body, status, words):
    """The message names the request."""
    url, requests = model(body, status=status)
    with pytest.raises(errors.InvalidRequestError, match=f"request 1: .*{words}"):
        record(folder, url, requests, tolerance=None, without=())

    assert ["model-package.json", "model.onnx"] == sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "requests", [b"", b"{}\n", b"[]\n", b"\xff\n", b'{"request": NaN}\n', b'{"request": 1, "content_type": "x"}\n']
)
def test_requests_that_cannot_be_asked_are_refused(folder, model, requests):
    """Before the model is asked."""
    url, path = model(b"1", requests=requests)
    with pytest.raises(errors.InvalidRequestError, match=r"requests\.jsonl"):
        record(folder, url, path, tolerance=None, without=())


def test_nobody_at_the_address_is_told(folder, tmp_path):
    """By the command itself, as one sentence and exit code 2."""
    (tmp_path / "requests.jsonl").write_bytes(REQUEST)
    words = ["package", "record-golden", str(folder), "--url", "http://127.0.0.1:1/"]
    done = CliRunner().invoke(app, [*words, "--requests", str(tmp_path / "requests.jsonl")])

    assert 2 == done.exit_code
    assert "request 1: http://127.0.0.1:1/ does not answer. Next: see in `mgmt-ansible deployment show`" in done.output


@pytest.mark.parametrize(
    "manifest", ["{", "[]", '{"golden": 1}', '{"golden": {"file": "../x"}}', '{"golden": {"file": "/x"}}']
)
def test_a_manifest_that_is_none_is_told(folder, model, manifest):
    """Nothing is written outside."""
    (folder / "model-package.json").write_text(manifest)
    url, requests = model(b"1")
    with pytest.raises(errors.InvalidRequestError, match="is no manifest"):
        record(folder, url, requests, tolerance=None, without=())


def test_a_folder_without_a_manifest_is_told(tmp_path, model):
    """The folder is named, and what it should be."""
    url, requests = model(b"1")
    with pytest.raises(errors.InvalidRequestError, match=r"holds no model-package\.json\. Next: name the folder"):
        record(tmp_path, url, requests, tolerance=None, without=())
