"""`mgmt-ansible deployment`: the verbs that ask for an action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible.cli import bodies, confirming, options, references, waiting
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.deployments import DeploymentState

if TYPE_CHECKING:
    from mgmt_ansible.cli.options import Session


def launch(
    context: typer.Context,
    label: Annotated[str, typer.Argument(help="What people will call the deployment.")],
    package: options.PackageOption,
    environment: options.EnvironmentOption,
    deployment_id: Annotated[
        str | None, typer.Option("--id", help="Id to use (a folder name on hosts); without it one is made.")
    ] = None,
    description: Annotated[str, typer.Option("--description", help="Free text.")] = "",
    importance: Annotated[str, typer.Option("--importance", help="LOW, MODERATE, HIGH or CRITICAL.")] = "LOW",
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="Stable port; without it each host chooses one.")
    ] = None,
    minimum_healthy: options.HealthyOption = None,
    timeout: options.TimeoutOption = None,
    wait: options.WaitOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Create a deployment and launch it on every host of the environment."""
    from mgmt_ansible.wire.api_v2 import DeploymentIn

    with options.connected(context, json_output, data) as session:
        body = bodies.checked(
            DeploymentIn,
            label=label,
            model_package_id=references.find_package(session.client, package).id,
            prediction_environment_id=references.find_environment(session.client, environment).id,
            deployment_id=deployment_id,
            description=description,
            importance=importance.upper(),
            port=port,
            minimum_healthy_seconds=minimum_healthy,
            timeout_seconds=timeout,
        )
        waiting.conclude(session, session.client.deployments.launch(body), wait=wait)


def replace(
    context: typer.Context,
    deployment: options.DeploymentArgument,
    package: options.PackageOption,
    reason: Annotated[
        str, typer.Option("--reason", help="ACCURACY, DATA_DRIFT, ERRORS, SCHEDULED_REFRESH, SCORING_SPEED or OTHER.")
    ] = "OTHER",
    minimum_healthy: options.HealthyOption = None,
    timeout: options.TimeoutOption = None,
    dry_run: options.DryRunOption = False,
    confirm: confirming.ConfirmOption = None,
    wait: options.WaitOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Replace the model: the new one gets traffic when its gate has passed, else the old one goes on."""
    from mgmt_ansible.wire.api_v2 import ModelReplacement

    with options.connected(context, json_output, data) as session:
        found = references.find_deployment(session.client, deployment)
        body = bodies.checked(
            ModelReplacement,
            model_package_id=references.find_package(session.client, package).id,
            reason=reason.upper(),
            minimum_healthy_seconds=minimum_healthy,
            timeout_seconds=timeout,
            dry_run=dry_run,
        )
        if not dry_run:
            confirming.require(found, ActionType.DEPLOYMENT_REPLACE_MODEL, confirm)
        accepted = session.client.deployments.replace_model(found.id, body)
        waiting.conclude(session, accepted, wait=wait or dry_run)


def rollback(
    context: typer.Context,
    deployment: options.DeploymentArgument,
    timeout: options.TimeoutOption = None,
    dry_run: options.DryRunOption = False,
    wait: options.WaitOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Bring back the model of the last other release that succeeded: gated like a replacement, and waiting for nothing else."""
    with options.connected(context, json_output, data) as session:
        _ask(
            session,
            references.find_deployment(session.client, deployment).id,
            ActionType.DEPLOYMENT_ROLLBACK,
            timeout=timeout,
            dry_run=dry_run,
            wait=wait,
        )


def stop(
    context: typer.Context,
    deployment: options.DeploymentArgument,
    timeout: options.TimeoutOption = None,
    dry_run: options.DryRunOption = False,
    confirm: confirming.ConfirmOption = None,
    wait: options.WaitOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Stop the model on every host; the deployment stays known."""
    with options.connected(context, json_output, data) as session:
        found = references.find_deployment(session.client, deployment)
        if not dry_run:
            confirming.require(found, ActionType.DEPLOYMENT_STOP, confirm)
        _ask(session, found.id, ActionType.DEPLOYMENT_STOP, timeout=timeout, dry_run=dry_run, wait=wait)


def relaunch(
    context: typer.Context,
    deployment: options.DeploymentArgument,
    failed_only: Annotated[
        bool, typer.Option("--failed-only", help="Only hosts whose own last result was not fine; the others serve on.")
    ] = False,
    timeout: options.TimeoutOption = None,
    dry_run: options.DryRunOption = False,
    wait: options.WaitOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Serve the wanted model anew, as a new generation; also of a stopped deployment."""
    with options.connected(context, json_output, data) as session:
        stopped = references.find_deployment(session.client, deployment).state is DeploymentState.STOPPED
        launches = stopped and not failed_only
        action_type = ActionType.DEPLOYMENT_LAUNCH if launches else ActionType.DEPLOYMENT_RELAUNCH
        _ask(
            session,
            references.find_deployment(session.client, deployment).id,
            action_type,
            timeout=timeout,
            dry_run=dry_run,
            failed_only=failed_only,
            wait=wait,
        )


def status(
    context: typer.Context,
    deployment: options.DeploymentArgument,
    timeout: options.TimeoutOption = None,
    wait: options.WaitOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Look at the deployment on every host; changes nothing."""
    with options.connected(context, json_output, data) as session:
        _ask(
            session,
            references.find_deployment(session.client, deployment).id,
            ActionType.DEPLOYMENT_STATUS,
            timeout=timeout,
            wait=wait,
        )


def cancel(
    context: typer.Context,
    deployment: options.DeploymentArgument,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Cancel the deployment's current action."""
    with options.connected(context, json_output, data) as session:
        found = references.find_deployment(session.client, deployment)
        action = found.current_action
        if action is None:
            session.output.say(f"deployment {found.label} has no action under way", {"id": found.id, "actionId": None})
            return
        session.client.actions.cancel(action.id)
        session.output.say(f"{action.type} is asked to end", {"id": found.id, "actionId": action.id})


def delete(
    context: typer.Context,
    deployment: options.DeploymentArgument,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Forget it without asking the agent; what runs on hosts goes on.")
    ] = False,
    confirm: confirming.ConfirmOption = None,
    wait: options.WaitOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Stop the deployment, then forget it."""
    with options.connected(context, json_output, data) as session:
        found = references.find_deployment(session.client, deployment)
        confirming.require(found, ActionType.DEPLOYMENT_STOP, confirm)
        accepted = session.client.deployments.delete(found.id, at_once=at_once)
        if accepted is None:
            session.output.say(f"deployment {found.label} is forgotten", {"id": found.id, "deleted": True})
        else:
            waiting.conclude(session, accepted, wait=wait)


def _ask(
    session: Session,
    deployment_id: str,
    action_type: ActionType,
    *,
    timeout: float | None,
    wait: bool,
    dry_run: bool = False,
    failed_only: bool = False,
) -> None:
    accepted = session.client.deployments.ask(
        deployment_id, action_type, timeout_seconds=timeout, dry_run=dry_run, failed_only=failed_only
    )
    waiting.conclude(session, accepted, wait=wait or dry_run)


COMMANDS = (launch, replace, rollback, stop, relaunch, status, cancel, delete)
"""In the order of the help."""
