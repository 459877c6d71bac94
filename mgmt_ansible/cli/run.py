"""`mgmt-ansible run`: what Ansible did, and how to do the same by hand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible.cli import options, output, references, text
from mgmt_ansible.cli.output import Cell
from mgmt_ansible.domain.runs import RunStatus

if TYPE_CHECKING:
    from mgmt_ansible.wire.api_v2 import Run

app = typer.Typer(help="Runs: one execution of one playbook each.", no_args_is_help=True, rich_markup_mode=None)

_COLUMNS = ("ID", "PLAYBOOK", "STATUS", "DEPLOYMENT", "HOSTS", "SECONDS", "ENDED")

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")]


@app.command("list")
def list_runs(
    context: typer.Context,
    deployment: options.DeploymentFilter = None,
    status: Annotated[RunStatus | None, typer.Option("--status", help="Only with this status.")] = None,
    limit: options.LimitOption = 50,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List runs, newest first."""
    with options.connected(context, json_output, data) as session:
        deployment_id = references.find_deployment(session.client, deployment).id if deployment else None
        found = session.client.runs.list_runs(deployment_id=deployment_id, status=status)
        session.output.show_list(list(islice(found, limit)), _COLUMNS, _row)


@app.command()
def show(
    context: typer.Context, run: RunArgument, json_output: options.JsonOption = False, data: options.DataOption = None
) -> None:
    """Show one run: every host's outcome, and the end of Ansible's own output."""
    with options.connected(context, json_output, data) as session:
        found = session.client.runs.get_run(run)
        if session.output.json:
            output.print_json(output.as_json(found))
        else:
            _print_run(found)


@app.command()
def export(
    context: typer.Context,
    run: RunArgument,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty folder to write to.")],
    agent_config: Annotated[
        Path | None,
        typer.Option("--agent-config", metavar="FILE", help="The agent's configuration; with `up` it is known."),
    ] = None,
    base_dir: Annotated[
        str | None,
        typer.Option("--base-dir", metavar="NEW", help="Another base directory on the hosts, for a rehearsal."),
    ] = None,
    data: options.DataOption = None,
) -> None:
    """Write the run as a folder that `sh DIR/run.sh` performs again; secrets only as references."""
    from mgmt_ansible.cli.exporting import export_run

    with options.connected(context, False, data) as session:
        export_run(session, run, directory, agent_config=agent_config, base_dir=base_dir)
    print(f"written: run it with `sh {directory / 'run.sh'}`")


def _row(run: Run) -> Sequence[Cell]:
    seconds = (run.ended_at - run.started_at).total_seconds()
    return (
        run.id,
        run.playbook,
        run.status.value,
        run.deployment_id,
        len(run.hosts),
        f"{seconds:.1f}",
        text.ago(run.ended_at),
    )


def _print_run(run: Run) -> None:
    pairs: list[tuple[str, Cell]] = [
        ("id", run.id),
        ("playbook", run.playbook),
        ("status", run.status.value),
        ("action", run.action_id),
        ("attempt", run.attempt),
        ("deployment", run.deployment_id),
        ("ansible", run.ansible_version),
        ("started", text.clock(run.started_at)),
        ("seconds", f"{(run.ended_at - run.started_at).total_seconds():.1f}"),
        ("request hash", run.request_hash),
    ]
    output.print_pairs([*pairs, *([("message", run.message)] if run.message else [])])
    print()
    rows = [(host.host, host.outcome.value, host.cause, host.message) for host in run.hosts]
    output.print_table(("HOST", "OUTCOME", "CAUSE", "MESSAGE"), rows)
    if run.log_tail:
        print(f"\n{text.clean_lines(run.log_tail)}")
