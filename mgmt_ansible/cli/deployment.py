"""`mgmt-ansible deployment`: one model served under one id."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible import errors
from mgmt_ansible.cli import (
    bodies,
    deployment_history,
    deployment_responses,
    deployment_rows,
    deployment_tags,
    options,
    references,
    waiting,
)
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health

if TYPE_CHECKING:
    from mgmt_ansible.cli.options import Session
    from mgmt_ansible.domain.next_steps import NextStep
    from mgmt_ansible.wire import api_v2 as wire

_RECENT_ACTIONS = 20

app = typer.Typer(
    help="Deployments: launch, replace the model, stop, look.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(deployment_tags.app, name="tag")


@app.command("list")
def list_deployments(
    context: typer.Context,
    environment: options.EnvironmentFilter = None,
    state: Annotated[DeploymentState | None, typer.Option("--state", help="Only in this state.")] = None,
    health: Annotated[Health | None, typer.Option("--health", help="Only of this health.")] = None,
    search: Annotated[
        str | None, typer.Option("--search", help="Only with this text in label, description, id or package name.")
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="Only where this host is: its inventory name.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Only that want a package of this name.")] = None,
    importance: Annotated[str | None, typer.Option("--importance", help="LOW, MODERATE, HIGH or CRITICAL.")] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort", help="label, serviceHealth, importance, createdAt or updatedAt; - before turns it round."
        ),
    ] = None,
    watch: options.WatchOption = False,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="As they were so long ago (12h), or at a time; no filters."),
    ] = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List deployments; with `--at`, as they were at a time."""
    if at is not None and any((environment, state, health, search, host, model, importance, sort, watch)):
        raise errors.InvalidRequestError("--at: lists all deployments; leave out the filters and --watch")
    with options.connected(context, json_output, data) as session:
        if at is not None:
            deployment_history.show_at(session, at)
            return
        client = session.client
        environment_id = references.find_environment(client, environment).id if environment else None

        def show_all() -> None:
            found = client.deployments.list_deployments(
                environment_id=environment_id,
                state=state,
                health=health,
                search=search,
                host=host,
                package_name=model,
                importances=(importance.upper(),) if importance else (),
                order_by=sort,
            )
            session.output.show_list(list(found), deployment_rows.COLUMNS, deployment_rows.row)

        session.output.watch(show_all) if watch else show_all()


app.command()(deployment_history.diff)
app.command()(deployment_responses.responses)


@app.command()
def show(
    context: typer.Context,
    deployment: options.DeploymentArgument,
    watch: options.WatchOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Show one deployment: state, health, model, and where it answers."""
    with options.connected(context, json_output, data) as session:
        found = references.find_deployment(session.client, deployment)

        def show_it() -> None:
            seen = session.client.deployments.get_deployment(found.id)
            steps = () if session.output.json else _next_steps(session, seen)
            progress = "" if session.output.json else _progress(session, seen)
            session.output.show_one(
                seen, lambda one: (*deployment_rows.pairs(one, progress), *deployment_rows.step_pairs(steps))
            )

        session.output.watch(show_it) if watch else show_it()


@app.command()
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


@app.command()
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
        accepted = session.client.deployments.replace_model(found.id, body)
        waiting.conclude(session, accepted, wait=wait or dry_run)


@app.command()
def rollback(
    context: typer.Context,
    deployment: options.DeploymentArgument,
    timeout: options.TimeoutOption = None,
    dry_run: options.DryRunOption = False,
    wait: options.WaitOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Bring back the model of the last other release that succeeded, gated like a replacement."""
    with options.connected(context, json_output, data) as session:
        _ask(session, deployment, ActionType.DEPLOYMENT_ROLLBACK, timeout=timeout, dry_run=dry_run, wait=wait)


@app.command()
def hosts(
    context: typer.Context,
    deployment: options.DeploymentArgument,
    watch: options.WatchOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List what each host last made of the deployment."""
    with options.connected(context, json_output, data) as session:
        found = references.find_deployment(session.client, deployment)

        def show_all() -> None:
            told = session.client.deployments.list_hosts(deployment_id=found.id)
            session.output.show_list(list(told), deployment_rows.HOST_COLUMNS, deployment_rows.host_row)

        session.output.watch(show_all) if watch else show_all()


@app.command()
def stop(
    context: typer.Context,
    deployment: options.DeploymentArgument,
    timeout: options.TimeoutOption = None,
    dry_run: options.DryRunOption = False,
    wait: options.WaitOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Stop the model on every host; the deployment stays known."""
    with options.connected(context, json_output, data) as session:
        _ask(session, deployment, ActionType.DEPLOYMENT_STOP, timeout=timeout, dry_run=dry_run, wait=wait)


@app.command()
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
        _ask(session, deployment, action_type, timeout=timeout, dry_run=dry_run, failed_only=failed_only, wait=wait)


@app.command()
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
        _ask(session, deployment, ActionType.DEPLOYMENT_STATUS, timeout=timeout, wait=wait)


@app.command()
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


@app.command()
def delete(
    context: typer.Context,
    deployment: options.DeploymentArgument,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Forget it without asking the agent; what runs on hosts goes on.")
    ] = False,
    wait: options.WaitOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Stop the deployment, then forget it."""
    with options.connected(context, json_output, data) as session:
        found = references.find_deployment(session.client, deployment)
        accepted = session.client.deployments.delete(found.id, at_once=at_once)
        if accepted is None:
            session.output.say(f"deployment {found.label} is forgotten", {"id": found.id, "deleted": True})
        else:
            waiting.conclude(session, accepted, wait=wait)


def _progress(session: Session, deployment: wire.Deployment) -> str:
    """Return where the action under way is, or what it waits for."""
    brief = deployment.current_action
    return session.client.actions.get_action(brief.id).progress if brief is not None else ""


def _next_steps(session: Session, deployment: wire.Deployment) -> tuple[NextStep, ...]:
    """Return what to do about the newest ended action of a deployment that is not well."""
    if deployment.service_health.status in (Health.PASSING, Health.INFO):
        return ()
    recent = islice(session.client.actions.list_actions(deployment_id=deployment.id), _RECENT_ACTIONS)
    ended = next((one for one in recent if one.finished_at and one.status is not ActionStatus.SUPERSEDED), None)
    return waiting.next_steps(session.client.actions.get_action(ended.id)) if ended is not None else ()


def _ask(
    session: Session,
    deployment: str,
    action_type: ActionType,
    *,
    timeout: float | None,
    wait: bool,
    dry_run: bool = False,
    failed_only: bool = False,
) -> None:
    found = references.find_deployment(session.client, deployment)
    accepted = session.client.deployments.ask(
        found.id, action_type, timeout_seconds=timeout, dry_run=dry_run, failed_only=failed_only
    )
    waiting.conclude(session, accepted, wait=wait or dry_run)
