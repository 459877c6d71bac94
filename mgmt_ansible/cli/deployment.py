"""`mgmt-ansible deployment`: one model served under one id."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import typer

from mgmt_ansible.cli import (
    deployment_changes,
    deployment_export,
    deployment_facts,
    deployment_history,
    deployment_list,
    deployment_responses,
    deployment_rows,
    deployment_tags,
    options,
    references,
    waiting,
)
from mgmt_ansible.domain.actions import ActionStatus
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


app.command("list")(deployment_list.list_deployments)
app.command("export")(deployment_export.export_deployments)
app.command()(deployment_history.diff)
app.command()(deployment_responses.responses)
app.command()(deployment_facts.change)


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
            said = "" if session.output.json else _said(session, seen)
            session.output.show_one(
                seen, lambda one: (*deployment_rows.pairs(one, said), *deployment_rows.step_pairs(steps))
            )

        session.output.watch(show_it) if watch else show_it()


for _command in deployment_changes.COMMANDS:
    app.command()(_command)


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


def _said(session: Session, deployment: wire.Deployment) -> str:
    """Return where the newest action is, what it waits for, or why it failed."""
    if deployment.current_action is None:
        return ""
    action = session.client.actions.get_action(deployment.current_action.id)
    return action.message if action.status is ActionStatus.FAILED else action.progress


def _next_steps(session: Session, deployment: wire.Deployment) -> tuple[NextStep, ...]:
    """Return what to do about the newest ended action of a deployment that is not well."""
    if deployment.service_health.status in (Health.PASSING, Health.INFO):
        return ()
    recent = islice(session.client.actions.list_actions(deployment_id=deployment.id), _RECENT_ACTIONS)
    ended = next((one for one in recent if one.finished_at and one.status is not ActionStatus.SUPERSEDED), None)
    return waiting.next_steps(session.client.actions.get_action(ended.id)) if ended is not None else ()
