"""`mgmt-ansible event`: the feed of deployment events."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from mgmt_ansible.cli import options, output, references, text
from mgmt_ansible.cli.output import Cell
from mgmt_ansible.domain.health import Health

if TYPE_CHECKING:
    from mgmt_ansible.cli.options import Session
    from mgmt_ansible.wire.api_v2 import DeploymentEvent

app = typer.Typer(help="Deployment events: what happened, newest first.", no_args_is_help=True, rich_markup_mode=None)

COLUMNS = ("TIME", "HEALTH", "TYPE", "DEPLOYMENT", "GEN", "HOST", "MESSAGE")


class _Filters(TypedDict):
    deployment_id: str | None
    environment_id: str | None
    event_type: str | None
    health: Health | None


@app.command("list")
def list_events(
    context: typer.Context,
    deployment: options.DeploymentFilter = None,
    environment: options.EnvironmentFilter = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Only of this type, in full.")] = None,
    health: Annotated[Health | None, typer.Option("--health", help="Only of this health.")] = None,
    limit: options.LimitOption = 50,
    watch: options.WatchOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List events, newest first; with --watch oldest first, then those that follow, a line each."""
    with options.connected(context, json_output, data) as session:
        client = session.client
        filters = _Filters(
            deployment_id=references.find_deployment(client, deployment).id if deployment else None,
            environment_id=references.find_environment(client, environment).id if environment else None,
            event_type=event_type,
            health=health,
        )
        found = list(islice(client.deployment_events.list_events(**filters), limit))
        if watch:
            _follow(session, found, filters)
        else:
            session.output.show_list(found, COLUMNS, row)


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


def _follow(session: Session, found: Sequence[DeploymentEvent], filters: _Filters) -> None:
    newest = session.client.deployment_events.list_events()
    last = next((one.sequence for one in newest), 0) if not found else found[0].sequence
    for past in reversed(found):
        _print_line(session, past)
    for deployment_event in session.client.deployment_events.follow_events(**filters, after=last):
        _print_line(session, deployment_event)


def _print_line(session: Session, deployment_event: DeploymentEvent) -> None:
    if session.output.json:
        output.print_json_line(output.as_json(deployment_event))
        return
    cells = [output.word(cell) for cell in row(deployment_event)]
    print("  ".join(cell for cell in cells if cell != "-"), flush=True)
