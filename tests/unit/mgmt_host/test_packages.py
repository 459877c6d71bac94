"""Bringing a package: refusals, disk, what must be sent, environments that cannot be built."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from mgmt_host.content import environments, packages, runtimes
from mgmt_host.machine import durable_files, http_probe


def test_a_package_is_installed_read_only(host):
    """Nobody changes a package by accident."""
    package = host.package()
    host.bring(package)
    folder = Path(host.layout.package(package[2]))

    assert {0o444} == {path.stat().st_mode & 0o777 for path in folder.iterdir()}


def test_bringing_it_again_changes_nothing(host):
    """One look, no work."""
    package = host.package()
    host.bring(package)

    assert {"changed": False, "needs": [], "steps": [], "notes": []} == host.bring(package)


def test_a_missing_archive_is_asked_for(host):
    """The first, cheap look sends nothing."""
    assert ["archive"] == host.bring(host.package(), archive=None)["needs"]


def test_an_archive_without_room_is_refused_before_it_is_sent(host):
    """Twice its size and a tenth must be free."""
    result = host.bring(host.package(), archive=None, archive_bytes=1 << 60)

    assert ("disk", "df") == (result["cause"], result["evidence"][0]["kind"])


@pytest.mark.parametrize("change", [{"archive_sha256": "0" * 64}, {"digest": "0" * 64}])
def test_what_is_not_as_promised_leaves_nothing(host, change):
    """Wrong bytes or wrong content: artifact, and no folder."""
    result = host.bring(host.package(), **change)

    assert ("artifact", []) == (result["cause"], list(Path(host.layout.path("packages")).iterdir()))


def test_a_package_that_cannot_come_says_that_the_old_model_serves(host):
    """A replacement that fails before the deployment was touched has not taken the model away."""
    old, new = host.make_cheap()
    assert host.act("deployment_launch", 1, old)["outcome"] == "changed"
    said = host.bring(new, runtime="nonsense", deployment_id="d1", generation=2)
    assert (said["outcome"], said["old_model_in_use"], said["identity"]["generation"]) == ("failed", True, 1)


def test_another_runtime_is_a_dependency_failure(host):
    """The message names what this host serves."""
    result = host.bring(host.package(), runtime="nonsense")

    assert ("dependency", True) == (result["cause"], "use one of onnx" in result["message"])


def test_an_environment_that_cannot_be_built_shows_pips_last_lines(host, tmp_path):
    """An empty wheelhouse: dependency with the log's end; the half-built folder counts as none."""
    shutil.rmtree(host.layout.path("environments", environments.key(runtimes.ONNX.requirements)))
    empty = tmp_path / "wheels"
    empty.mkdir()

    with pytest.raises(environments.HostError) as failure:
        environments.build(host.layout, runtimes.ONNX.requirements, ["--isolated"], str(empty))
    assert ("dependency", "log_tail") == (failure.value.cause, failure.value.evidence[0]["kind"])
    assert environments.find(host.layout, runtimes.ONNX.requirements) is None


def test_rows_are_sorted_before_they_are_hashed():
    """The order of files in an archive does not matter."""
    rows = [["b", "0644", 1, "x"], ["a", "0644", 1, "y"]]

    assert packages.manifest_digest(rows) == packages.manifest_digest(rows[::-1])


BAD_BODIES = {
    "not JSON": b"{",
    "no inputs": b"{}",
    "unknown input": b'{"inputs":[{"name":"Z","datatype":"FP32","shape":[1,2],"data":[1,2]}]}',
    "wrong datatype": b'{"inputs":[{"name":"X","datatype":"INT64","shape":[1,2],"data":[1,2]}]}',
    "wrong shape": b'{"inputs":[{"name":"X","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}',
    "too few values": b'{"inputs":[{"name":"X","datatype":"FP32","shape":[2,2],"data":[1,2]}]}',
    "text for numbers": b'{"inputs":[{"name":"X","datatype":"FP32","shape":[1,2],"data":["a","b"]}]}',
    "unknown output": b'{"inputs":[{"name":"X","datatype":"FP32","shape":[1,2],"data":[1,2]}],"outputs":[{"name":"Q"}]}',
}


