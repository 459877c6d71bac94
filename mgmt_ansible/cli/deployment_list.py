"""`mgmt-ansible deployment list`."""

from __future__ import annotations

from typing import Annotated

import typer

from mgmt_ansible import errors
from mgmt_ansible.cli import deployment_history, deployment_rows, options, references
from mgmt_ansible.domain.deployments import STATE_WORDS
from mgmt_ansible.domain.health import Health


def _known_states(words: list[str] | None) -> list[str]:
    for word in words or ():
        if word not in STATE_WORDS:
            raise typer.BadParameter(f"{word!r} is not one of {', '.join(STATE_WORDS)}.")
    return words or []


def list_deployments(
    context: typer.Context,
    environment: options.EnvironmentFilter = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state", callback=_known_states, help=f"Only in this state, or one of several: {', '.join(STATE_WORDS)}."
        ),
    ] = None,
    health: Annotated[
        list[Health] | None, typer.Option("--health", help="Only of this health; several: one is enough.")
    ] = None,
    search: Annotated[
        str | None, typer.Option("--search", help="Only with this text in label, description, id or package name.")
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="Only where this host is: its inventory name.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Only that want a package of this name.")] = None,
    owner: Annotated[
        list[str] | None, typer.Option("--owner", help="Only of this user or service; several: one is enough.")
    ] = None,
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
    if at is not None and any((environment, state, health, search, host, model, owner, importance, sort, watch)):
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
                owners=owner or (),
                importances=(importance.upper(),) if importance else (),
                order_by=sort,
            )
            session.output.show_list(list(found), deployment_rows.COLUMNS, deployment_rows.row)

        session.output.watch(show_all) if watch else show_all()
