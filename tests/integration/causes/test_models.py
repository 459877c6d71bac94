"""`port_in_use`, `artifact`, `bad_prediction`: what a package, or its place on the host, is."""

from __future__ import annotations

import socket

from mgmt_ansible.domain.outcomes import Cause, Outcome
from tests.integration.causes.fault_site import REQUEST, ROWS, assert_cause, said


def smoke(factor: float) -> dict[str, object]:
    return {"request": REQUEST, "expect": {"Y": {"data": [[value * factor for value in row] for row in ROWS]}}}


def test_a_wanted_port_that_somebody_has_is_port_in_use(site):
    """The evidence names who listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        host = site.launch(port=port)

    assert_cause(host, Outcome.FAILED, Cause.PORT_IN_USE)
    assert f"LISTEN 127.0.0.1:{port} users:" in said(host, "ss")


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


def test_a_prediction_that_differs_is_bad_prediction(site):
    """The smoke request is answered, with other numbers."""
    host = site.launch(site.package(2.0, smoke=smoke(3.0)))

    assert_cause(host, Outcome.FAILED, Cause.BAD_PREDICTION)
    assert "outputs" in said(host, "http")


def test_a_prediction_within_its_tolerance_is_fine(site):
    """Near miss: numbers differ by less than they may."""
    assert_cause(site.launch(site.package(2.0, smoke=smoke(2.00001))), Outcome.CHANGED, None)
