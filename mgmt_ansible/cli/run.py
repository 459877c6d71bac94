"""`mgmt-ansible run`: what Ansible did, and how to do the same by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible.cli import event_options, export_files, host_results, options, output, references, text
from mgmt_ansible.cli.moments import parse_moment
from mgmt_ansible.cli.output import Cell
from mgmt_ansible.domain.run_filters import RunFilters
from mgmt_ansible.domain.runs import RunStatus

if TYPE_CHECKING:
    from mgmt_ansible.wire.api_v2 import Run

app = typer.Typer(help="Runs: one execution of one playbook each.", no_args_is_help=True, rich_markup_mode=None)

_COLUMNS = ("ID", "PLAYBOOK", "STATUS", "DEPLOYMENT", "HOSTS", "SECONDS", "ENDED")

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")]

StatusOption = Annotated[
    list[RunStatus] | None, typer.Option("--status", help="Only with this status; may come again.")
]
SearchOption = Annotated[
    str | None, typer.Option("--search", metavar="TEXT", help="Part of id, deployment, playbook or message.")
]


@app.command("list")
def list_runs(
    context: typer.Context,
    deployment: options.DeploymentFilter = None,
    environment: options.EnvironmentFilter = None,
    status: StatusOption = None,
    since: event_options.SinceOption = None,
    until: event_options.UntilOption = None,
    search: SearchOption = None,
    limit: options.LimitOption = 50,
    watch: options.WatchOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List runs, newest first."""
    with options.connected(context, json_output, data) as session:
        client = session.client
        deployment_id = references.find_deployment(client, deployment).id if deployment else None
        environment_id = references.find_environment(client, environment).id if environment else None

        def show_all() -> None:
            now = datetime.now(UTC)
            found = client.runs.list_runs(
                deployment_id=deployment_id,
                environment_id=environment_id,
                status=status,
                since=parse_moment("--since", since, now=now) if since else None,
                until=parse_moment("--until", until, now=now) if until else None,
                search=search,
            )
            session.output.show_list(list(islice(found, limit)), _COLUMNS, _row)

        session.output.watch(show_all) if watch else show_all()


@app.command("export-list")
def export_runs(
    context: typer.Context,
    target: export_files.TargetArgument,
    form: export_files.FormatOption = None,
    deployment: options.DeploymentFilter = None,
    environment: options.EnvironmentFilter = None,
    status: StatusOption = None,
    since: event_options.SinceOption = None,
    until: event_options.UntilOption = None,
    search: SearchOption = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Write all runs of a filter to a file, newest first, without their logs: csv for spreadsheets, jsonl for programs.

    xlsx is a sheet and parquet a table for notebooks, when the control plane has mgmt-ansible[export].
    """
    with options.connected(context, json_output, data) as session:
        client, now = session.client, datetime.now(UTC)
        filters = RunFilters(
            deployment_id=references.find_deployment(client, deployment).id if deployment else None,
            environment_id=references.find_environment(client, environment).id if environment else None,
            statuses=tuple(status or ()),
            since=parse_moment("--since", since, now=now) if since else None,
            until=parse_moment("--until", until, now=now) if until else None,
            search=search or "",
        )
        chosen = export_files.table_format(target, form)
        export_files.write(session.output, target, "runs", lambda file: client.runs.export_runs(file, chosen, filters))


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
def log(
    context: typer.Context,
    run: RunArgument,
    follow: Annotated[bool, typer.Option("--follow", help="Go on showing lines until the run has ended.")] = False,
    first: Annotated[int, typer.Option("--first", metavar="NUMBER", min=1, help="Number of the first line.")] = 1,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Print a run's log; what was lost on the way is said where it is missing. JSON is a line each."""
    from mgmt_ansible.cli import run_logs

    with options.connected(context, json_output, data) as session:
        run_logs.print_log(session, run, first=first, follow=follow)


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


def _seconds(run: Run) -> str | None:
    return None if run.ended_at is None else f"{(run.ended_at - run.started_at).total_seconds():.1f}"


def _playbook(run: Run) -> str:
    return f"{run.playbook} (dry run)" if run.dry_run else run.playbook


def _row(run: Run) -> Sequence[Cell]:
    return (
        run.id,
        _playbook(run),
        run.status.value,
        run.deployment_id,
        len(run.hosts),
        _seconds(run),
        text.ago(run.ended_at),
    )


def _print_run(run: Run) -> None:
    pairs: list[tuple[str, Cell]] = [
        ("id", run.id),
        ("playbook", _playbook(run)),
        ("status", run.status.value),
        ("action", run.action_id),
        ("attempt", run.attempt),
        ("deployment", run.deployment_id),
        ("ansible", run.ansible_version),
        ("started", text.clock(run.started_at)),
        ("seconds", _seconds(run)),
        ("request hash", run.request_hash),
    ]
    output.print_pairs([*pairs, *([("message", run.message)] if run.message else [])])
    print()
    rows = [(host.host, host.outcome.value, host.cause, host.message) for host in run.hosts]
    output.print_table(("HOST", "OUTCOME", "CAUSE", "MESSAGE"), rows)
    for host in run.hosts:
        told = (*host_results.facts(host), *(host_results.proofs(host) if host.cause else ()))
        if told:
            print("\n    ".join((f"\n{text.clean(host.host)}:", *told)))
    if run.log_tail:
        print(f"\n{text.clean_lines(run.log_tail)}")
    elif run.ended_at is None:
        print(f"\nit goes on: see `mgmt-ansible run log {run.id} --follow`")
