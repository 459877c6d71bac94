"""What a package asks of its host: limits, variables, and secrets by file, whose values never pass through us."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from pathlib import Path

import pytest
from mgmt_host.content import needs
from mgmt_host.running import slots

from tests.unit.mgmt_host import served_packages

SERVER = Path(__file__).with_name("telling_server.py").read_bytes()
SECRET = "correct-horse-battery-staple"
ASKED = {
    "resources": {"open_files": 777, "gpus": ["1"]},
    "variables": {"MODEL_THREADS": "3 {port} $HOME"},
    "secrets": ["API_KEY"],
}


def package(folder, *words, **changes):
    """Return a package whose server tells what it was given."""
    start = ["python3", "{package}/server.py", "{port}", *words]
    asked = {**ASKED, "predict_path": "", "smoke": None, "start": start, **changes}
    return served_packages.command_package(folder, 1.0, {"server.py": SERVER}, **asked)


@pytest.fixture
def key(tmp_path):
    """Return the file of a secret on the host."""
    path = tmp_path / "key"
    path.write_text(SECRET)
    path.chmod(0o600)
    return path


def places_with(value, host, *more):
    """Return where a value is to be found: in files of the base directory, command lines, environments, or texts."""
    files = [path for path in Path(host.base_dir).rglob("*") if path.is_file() and value in path.read_bytes()]
    found = [str(path) for path in files]
    server = slots.find(host.own(), "a").server
    for pid in [server.pid] if server else []:
        found += [name for name in ("cmdline", "environ") if value in Path(f"/proc/{pid}/{name}").read_bytes()]
    return found + [text for text in more if value.decode() in text]


def test_a_server_gets_what_its_package_asks_for(host, tmp_path, key):
    """Variables as they stand, limits, and where its secret lies; only its own log has what it printed."""
    asked = {"secret_files": [{"name": "API_KEY", "path": str(key)}, {"name": "OTHER", "path": "/nowhere"}]}
    result = served_packages.act(host, "command", package(tmp_path / "p"), **asked)
    assert "changed" == result["outcome"], result
    with urllib.request.urlopen(result["identity"]["url"], timeout=60) as answer:
        told = json.load(answer)

    assert {
        "secret_sha256": hashlib.sha256(SECRET.encode()).hexdigest(),
        "threads": "3 {port} $HOME",
        "gpus": "1",
        "open_files": 777,
    } == told
    log = slots.find(host.own(), "a").path("server.log")
    assert [log] == places_with(SECRET.encode(), host, json.dumps(result))


def test_evidence_has_no_secret_that_a_server_printed(host, tmp_path, key):
    """The end of its log goes to the control plane."""
    asked = {"secret_files": [{"name": "API_KEY", "path": str(key)}]}
    result = served_packages.act(host, "command", package(tmp_path / "p", "end"), **asked)

    assert ("failed", "not_ready") == (result["outcome"], result["cause"]), result
    assert "the key is [redacted]" in json.dumps(result)
    assert [] == places_with(SECRET.encode(), host, json.dumps(result))


@pytest.mark.parametrize(
    ("files", "said"), [([], "secret_files"), ([{"name": "API_KEY", "path": "/nowhere/key"}], "/nowhere/key")]
)
def test_a_secret_that_is_not_there_is_refused_before_anything_starts(host, tmp_path, files, said):
    """The message names the setting, or the file."""
    result = served_packages.act(host, "command", package(tmp_path / "p"), secret_files=files)

    assert ("failed", "dependency") == (result["outcome"], result["cause"])
    assert said in result["message"]


def test_limits_that_nobody_can_enforce_are_noted(host, tmp_path):
    """A process without a cgroup of its own has no limit of memory; nobody shall believe it has."""
    limited = served_packages.command_package(tmp_path / "p", 2.0, resources={"memory_bytes": 1 << 30, "cpus": 1})
    free = served_packages.command_package(tmp_path / "q", 2.0, resources={"open_files": 1000})

    assert "limits_not_enforced" in served_packages.act(host, "command", limited)["notes"]
    assert (
        "limits_not_enforced" not in served_packages.act(host, "command", free, 2, "deployment_replace_model")["notes"]
    )


def test_a_short_secret_does_not_blank_every_text(tmp_path):
    """And an unreadable one leaves the text as it is."""
    (tmp_path / "short").write_text("a\n")

    assert "a log" == needs.redact("a log", {"A": str(tmp_path / "short"), "B": str(tmp_path / "absent"), "C": "/"})


def test_each_line_of_a_secret_is_taken_out(tmp_path):
    """As of a key with a header."""
    (tmp_path / "lines").write_text("first line\nsecond line\n")

    assert "[redacted], [redacted]" == needs.redact("second line, first line", {"A": str(tmp_path / "lines")})
