"""A quickstart site for the measurements: a private sshd, control plane and agent in a folder of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.quickstart.data_folder import DataFolder
from mgmt_ansible.quickstart.site import Site
from mgmt_ansible.quickstart.stages import Stages
from mgmt_ansible.wire.api_v2 import Action, DeploymentIn, ModelReplacement, PredictionEnvironmentPatch

_FIRST_PORT = 28_765


@contextmanager
def running_site() -> Iterator[Site]:
    """Yield a running site without periodic status; all of it is gone afterwards."""
    folder = DataFolder(root=Path(tempfile.mkdtemp(prefix="mgmt-ansible-bench-")))
    folder.make()
    site = Site(folder, Stages())
    try:
        with folder.owned():
            site.start(port=_FIRST_PORT)
            quiet = PredictionEnvironmentPatch(status_interval_seconds=0)
            site.client.environments.change_environment(site.environment.id, quiet)
            yield site
    finally:
        site.stop()
        folder.remove()


def launch(site: Site, deployment_id: str, package_id: str, *, minimum_healthy_seconds: float | None = None) -> str:
    """Ask for a launch and return the action's id."""
    wanted = DeploymentIn(
        model_package_id=package_id,
        label=deployment_id,
        deployment_id=deployment_id,
        prediction_environment_id=site.environment.id,
        minimum_healthy_seconds=minimum_healthy_seconds,
    )
    return _accepted(site.client.deployments.launch(wanted).action_id)


def replace(site: Site, deployment_id: str, package_id: str, *, minimum_healthy_seconds: float | None = None) -> str:
    """Ask for a replacement and return the action's id."""
    wanted = ModelReplacement(model_package_id=package_id, minimum_healthy_seconds=minimum_healthy_seconds)
    return _accepted(site.client.deployments.replace_model(deployment_id, wanted).action_id)


def stop(site: Site, deployment_id: str) -> str:
    """Ask for a stop and return the action's id."""
    return _accepted(site.client.deployments.ask(deployment_id, ActionType.DEPLOYMENT_STOP).action_id)


def wait(site: Site, action_id: str) -> Action:
    """Wait for an action; QuickstartError when it does not succeed."""
    return site.wait(action_id, lambda _detail: None)


def event_seconds(site: Site, deployment_id: str, action_id: str) -> float:
    """Return the seconds from an action's `..._started` event to its `..._succeeded` one, by the control plane's clock."""
    received = {
        one.type.rsplit("_", 1)[-1]: one.received_at
        for one in site.client.deployments.list_events(deployment_id)
        if one.action_id == action_id
    }
    return (received["succeeded"] - received["started"]).total_seconds()


def _accepted(action_id: str | None) -> str:
    if action_id is None:
        raise SystemExit("the control plane accepted a request without an action")
    return action_id
