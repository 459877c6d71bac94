"""`mgmt-ansible up`: everything on this machine, with a model to play with, until Ctrl-C."""

from __future__ import annotations

import shlex
import sys
import sysconfig
import time
from pathlib import Path
from typing import NoReturn

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.quickstart import samples, signals
from mgmt_ansible.quickstart.data_folder import DataFolder
from mgmt_ansible.quickstart.site import Site
from mgmt_ansible.quickstart.stages import Stages
from mgmt_ansible.settings.client import default_up_folder
from mgmt_ansible.wire.api_v2 import Deployment, DeploymentIn

DEPLOYMENT = "wine"
_WATCH_SECONDS = 0.5
_NOT_WANTED = frozenset({DeploymentState.STOPPED, DeploymentState.STOPPING})


def run_up(data: Path | None, *, port: int) -> int:
    """Bring everything up, stay until Ctrl-C (or SIGTERM), and stop everything again.

    Args:
        data: Folder for everything; None means `settings.client.default_up_folder`.
        port: First port to try for the pages.

    Returns:
        The exit code: 0 after Ctrl-C.

    Raises:
        QuickstartError: Something did not start, or ended by itself; everything else is stopped again.
    """
    folder, stages = DataFolder(root=(data or default_up_folder()).expanduser().absolute()), Stages()
    folder.make()
    with folder.owned(), signals.interruptible():
        site = Site(folder, stages)
        try:
            _bring_up(site, stages, port)
            _stay(site)
        except KeyboardInterrupt:
            return 0
        finally:
            signals.ignore()
            with stages.stage("stopping agent, models, sshd and control plane"):
                site.stop()


def _bring_up(site: Site, stages: Stages, port: int) -> None:
    stages.say(f"mgmt-ansible up, in {site.folder.root}")
    site.start(port=port)
    deployments = list(site.client.deployments.list_deployments(environment_id=site.environment.id))
    if deployments:
        _print_pages(site, stages)
        _relaunch(site, stages, deployments)
        _print_predictions(site, stages)
    else:
        _launch(site, stages)
        _print_predictions(site, stages)
        _print_pages(site, stages)
    _print_next_commands(site, stages)


def _launch(site: Site, stages: Stages) -> None:
    with stages.stage("both model packages registered"):
        packages = site.upload()
    wanted = DeploymentIn(
        model_package_id=packages[samples.VERSIONS[0]].id,
        label=DEPLOYMENT,
        deployment_id=DEPLOYMENT,
        prediction_environment_id=site.environment.id,
        description="Demo: which cultivar is a bottle of wine from?",
    )
    with stages.stage("first model launched (the first time builds its runtime environment)") as tell:
        site.wait(site.client.deployments.launch(wanted).action_id, tell)


def _relaunch(site: Site, stages: Stages, deployments: list[Deployment]) -> None:
    """Ask for all at once, then wait for each; one that does not come back is shown, and the others go on."""
    asked: list[tuple[Deployment, str | None]] = []
    for deployment in deployments:
        if deployment.state in _NOT_WANTED:
            stages.say(f"  - {deployment.label} is {deployment.state}: left as it is")
        else:
            accepted = site.client.deployments.ask(deployment.id, ActionType.DEPLOYMENT_RELAUNCH)
            asked.append((deployment, accepted.action_id))
    for deployment, action_id in asked:
        try:
            with stages.stage(f"{deployment.label} launched again, as a new generation") as tell:
                site.wait(action_id, tell)
        except errors.QuickstartError as exc:
            if site.find_dead_part() is not None:
                raise
            stages.say(f"    {exc}")


def _find_wine(site: Site) -> Deployment | None:
    """Return our own deployment; the user may have deleted it."""
    found = site.client.deployments.list_deployments(environment_id=site.environment.id)
    return next((one for one in found if one.id == DEPLOYMENT), None)


def _print_predictions(site: Site, stages: Stages) -> None:
    """Ask our own deployment, if it serves one of our own models."""
    wine = _find_wine(site)
    if wine is None or wine.state is not DeploymentState.READY or wine.model_package.name != samples.PACKAGE_NAME:
        return
    bottle = dict(zip(site.samples.features[:3], site.samples.rows[0], strict=False))
    measured = ", ".join(f"{name} {value:.4g}" for name, value in bottle.items())
    for endpoint in wine.endpoints:
        answer = samples.ask_model(endpoint.url, site.samples)
        stages.say(f"\nAsked over HTTP at {endpoint.url}")
        stages.say(f"  a bottle with {measured} ...: {samples.judgement(site.samples, answer[0])}\n")


def _print_pages(site: Site, stages: Stages) -> None:
    link = site.client.access.create_login_link()
    stages.say(f"Pages (this link logs in once):\n  {site.client.url}{link.path}\n")


def _print_next_commands(site: Site, stages: Stages) -> None:
    stages.say("Type next, in another terminal:")
    for arguments in next_commands(_find_wine(site)):
        stages.say(f"  {console_command()} --data {shlex.quote(str(site.folder.root))} {arguments}")
    stages.say("\nCtrl-C stops all of it, models included; the next `up` launches again what was wanted.")


def next_commands(wine: Deployment | None) -> tuple[str, ...]:
    """Return what is worth typing next, without the program and its folder.

    Args:
        wine: Our own deployment as it is now; None when the user has deleted it.
    """
    if wine is None:
        return ("package list", "deployment list", "event list --watch", "login")
    look = (f"deployment show {DEPLOYMENT}", "event list --watch")
    if wine.state in _NOT_WANTED:
        return (*look, f"deployment relaunch {DEPLOYMENT} --wait", "login")
    other = next(version for version in reversed(samples.VERSIONS) if version != wine.model_package.version)
    replace = f"deployment replace {DEPLOYMENT} --package {samples.PACKAGE_NAME}:{other} --wait"
    return (*look, replace, f"deployment stop {DEPLOYMENT} --wait", "login")


def console_command() -> str:
    """Return how to call this program from any folder and any terminal."""
    script = Path(sysconfig.get_path("scripts")) / "mgmt-ansible"
    if script.exists():
        return shlex.quote(str(script))
    return f"{shlex.quote(sys.executable)} -m mgmt_ansible.cli"


def _stay(site: Site) -> NoReturn:
    while True:
        dead: errors.QuickstartError | None = site.find_dead_part()
        if dead is not None:
            raise dead
        time.sleep(_WATCH_SECONDS)