def test_the_server_refuses_bad_requests_and_counts_them(host):
    """Each is a 400 with a sentence, and the metrics page knows."""
    port = host.act("deployment_launch", 1, host.package())["identity"]["port"]
    answers = {
        name: http_probe.ask("127.0.0.1", port, "/v2/models/d1/infer", body) for name, body in BAD_BODIES.items()
    }
    page = http_probe.ask("127.0.0.1", port, "/metrics").body.decode()

    assert dict.fromkeys(BAD_BODIES, 400) == {name: answer.status for name, answer in answers.items()}
    assert all(answer.json()["error"] for answer in answers.values())
    assert f'mgmt_ansible_inference_requests_total{{status="400"}} {len(BAD_BODIES)}.0' in page
    assert 404 == http_probe.ask("127.0.0.1", port, "/v2/models/other").status


def test_an_answer_that_json_cannot_carry_is_a_clear_error(host):
    """NaN: a sentence, and the metrics count what the client saw."""
    port = host.act("deployment_launch", 1, host.package())["identity"]["port"]
    body = b'{"inputs":[{"name":"X","datatype":"FP32","shape":[1,2],"data":[NaN,1]}]}'
    answer = http_probe.ask("127.0.0.1", port, "/v2/models/d1/infer", body)
    page = http_probe.ask("127.0.0.1", port, "/metrics").body.decode()

    assert (500, True) == (answer.status, "NaN" in answer.json().get("error", ""))
    assert 'mgmt_ansible_inference_requests_total{status="500"} 1.0' in page


def test_a_wheelhouse_is_unpacked_below_the_base_directory(host, tmp_path):
    """Nothing is written where the connection's user put the file, and nothing is left."""
    environment = Path(host.layout.path("environments", environments.key(runtimes.ONNX.requirements)))
    shutil.rmtree(environment)
    sent = tmp_path / "sent"
    sent.mkdir()
    with tarfile.open(sent / "wheelhouse", "w"):
        pass
    result = host.bring(host.package(), wheelhouse=str(sent / "wheelhouse"), wheelhouse_offered=True)

    assert ("dependency", ["wheelhouse"]) == (result["cause"], [path.name for path in sent.iterdir()])
    assert not list(environment.parent.glob(".draft-*"))


@pytest.mark.parametrize("folder", ["packages", "programs"])
def test_drafts_of_killed_runs_are_swept(host, folder):
    """The next one who drafts there removes them."""
    left = Path(host.layout.path(folder, ".draft-left"))
    left.mkdir()
    host.bring(host.package())

    assert not left.exists()


def flip(path):
    """Change one byte."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path):
    """Take the second half away."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def swap(path):
    """Let manifest and model change places."""
    manifest = path.with_name("model-package.json")
    content = path.read_bytes()
    path.write_bytes(manifest.read_bytes())
    manifest.chmod(0o644)
    manifest.write_bytes(content)


def add(path):
    """Put a file beside."""
    path.parent.chmod(0o755)
    path.with_name("extra").write_text("more")


@pytest.mark.parametrize("tamper", [flip, truncate, swap, add])
def test_a_package_changed_on_the_host_never_serves(host, tamper):
    """Artifact, whatever was done to it; it is put away, so that the next launch is sent a whole one."""
    package = host.package()
    host.bring(package)
    model = Path(host.layout.package(package[2])) / "model.onnx"
    model.chmod(0o644)
    tamper(model)
    result = host.act("deployment_launch", 1, package)

    assert ("failed", "artifact") == (result["outcome"], result["cause"]), result
    assert ["archive"] == host.bring(package, archive=None)["needs"]
    assert "changed" == host.act("deployment_launch", 2, package)["outcome"]


def test_a_pip_that_outlives_its_module_keeps_the_environments_lock(host, tmp_path):
    """Whoever builds next waits for it: never two writers in one folder."""
    lock = str(tmp_path / "environment.lock")
    with durable_files.locked(lock) as descriptor:
        orphan = subprocess.Popen(["/bin/sleep", "60"], pass_fds=(descriptor,))
    try:
        with pytest.raises(TimeoutError), durable_files.locked(lock, 0.0):
            pass
    finally:
        orphan.kill()
        orphan.wait()
    with durable_files.locked(lock, 0.0) as again:
        assert again > 0
