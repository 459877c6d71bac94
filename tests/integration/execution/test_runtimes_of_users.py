"""The how-to `add-a-runtime.md`, done as it stands there: a row, a role, a package, and a model that predicts."""

from __future__ import annotations

import json
import os
import re
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from mgmt_ansible import archives, errors
from mgmt_ansible.domain.actions import ActionType, Claim
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.model_packages import ModelPackage
from mgmt_ansible.domain.outcomes import Outcome
from mgmt_ansible.execution.runs import RunExecutor
from mgmt_ansible.plugins.ansible import AnsiblePlugin
from mgmt_ansible.settings.agent import load_agent_settings
from mgmt_ansible.settings.content import default_content_path
from tests.integration.loopback_runs import ENVIRONMENT, Cancel, Steps, make_installation, make_spec

pytestmark = pytest.mark.ssh

PAGE = default_content_path() / "docs" / "how-to" / "add-a-runtime.md"
FILES = re.compile(r"^`([a-z]\S+)`:\n\n```[a-z]+\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Direct:
    """Workers that run at once."""

    def __init__(self, executor):
        self._executor = executor

    def submit(self, request, progress, cancel):
        return self._executor.execute(request, progress, cancel)


class OneHost:
    """The loopback host."""

    def resolve(self, environment_id):
        return (InventoryHost(name="loopback"),)

    snapshot = resolve


class Follower:
    """Does what the page says, in a folder, against the loopback host."""

    def __init__(self, folder, loopback):
        self.folder = folder
        for name, text in FILES.findall(PAGE.read_text()):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("/opt/scorer", str(folder / "opt")))
        self.installed = folder / "opt" / "bin" / "scorer"
        self._inventory = loopback.inventory

    def settings(self, **changes):
        """Return the agent's settings with the page's own section of an environment."""
        section = yaml.safe_load(re.search(r"^environments:\n(?:  .*\n)+", PAGE.read_text(), re.MULTILINE)[0])
        mine = {
            **section["environments"][0],
            "id": ENVIRONMENT,
            "inventory": str(self._inventory),
            "base_dir": str(self.folder / "base"),
            "bind_address": "127.0.0.1",
            "boot_start": False,
            "supervision": "process",
            "traffic": "none",
            **changes,
        }
        said = {"control_plane": {"url": "https://cp", "token": "x" * 20}, "environments": [mine]}
        path = self.folder / "agent.yaml"
        path.write_text(yaml.safe_dump(said))
        path.chmod(0o600)
        return load_agent_settings(path)

    def act(self, action, generation, **changes):
        """Perform an action as the agent does; return what the host made of it."""
        archive = self.folder / "price.tar.gz"
        contents = archives.build_package(self.folder / "price", archive)
        package = ModelPackage(
            id="1" * 24,
            name="price",
            version="1",
            digest=contents.digest,
            archive_sha256=contents.archive_sha256,
            archive_bytes=contents.archive_bytes,
            runtime=contents.runtime,
        )
        target = DeploymentTarget(id="price", label="Price", generation=generation, package=package)
        spec = make_spec(action, deployment=target, id=f"{generation:024x}", stop_timeout_seconds=5.0)
        bindings = self.settings(**changes).bindings
        executor = RunExecutor(
            bindings=bindings,
            installation=make_installation(),
            content_path=default_content_path(),
            archive_path=lambda _: archive,
            inherited=dict(os.environ),
        )
        plugin = AnsiblePlugin(bindings=bindings, inventory=OneHost(), workers=Direct(executor))
        claim = Claim(spec=spec, attempt=1, expires_at=datetime.now(UTC), heartbeat_seconds=60)
        ((_, outcome),) = plugin.perform(claim, plugin.plan(spec), Steps(), Cancel())
        return outcome.hosts["loopback"]


@pytest.fixture
def follower(tmp_path, loopback):
    """Return somebody who follows the page; what was launched is stopped afterwards."""
    made = Follower(tmp_path, loopback)
    yield made
    made.act(ActionType.DEPLOYMENT_STOP, 99)


def predict(url):
    """Return what the model answers."""
    request = urllib.request.Request(url, b'{"rows": [[1, 1]]}', {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_the_page_works_as_it_stands(follower):
    """The role installs, the row starts, the gates pass, the model predicts; a replacement and a second run, too."""
    first = follower.act(ActionType.DEPLOYMENT_LAUNCH, 1)
    assert (Outcome.CHANGED, True) == (first.outcome, follower.installed.exists()), first
    assert {"predictions": [10.0], "unit": "euro"} == predict(first.identity.url)

    manifest = json.loads((follower.folder / "price" / "model-package.json").read_text())
    manifest["serve"]["arguments"] = ["--scale", "1"]
    manifest["smoke"]["answer"] = {"predictions": [8.0], "unit": "{{ 7 * 7 }}"}
    (follower.folder / "price" / "model-package.json").write_text(json.dumps(manifest))
    rows = follower.folder / "content" / "runtimes.yml"
    rows.write_text(rows.read_text().replace("SCORER_UNIT: euro", 'SCORER_UNIT: "{{ 7 * 7 }}"'))
    second = follower.act(ActionType.DEPLOYMENT_REPLACE_MODEL, 2)
    again = follower.act(ActionType.DEPLOYMENT_REPLACE_MODEL, 2)

    assert (Outcome.CHANGED, Outcome.OK) == (second.outcome, again.outcome), second
    assert {"predictions": [5.0], "unit": "{{ 7 * 7 }}"} == predict(second.identity.url)  # data, never a template


def test_what_the_agent_does_not_allow_is_refused_before_any_host(tmp_path, loopback):
    """The row alone does not do."""
    made = Follower(tmp_path, loopback)
    with pytest.raises(errors.PluginError, match="may not serve runtime scorer"):
        made.act(ActionType.DEPLOYMENT_LAUNCH, 1, runtimes=["onnx"])

    assert not Path(made.folder / "base").exists()


def test_a_package_that_says_what_the_row_does_not_leave_to_it_is_refused_on_the_host(follower):
    """The host knows the row; the control plane does not."""
    manifest = json.loads((follower.folder / "price" / "model-package.json").read_text())
    manifest["serve"] = {"start": ["python3", "{package}/x.py"]}
    (follower.folder / "price" / "model-package.json").write_text(json.dumps(manifest))
    refused = follower.act(ActionType.DEPLOYMENT_LAUNCH, 1)

    assert (Outcome.FAILED, "artifact") == (refused.outcome, refused.cause)
    assert "takes only arguments, resources, secrets, variables with runtime scorer" in refused.message
