"""`not_ready`, `wrong_model`: what a model server does, whatever it says."""

from __future__ import annotations

import json

import pytest

from mgmt_ansible.domain.outcomes import Cause, Outcome
from mgmt_ansible.quickstart.loopback import free_port
from tests.integration.causes.fault_site import assert_cause, said
from tests.integration.causes.model_servers import HEAD, answering


def test_a_server_that_says_that_its_address_is_in_use_is_not_ready(site):
    """Near miss: the port is free; the server only says otherwise."""
    site.serve_by(HEAD + 'sys.exit("OSError: [Errno 98] Address already in use")')

    host = site.launch(port=free_port())

    assert_cause(host, Outcome.FAILED, Cause.NOT_READY)
    assert "Address already in use" in said(host, "log_tail")


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

    host = site.launch(ready_timeout_seconds=15.0)

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
