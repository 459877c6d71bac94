"""The wheel for agents: whole, the same each time, and what pip expects."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile

import pytest

import mgmt_ansible
from mgmt_ansible.control_plane.agent_wheels import AgentWheel, AgentWheels
from mgmt_ansible.settings.content import default_content_path


@pytest.fixture(scope="module")
def wheel() -> AgentWheel:
    return AgentWheels().wheel()


@pytest.fixture(scope="module")
def files(wheel) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(wheel.body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_same_files_give_the_same_octets(wheel):
    """Two control planes, or one after a restart, show the same checksum."""
    assert wheel == AgentWheels().wheel()
    assert hashlib.sha256(wheel.body).hexdigest() == wheel.sha256


def test_it_holds_the_program_and_what_ansible_runs(files):
    """And nothing that Python left behind."""
    playbooks = {
        f"mgmt_ansible/content/playbooks/{path.name}" for path in default_content_path().glob("playbooks/*.yml")
    }

    assert playbooks
    assert set() == (playbooks | {"mgmt_ansible/cli/agent.py", "mgmt_ansible/py.typed"}) - files.keys()
    assert [] == [name for name in files if "__pycache__" in name or "/." in name]


def test_its_record_tells_the_digest_of_every_file(files):
    """Source: the format's own rule."""
    folder = f"mgmt_ansible-{mgmt_ansible.__version__}.dist-info"
    record = {row[0]: row[1] for row in csv.reader(io.StringIO(files[f"{folder}/RECORD"].decode())) if row}
    digests = {
        name: "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
        for name, body in files.items()
        if not name.endswith("/RECORD")
    }

    assert {**digests, f"{folder}/RECORD": ""} == record
    assert b"mgmt-ansible = mgmt_ansible.cli:main" in files[f"{folder}/entry_points.txt"]


def test_all_that_it_needs_is_pinned():
    """Also what its requirements need, and nothing of the extras."""
    pins = dict(line.split("==") for line in AgentWheels().constraints().splitlines())

    assert {"ansible-core", "ansible-runner", "jinja2", "pydantic-core"} <= pins.keys()
    assert set() == {"onnxruntime", "scikit-learn", "mgmt-ansible"} & pins.keys()
