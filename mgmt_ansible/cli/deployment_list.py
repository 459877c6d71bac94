"""`mgmt-ansible deployment list`."""

from __future__ import annotations

from typing import Annotated

import typer

from mgmt_ansible import errors
from mgmt_ansible.cli import deployment_filters, deployment_history, deployment_rows, options


def list_deployments(
    context: typer.Context,
    environment: options.EnvironmentFilter = None,
    state: deployment_filters.StateOption = None,
    health: deployment_filters.HealthOption = None,
    search: deployment_filters.SearchOption = None,
    host: deployment_filters.HostOption = None,
    model: deployment_filters.ModelOption = None,
    owner: deployment_filters.OwnerOption = None,
    importance: deployment_filters.ImportanceOption = None,
    sort: deployment_filters.SortOption = None,
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
        choice = deployment_filters.chosen(
            session.client,
            environment=environment,
            state=state,
            health=health,
            search=search,
            host=host,
            model=model,
            owner=owner,
            importance=importance,
            sort=sort,
        )

        def show_all() -> None:
            found = session.client.deployments.list_deployments(**choice)
            session.output.show_list(list(found), deployment_rows.COLUMNS, deployment_rows.row)

        session.output.watch(show_all) if watch else show_all()
