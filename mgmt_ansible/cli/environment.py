"""`mgmt-ansible environment`: where predictions are served."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible.cli import bodies, options, references, text, waiting
from mgmt_ansible.cli.output import Cell

if TYPE_CHECKING:
    from mgmt_ansible.wire.api_v2 import PredictionEnvironment
    from mgmt_ansible.wire.orphans import Orphan

app = typer.Typer(help="Prediction environments: where models are served.", no_args_is_help=True, rich_markup_mode=None)

_COLUMNS = ("NAME", "ID", "HEALTH", "STATUS EVERY", "CREATED")


@app.command("list")
def list_environments(
    context: typer.Context,
    search: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Only with this text in name, description or id.")
    ] = None,
    watch: options.WatchOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List environments."""
    with options.connected(context, json_output, data) as session:

        def show_all() -> None:
            found = session.client.environments.list_environments(search=search)
            session.output.show_list(list(found), _COLUMNS, _row)

        session.output.watch(show_all) if watch else show_all()


@app.command()
def show(
    context: typer.Context,
    environment: options.EnvironmentArgument,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Show one environment."""
    with options.connected(context, json_output, data) as session:
        session.output.show_one(references.find_environment(session.client, environment), _pairs)


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As people will say it.")],
    description: Annotated[str, typer.Option("--description", help="Free text.")] = "",
    status_interval: Annotated[
        float,
        typer.Option("--status-interval", metavar="SECONDS", min=0, help="How often to look at hosts; 0 = never."),
    ] = 60.0,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Create an environment; an agent's configuration then binds its id to an inventory."""
    from mgmt_ansible.wire.api_v2 import PredictionEnvironmentIn

    body = bodies.checked(
        PredictionEnvironmentIn, name=name, description=description, status_interval_seconds=status_interval
    )
    with options.connected(context, json_output, data) as session:
        session.output.show_one(session.client.environments.create_environment(body), _pairs)


@app.command()
def change(
    context: typer.Context,
    environment: options.EnvironmentArgument,
    name: Annotated[str | None, typer.Option("--name", help="A new name.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="Free text.")] = None,
    status_interval: Annotated[
        float | None,
        typer.Option("--status-interval", metavar="SECONDS", min=0, help="How often to look at hosts; 0 = never."),
    ] = None,
    managed: Annotated[
        bool | None,
        typer.Option(
            "--managed/--self-managed", help="Whether agents act there; without one changes are recorded only."
        ),
    ] = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Change an environment; what is not given stays."""
    from mgmt_ansible.wire.api_v2 import PredictionEnvironmentPatch

    body = bodies.checked(
        PredictionEnvironmentPatch,
        name=name,
        description=description,
        status_interval_seconds=status_interval,
        is_managed_by_management_agent=managed,
    )
    with options.connected(context, json_output, data) as session:
        found = references.find_environment(session.client, environment)
        session.output.show_one(session.client.environments.change_environment(found.id, body), _pairs)


@app.command()
def status(
    context: typer.Context,
    environment: options.EnvironmentArgument,
    timeout: options.TimeoutOption = None,
    wait: options.WaitOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Look at all deployments of an environment in one run."""
    with options.connected(context, json_output, data) as session:
        found = references.find_environment(session.client, environment)
        accepted = session.client.environments.ask_status(found.id, timeout_seconds=timeout)
        waiting.conclude(session, accepted, wait=wait)


@app.command()
def orphans(
    context: typer.Context,
    environment: options.EnvironmentArgument,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List what lies on the environment's hosts and is no deployment here; nothing is ever done about it."""
    with options.connected(context, json_output, data) as session:
        found = references.find_environment(session.client, environment)
        told = list(session.client.environments.list_orphans(found.id))
        session.output.show_list(told, ("DEPLOYMENT", "HOST", "STATE", "SINCE"), _orphan_row)


@app.command()
def delete(
    context: typer.Context,
    environment: options.EnvironmentArgument,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Delete an environment that no deployment uses."""
    with options.connected(context, json_output, data) as session:
        found = references.find_environment(session.client, environment)
        session.client.environments.delete_environment(found.id)
        session.output.say(f"environment {found.name} is deleted", {"id": found.id, "deleted": True})


def _orphan_row(orphan: Orphan) -> Sequence[Cell]:
    return (orphan.deployment_id, orphan.host, orphan.state.value, text.ago(orphan.since))


def _row(environment: PredictionEnvironment) -> Sequence[Cell]:
    return (
        environment.name,
        environment.id,
        environment.health.status,
        f"{environment.status_interval_seconds:g} s",
        text.ago(environment.created_at),
    )


def _pairs(environment: PredictionEnvironment) -> Iterable[tuple[str, Cell]]:
    yield "name", environment.name
    yield "id", environment.id
    yield "health", environment.health.status
    yield "managed by", "agents" if environment.is_managed_by_management_agent else "its owners: no agent acts"
    yield "status every", f"{environment.status_interval_seconds:g} s"
    yield "created", text.clock(environment.created_at)
    if environment.description:
        yield "description", environment.description
