"""`mgmt-ansible deployment export`: the list of deployments as a file."""

from __future__ import annotations

import typer

from mgmt_ansible.cli import deployment_filters, export_files, options


def export_deployments(
    context: typer.Context,
    target: export_files.TargetArgument,
    form: export_files.FormatOption = None,
    environment: options.EnvironmentFilter = None,
    state: deployment_filters.StateOption = None,
    health: deployment_filters.HealthOption = None,
    search: deployment_filters.SearchOption = None,
    host: deployment_filters.HostOption = None,
    model: deployment_filters.ModelOption = None,
    owner: deployment_filters.OwnerOption = None,
    importance: deployment_filters.ImportanceOption = None,
    sort: deployment_filters.SortOption = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Write all deployments of a filter to a file, in its order: csv for spreadsheets, jsonl for programs.

    xlsx is a sheet and parquet a table for notebooks, when the control plane has mgmt-ansible[export].
    """
    chosen = export_files.table_format(target, form)
    with options.connected(context, json_output, data) as session:
        client = session.client
        choice = deployment_filters.chosen(
            client,
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
        export_files.write(
            session.output,
            target,
            "deployments",
            lambda file: client.deployments.export_deployments(file, chosen, **choice),
        )
