"""The agent's side as it is, on a test host: the demo package is launched, replaced and stopped over ssh.

Hosts have no way out, so the runtime's environment comes from a wheelhouse: wheels for the host's Python, downloaded once.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import yaml
from mgmt_host.content import runtimes

from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.model_packages import Runtime
from mgmt_ansible.domain.outcomes import HostOutcome
from mgmt_ansible.quickstart import demo_models, samples
from tests.testbed import acting, ssh, wheels
from tests.testbed.hosts import Host

DEPLOYMENT = "wine"
_REQUIREMENTS = runtimes.ONNX.requirements
_TOLERANCE = 1e-4


class HostUnderManagement:
    """One host as the agent's configuration has it.

    Args:
        host: Where.
        account: Who logs in.
        settings: Fields of the binding that are not as they usually are.
    """

    def __init__(self, host: Host, account: str = ssh.USER, **settings: object) -> None:
        self.host = host
        self.models = host.plan.cache / "models"
        self._binding = EnvironmentBinding(
            environment_id=acting.ENVIRONMENT,
            inventory=_write_inventory(host, account),
            pattern=host.name,
            ansible_cfg=host.plan.state / "ansible.cfg",
            runtimes=(Runtime.ONNX, Runtime.COMMAND),
            **{"boot_start": False, **settings},
        )
        found = samples.find_samples(self.models)
        if found is None:
            self.models.mkdir(parents=True, exist_ok=True)
            demo_models.make_packages(self.models)
            found = samples.find_samples(self.models)
        assert found is not None
        self.samples = found

    def act(self, action: ActionType, generation: int, archive: Path | str | None = None) -> HostOutcome:
        """Plan and perform an action as the agent does; return what the host made of it.

        Args:
            action: What.
            generation: Of the deployment.
            archive: What shall be served: a package's archive, or a version of the demo models.
        """
        path = samples.archive_path(self.models, archive) if isinstance(archive, str) else archive
        spec = acting.make_spec(action, DEPLOYMENT, generation, path)
        package = spec.deployment.package
        onnx = package is not None and package.runtime == Runtime.ONNX
        wheelhouse = wheels.find_or_download(self.host, _REQUIREMENTS) if onnx else None
        return acting.perform(self.host.name, replace(self._binding, wheelhouse=wheelhouse), spec, path)

    def probabilities(self, port: int) -> list[float]:
        """Ask the model on its stable port, from the host itself, for all bottles."""
        ask = (
            "import sys, urllib.request as u; "
            f"q = u.Request('http://127.0.0.1:{port}/v2/models/{DEPLOYMENT}/infer', sys.stdin.buffer.read(), "
            "{'Content-Type': 'application/json'}); print(u.urlopen(q, timeout=60).read().decode())"
        )
        said = self.host.ssh(f'python3 -c "{ask}"', stdin=json.dumps(self.samples.request)).stdout
        outputs = {output["name"]: output["data"] for output in json.loads(said)["outputs"]}
        return [float(number) for number in outputs[self.samples.output]]

    def expected(self, version: str) -> list[float]:
        """What scikit-learn said when the model was made."""
        return [number for row in self.samples.probabilities[version] for number in row]


def _write_inventory(host: Host, account: str) -> Path:
    if account == ssh.USER:
        return host.plan.state / "inventory.yml"
    path = host.plan.state / f"inventory-{account}.yml"
    variables = {**ssh.host_variables(host.plan, host.spec), "ansible_user": account}
    path.write_text(yaml.safe_dump({"all": {"hosts": {host.name: variables}}}))
    return path


def launch_replace_stop(host: Host) -> None:
    """The new model answers as scikit-learn does, on the same port; after the stop nothing listens."""
    managed = HostUnderManagement(host)
    launched = managed.act(ActionType.DEPLOYMENT_LAUNCH, 1, "1")
    assert launched.outcome == "changed", launched
    assert launched.identity is not None
    port = launched.identity.port
    _agree(managed, port, "1")
    replaced = managed.act(ActionType.DEPLOYMENT_REPLACE_MODEL, 2, "2")
    assert replaced.outcome == "changed", replaced
    _agree(managed, port, "2")
    stopped = managed.act(ActionType.DEPLOYMENT_STOP, 3)
    assert stopped.outcome == "changed", stopped
    assert host.enter("ss", "-ltnH", f"sport = :{port}").stdout == ""


def _agree(managed: HostUnderManagement, port: int, version: str) -> None:
    pairs = zip(managed.probabilities(port), managed.expected(version), strict=True)
    assert all(abs(said - expected) < _TOLERANCE for said, expected in pairs)
