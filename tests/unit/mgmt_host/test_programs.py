"""The host package as it travels: complete, for Python 3.8, joinable into one file."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from mgmt_host import programs

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "playbooks" / "module_utils" / "mgmt_host"
MODULES = sorted(".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in PACKAGE.rglob("*.py"))


def test_all_modules_are_listed():
    """What is not listed does not reach the host."""
    assert MODULES == sorted(programs.MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_python_3_8(name):
    """Hosts may be that old."""
    ast.parse(PACKAGE.joinpath(*name.split(".")).with_suffix(".py").read_text(), feature_version=(3, 8))


def test_installing_again_gives_the_same_folder(host):
    """A version is written once."""
    assert programs.install(host.layout) == programs.install(host.layout)


def test_the_joined_file_performs_a_launch(host, tmp_path):
    """One file, JSON in, JSON out, and the model serves."""
    joined = tmp_path / "joined.py"
    subprocess.run([sys.executable, ROOT / "scripts" / "join-host-package", joined], check=True)
    package = host.package()
    host.bring(package)
    parameters = {
        "action": "deployment_launch",
        "deployment_id": "d1",
        "generation": 1,
        "attempt": 1,
        "package": {"digest": package[2], "runtime": "onnx"},
        "base_dir": host.base_dir,
        "bind_address": "127.0.0.1",
        "boot_start": False,
        "supervision": "process",
    }
    request = json.dumps({"door": "deployment", "parameters": parameters})
    done = subprocess.run([sys.executable, "-I", joined], input=request, capture_output=True, text=True, check=True)

    assert "changed" == json.loads(done.stdout)["outcome"]
