"""`mgmt-ansible event`: the feed of deployment events."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible.cli import event_options, export_files, options, output, text
from mgmt_ansible.cli.output import Cell
from mgmt_ansible.domain.event_filters import EventFilters, ExportFormat

if TYPE_CHECKING:
    from mgmt_ansible.cli.options import Session
    from mgmt_ansible.wire.api_v2 import DeploymentEvent

app = typer.Typer(help="Deployment events: what happened, newest first.", no_args_is_help=True, rich_markup_mode=None)

COLUMNS = ("TIME", "HEALTH", "TYPE", "DEPLOYMENT", "GEN", "HOST", "MESSAGE")


@app.command("list")
def list_events(
    context: typer.Context,
    deployment: options.DeploymentFilter = None,
    environment: options.EnvironmentFilter = None,
    host: event_options.HostOption = None,
    event_type: event_options.TypeOption = None,
    category: event_options.CategoryOption = None,
    health: event_options.HealthOption = None,
    actor: event_options.ActorOption = None,
    since: event_options.SinceOption = None,
    until: event_options.UntilOption = None,
    search: event_options.SearchOption = "",
    limit: options.LimitOption = 50,
    watch: options.WatchOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List events, newest first; with --watch oldest first, then those that follow, a line each."""
    with options.connected(context, json_output, data) as session:
        filters = event_options.chosen(
            session.client,
            deployment=deployment,
            environment=environment,
            host=host,
            event_type=event_type,
            category=category,
            health=health,
            actor=actor,
            since=since,
            until=until,
            search=search,
        )
        found = list(islice(session.client.deployment_events.list_events(filters), limit))
        if watch:
            _follow(session, found, filters)
        else:
            session.output.show_list(found, COLUMNS, row)


@app.command("export")
def export_events(
    context: typer.Context,
    target: export_files.TargetArgument,
    form: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="Without it what FILE's name ends with, else csv."),
    ] = None,
    deployment: options.DeploymentFilter = None,
    environment: options.EnvironmentFilter = None,
    host: event_options.HostOption = None,
    event_type: event_options.TypeOption = None,
    category: event_options.CategoryOption = None,
    health: event_options.HealthOption = None,
    actor: event_options.ActorOption = None,
    since: event_options.SinceOption = None,
    until: event_options.UntilOption = None,
    search: event_options.SearchOption = "",
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Write all events of a filter to a file, newest first: csv for spreadsheets, jsonl for programs.

    cloudevents is lines of CloudEvents 1.0, for other systems of events; xlsx is a sheet and parquet a table for notebooks,
    when the control plane has mgmt-ansible[export].
    """
    chosen = form or _format_of(target)
    with options.connected(context, json_output, data) as session:
        filters = event_options.chosen(
            session.client,
            deployment=deployment,
            environment=environment,
            host=host,
            event_type=event_type,
            category=category,
            health=health,
            actor=actor,
            since=since,
            until=until,
            search=search,
        )
        feed = session.client.deployment_events
        export_files.write(session.output, target, "events", lambda file: feed.export_events(file, chosen, filters))


def _format_of(target: str) -> ExportFormat:
    suffix = export_files.suffix_of(target)
    return ExportFormat(suffix) if suffix in set(ExportFormat) else ExportFormat.CSV


def row(deployment_event: DeploymentEvent) -> Sequence[Cell]:
    """Return the cells of an event, in the order of `COLUMNS`."""
    return (
        text.clock(deployment_event.timestamp),
        deployment_event.health,
        deployment_event.type.rpartition(".")[2],
        deployment_event.deployment_id,
        deployment_event.generation,
        deployment_event.host,
        deployment_event.message or deployment_event.title,
    )


def _follow(session: Session, found: Sequence[DeploymentEvent], filters: EventFilters) -> None:
    newest = session.client.deployment_events.list_events()
    last = next((one.sequence for one in newest), 0) if not found else found[0].sequence
    for past in reversed(found):
        _print_line(session, past)
    for deployment_event in session.client.deployment_events.follow_events(filters, after=last):
        _print_line(session, deployment_event)


def _print_line(session: Session, deployment_event: DeploymentEvent) -> None:
    if session.output.json:
        output.print_json_line(output.as_json(deployment_event))
        return
    cells = [output.word(cell) for cell in row(deployment_event)]
    print("  ".join(cell for cell in cells if cell != "-"), flush=True)
