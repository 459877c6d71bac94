"""`port_in_use`, `artifact`, `not_ready`, `wrong_model`, `bad_prediction`: what the package or its server does."""

from __future__ import annotations

import json
import socket

import pytest

from mgmt_ansible.domain.outcomes import Cause, Outcome
from mgmt_ansible.quickstart.loopback import free_port
from tests.integration.causes.fault_site import REQUEST, ROWS, assert_cause, said

HEAD = """\
import json, os, signal, sys
config = json.load(open(sys.argv[1] + "/slot.json"))
def loaded():
    open(sys.argv[1] + "/loaded", "w").close()
"""
ANSWERING = (
    HEAD
    + """\
from http.server import BaseHTTPRequestHandler, HTTPServer
class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        ready = self.path.startswith("/v2/health")
        parameters = {"package_digest": DIGEST, "generation": config["generation"]}
        body = json.dumps({} if ready else {"parameters": parameters}).encode()
        self.send_response(STATUS if ready else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
def serve():
    server = HTTPServer((config["bind_address"], config["port"]), Answers)
    loaded()
    server.serve_forever()
"""
)


def answering(*, digest: str = 'config["digest"]', status: int = 200, by: str = "serve()\n") -> str:
    """Return a model server that loads nothing."""
    return f"STATUS = {status}\n" + ANSWERING.replace("DIGEST", digest) + by


def smoke(factor: float) -> dict[str, object]:
    return {"request": REQUEST, "expect": {"Y": {"data": [[value * factor for value in row] for row in ROWS]}}}


def test_a_wanted_port_that_somebody_has_is_port_in_use(site):
    """The evidence names who listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        host = site.launch(port=port)

    assert_cause(host, Outcome.FAILED, Cause.PORT_IN_USE)
    assert f"LISTEN 127.0.0.1:{port} users:" in said(host, "ss")


def test_a_server_that_says_that_its_address_is_in_use_is_not_ready(site):
    """Near miss: the port is free; the server only says otherwise."""
    site.serve_by(HEAD + 'sys.exit("OSError: [Errno 98] Address already in use")')

    host = site.launch(port=free_port())

    assert_cause(host, Outcome.FAILED, Cause.NOT_READY)
    assert "Address already in use" in said(host, "log_tail")


def test_a_flipped_byte_is_artifact(site):
    """The archive in the agent's cache is not what was registered."""
    package = site.package()
    content = bytearray(site.archive(package).read_bytes())
    content[-5] ^= 1
    site.archive(package).write_bytes(content)

    host = site.launch(package)

    assert_cause(host, Outcome.FAILED, Cause.ARTIFACT)
    assert f"instead of {package.archive_sha256}" in said(host, "digest")


def test_a_package_without_its_manifest_is_artifact(site):
    """A file is missing."""
    source = site.folder / "bare"
    source.mkdir()
    (source / "model.onnx").write_bytes(b"model")

    host = site.launch(site.pack(source))

    assert_cause(host, Outcome.FAILED, Cause.ARTIFACT)
    assert "model-package.json" in host.message
    assert "model.onnx" == said(host, "files")


def test_a_manifest_that_expects_nonsense_is_artifact(site):
    """The smoke request's expectation is of no known shape."""
    host = site.launch(site.package(smoke={"request": REQUEST, "expect": ["Y"]}))

    assert_cause(host, Outcome.FAILED, Cause.ARTIFACT)
    assert '["Y"]' in said(host, "manifest")


def test_a_whole_package_whose_model_is_broken_is_not_ready(site):
    """Near miss: every byte is as registered, and the runtime refuses them."""
    source = site.folder / "broken"
    source.mkdir()
    (source / "model-package.json").write_text(json.dumps({"schema": 1, "runtime": "onnx", "model": "model.onnx"}))
    (source / "model.onnx").write_bytes(b"digest mismatch: archive is broken")

    host = site.launch(site.pack(source))

    assert_cause(host, Outcome.FAILED, Cause.NOT_READY)
    assert "exit code 1" == said(host, "exit")


@pytest.mark.parametrize(
    ("ending", "named"),
    [
        ("sys.exit(3)", "exit code 3"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "signal 11 (SIGSEGV)"),
        ("print('out of memory', flush=True); os.kill(os.getpid(), signal.SIGKILL)", "signal 9 (SIGKILL)"),
    ],
)
def test_a_server_that_ends_is_not_ready(site, ending, named):
    """Also near misses of `oom_killed`: a person's SIGKILL, and words about memory."""
    site.serve_by(HEAD + ending)

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.NOT_READY)
    assert named == said(host, "exit")


def test_a_server_that_is_never_ready_is_not_ready(site):
    """It listens and says 503."""
    site.serve_by(answering(status=503))

    host = site.launch(ready_timeout_seconds=3.0)

    assert_cause(host, Outcome.FAILED, Cause.NOT_READY)
    assert "503" in said(host, "http")


def test_a_server_of_another_digest_is_wrong_model(site):
    """It is ready, and serves something else."""
    site.serve_by(answering(digest='"0" * 64'))

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.WRONG_MODEL)
    assert "0" * 64 in said(host, "http")


def test_another_process_on_the_port_is_wrong_model(site):
    """All answers are right, but our server is not who gives them."""
    by = "if os.fork():\n    signal.pause()\nelse:\n    os.setsid()\n    signal.alarm(60)\n    serve()\n"
    site.serve_by(answering(by=by))

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.WRONG_MODEL)
    assert "LISTEN" in said(host, "ss")


def test_a_server_that_only_talks_of_trouble_is_fine(site):
    """Near miss: its log says that it is not ready and serves another model; what it answers is right."""
    site.serve_by(answering(by="print('not ready: wrong model, exit code 1', flush=True)\nserve()\n"))

    assert_cause(site.launch(), Outcome.CHANGED, None)


def test_a_prediction_that_differs_is_bad_prediction(site):
    """The smoke request is answered, with other numbers."""
    host = site.launch(site.package(2.0, smoke=smoke(3.0)))

    assert_cause(host, Outcome.FAILED, Cause.BAD_PREDICTION)
    assert "outputs" in said(host, "http")


def test_a_prediction_within_its_tolerance_is_fine(site):
    """Near miss: numbers differ by less than they may."""
    assert_cause(site.launch(site.package(2.0, smoke=smoke(2.00001))), Outcome.CHANGED, None)
