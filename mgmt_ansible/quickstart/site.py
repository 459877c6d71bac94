"""A whole site on one machine: sshd as host, control plane, agent, and an environment that binds them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import requests
import yaml

from mgmt_ansible import errors
from mgmt_ansible.client import Client
from mgmt_ansible.domain.model_packages import Runtime
from mgmt_ansible.quickstart import host_state, samples
from mgmt_ansible.quickstart.children import Child
from mgmt_ansible.quickstart.data_folder import DataFolder, write_private
from mgmt_ansible.quickstart.loopback import LoopbackHost, is_free
from mgmt_ansible.quickstart.openssh import require_openssh
from mgmt_ansible.quickstart.samples import Samples
from mgmt_ansible.quickstart.stages import Stages, Tell
from mgmt_ansible.wire.api_v2 import Action, ModelPackage, PredictionEnvironment, PredictionEnvironmentIn

ENVIRONMENT = "loopback"
AGENT = "loopback-agent"
_ADDRESS = "127.0.0.1"
_START_SECONDS = 60.0
_PORTS_TRIED = 200
_STARTS = 3
_AGENT_GRACE_SECONDS = 2.0
_AGENT_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.05


class Site:
    """Starts and stops the parts of one data folder.

    Attributes:
        folder: Where everything lies.
        host: The private sshd.
        client: Connection to the control plane; valid after `start`.
        environment: The one environment; valid after `start`.
        samples: Of the demo models; valid after `start`.
    """

    client: Client
    environment: PredictionEnvironment
    samples: Samples

    def __init__(
        self, folder: DataFolder, stages: Stages, *, agent_settings: Mapping[str, object] | None = None
    ) -> None:
        """Describe a site; nothing is started.

        Args:
            folder: Where everything will lie.
            stages: Told what is being done.
            agent_settings: More settings of the environment in the agent's configuration.
        """
        self.folder = folder
        self._agent_settings = dict(agent_settings or {})
        self.host = LoopbackHost(folder.sshd)
        self._stages = stages
        self._control_plane = Child(folder, "control-plane")
        self._agent = Child(folder, "agent")
        self._trainer = Child(folder, "demo-models")

    def start(self, *, port: int) -> None:
        """Bring everything up; leftovers of a killed predecessor are stopped first.

        Args:
            port: First port to try for the control plane.

        Raises:
            QuickstartError: A part did not start; the message names its log.
        """
        require_openssh()
        self._stop_leftovers()
        self._begin_training()
        with self._stages.stage("private sshd on loopback, as first host"):
            self.host.start()
        with self._stages.stage("control plane"):
            url = self._start_control_plane(port)
        self._connect(url)
        with self._stages.stage("agent"):
            self._start_agent(url)
        self.samples = self._trained()

    def stop(self) -> None:
        """Stop agent, models, sshd and control plane, and nothing else; idempotent.

        The agent ends first, as it would repair what else is stopped; the control plane ends last, as it hears the
        agent's last words. A part that cannot be stopped keeps none of the others running.

        Raises:
            QuickstartError: A model still lives; everything else is stopped.
            OSError: A record of a part cannot be read or removed; everything else is stopped.
        """
        with ExitStack() as last_first:
            last_first.callback(self._control_plane.stop)
            last_first.callback(host_state.stop_models, self.folder.host)
            last_first.callback(self.host.stop)
            last_first.callback(self._agent.stop, grace_seconds=_AGENT_STOP_SECONDS)
            last_first.callback(self._trainer.stop, grace_seconds=0)

    def find_dead_part(self) -> errors.QuickstartError | None:
        """Return why a part ended by itself, or None when all run."""
        dead = (part for part in (self._control_plane, self._agent) if part.exit_code is not None)
        return next((part.failure() for part in dead), None)

    def upload(self) -> dict[str, ModelPackage]:
        """Register both demo packages; returns version -> package."""
        return {
            version: self.client.packages.upload(
                samples.archive_path(self.folder.models, version), name=samples.PACKAGE_NAME, version=version
            )
            for version in samples.VERSIONS
        }

    def wait(self, action_id: str | None, tell: Tell) -> Action:
        """Wait for an action and tell its progress.

        Raises:
            QuickstartError: It did not succeed; the message holds cause and evidence.
        """
        if action_id is None:
            raise errors.QuickstartError("the control plane accepted the request without an action")
        action = self.client.actions.wait_for_action(
            action_id, on_progress=lambda action: self._tell_progress(action, tell)
        )
        if action.status != "succeeded":
            raise errors.QuickstartError(_failure_text(action))
        return action

    def _tell_progress(self, action: Action, tell: Tell) -> None:
        dead = self.find_dead_part()
        if dead is not None:
            raise dead
        if action.progress:
            tell(action.progress)

    def _stop_leftovers(self) -> None:
        for part in (self._trainer, self._agent, self._control_plane):
            part.stop_leftover()
        self.host.stop()
        host_state.stop_models(self.folder.host)

    def _begin_training(self) -> None:
        if samples.find_samples(self.folder.models) is None:
            self._trainer.start("mgmt_ansible.quickstart.demo_models", [str(self.folder.models)])

    def _trained(self) -> Samples:
        found = samples.find_samples(self.folder.models)
        if found is None:
            with self._stages.stage("two classifiers trained and exported to ONNX"):
                self._trainer.wait()
                found = samples.find_samples(self.folder.models)
        if found is None:
            raise self._trainer.failure()
        self._trainer.stop()
        return found

    def _start_control_plane(self, port: int) -> str:
        for _ in range(_STARTS):
            port = _free_port_from(port)
            arguments = ["serve", "--data", str(self.folder.control_plane), "--host", _ADDRESS, "--port", str(port)]
            self._control_plane.start("mgmt_ansible.cli", arguments)
            url = f"http://{_ADDRESS}:{port}"
            if self._answers(url):
                return url
            if is_free(_ADDRESS, port):
                break
            port += 1
        raise self._control_plane.failure()

    def _answers(self, url: str) -> bool:
        place = self.folder.control_plane / "control-plane.json"
        with requests.Session() as session:
            session.trust_env = False

            def ready() -> bool:
                try:
                    ours = json.loads(place.read_text())["pid"] == self._control_plane.pid
                    return ours and session.get(f"{url}/healthz", timeout=1).ok
                except (OSError, ValueError, KeyError):
                    return False

            return _wait_until(ready, seconds=_START_SECONDS, while_true=lambda: self._control_plane.exit_code is None)

    def _connect(self, url: str) -> None:
        token = (self.folder.control_plane / "admin.token").read_text().strip()
        write_private(self.folder.client_file, yaml.safe_dump({"url": url, "token": token}))
        self.client = Client(url, token)
        known = (one for one in self.client.environments.list_environments() if one.name == ENVIRONMENT)
        self.environment = next(known, None) or self.client.environments.create_environment(
            PredictionEnvironmentIn(name=ENVIRONMENT, description="This machine, over a private sshd on loopback")
        )

    def _start_agent(self, url: str) -> None:
        for old in [one for one in self.client.access.list_tokens() if one.name == AGENT]:
            self.client.access.revoke_token(old.id)
        made = self.client.access.create_token(AGENT, kind="agent", environment_ids=[self.environment.id])
        write_private(self.folder.agent_token, f"{made.token}\n")
        write_private(self.folder.agent_file, yaml.safe_dump(self._agent_configuration(url), sort_keys=False))
        self._agent.start("mgmt_ansible.cli", ["agent", "--config", str(self.folder.agent_file)])

        def announced() -> bool:
            return any(
                one.name == AGENT and one.last_seen_at >= made.created_at for one in self.client.agents.list_agents()
            )

        if not _wait_until(announced, seconds=_START_SECONDS, while_true=lambda: self._agent.exit_code is None):
            raise self._agent.failure()

    def _agent_configuration(self, url: str) -> dict[str, object]:
        return {
            "control_plane": {"url": url, "token_file": str(self.folder.agent_token)},
            "data_dir": str(self.folder.agent),
            "grace_seconds": _AGENT_GRACE_SECONDS,
            "environments": [
                {
                    "id": self.environment.id,
                    "inventory": str(self.host.inventory),
                    "ansible_cfg": str(self.host.ansible_cfg),
                    "base_dir": str(self.folder.host),
                    "boot_start": False,
                    "supervision": "process",
                    "traffic": "none",  # the proofs look at the model's own port
                    "bind_address": _ADDRESS,
                    "runtimes": [one.value for one in Runtime if one is not Runtime.EXTERNAL],
                    **self._agent_settings,
                }
            ],
        }


def _free_port_from(port: int) -> int:
    for candidate in range(port, min(port + _PORTS_TRIED, 65_536)):
        if is_free(_ADDRESS, candidate):
            return candidate
    raise errors.QuickstartError(f"no free port from {port} on: name another with --port")


def _wait_until(condition: Callable[[], bool], *, seconds: float, while_true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        if not while_true():
            return False
        time.sleep(_POLL_SECONDS)
    return False


def _failure_text(action: Action) -> str:
    lines = [f"{action.type} {action.status}: {action.message or action.outcome}"]
    for host in action.hosts:
        lines.append(f"{host.host}: {host.outcome} {host.cause or ''} {host.message}".rstrip())
        lines.extend(evidence.text for evidence in host.evidence)
    return "\n".join(lines)
