"""`mgmt-ansible host`: the hosts of environments, as their agents last saw them, or as they are found now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible.cli import options, references, text
from mgmt_ansible.cli.output import Cell

if TYPE_CHECKING:
    from mgmt_ansible.wire.api_v2 import EnvironmentHost

app = typer.Typer(
    help="Hosts: the agents' snapshots of inventories, and a look at them before a run.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AgentConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--agent-config", "--config", metavar="FILE", help="The agent's configuration; with `up` it is known."
    ),
]

_COLUMNS = ("HOST", "GROUPS", "ENVIRONMENT", "TAKEN")


@app.command("list")
def list_hosts(
    context: typer.Context,
    environment: options.EnvironmentFilter = None,
    watch: options.WatchOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List hosts of one environment, or of all."""
    with options.connected(context, json_output, data) as session:
        client = session.client
        wanted = [references.find_environment(client, environment)] if environment else []

        def show_all() -> None:
            environments = wanted or list(client.environments.list_environments())
            names = {one.id: one.name for one in environments}
            hosts = [host for one in environments for host in client.environments.list_hosts(one.id)]

            def row(host: EnvironmentHost) -> Sequence[Cell]:
                place = names.get(host.prediction_environment_id, host.prediction_environment_id)
                return host.name, ", ".join(host.groups), place, text.ago(host.taken_at)

            session.output.show_list(hosts, _COLUMNS, row)

        session.output.watch(show_all) if watch else show_all()


@app.command()
def check(
    context: typer.Context,
    environment: Annotated[
        str | None, typer.Argument(metavar="[ENVIRONMENT]", help="Id or name; all of the agent when left out.")
    ] = None,
    hosts: Annotated[list[str] | None, typer.Argument(metavar="[HOST]...", help="Only these.")] = None,
    agent_config: AgentConfigOption = None,
    package_size: Annotated[
        str | None,
        typer.Option(
            "--package-size",
            metavar="SIZE",
            help="Largest package to come, such as 300M; default: of the agent's cache.",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1, max=600, help="Time for each host.")] = 10.0,
    show_all: Annotated[bool, typer.Option("--all", help="Also show each check that is ok.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Tell the control plane: the environment's page shows it.")
    ] = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Look at hosts as a run would find them; changes nothing. Exit code 1 when a run would fail."""
    from mgmt_ansible.cli import checking

    settings = checking.load_settings(context, agent_config, data)
    fine = checking.check(
        settings,
        checking.environment_ids(context, settings, environment, data),
        tuple(hosts or ()),
        package_bytes=checking.read_size(package_size),
        seconds=seconds,
        show_all=show_all,
        report=report,
        out=options.output_of(context, json_output),
    )
    raise typer.Exit(0 if fine else 1)


@app.command()
def trust(
    context: typer.Context,
    environment: options.EnvironmentArgument,
    host: Annotated[str, typer.Argument(metavar="HOST", help="Its name in the inventory.")],
    fingerprint: Annotated[
        list[str] | None,
        typer.Option("--fingerprint", metavar="SHA256:...", help="Approve the key that has it, without a question."),
    ] = None,
    agent_config: AgentConfigOption = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Approve a host's key: shows its fingerprint, asks, and adds it to known_hosts. Replaces none."""
    from mgmt_ansible.cli import checking

    settings = checking.load_settings(context, agent_config, data)
    (environment_id,) = checking.environment_ids(context, settings, environment, data)
    out = options.output_of(context, json_output)
    checking.trust(settings, environment_id, host, tuple(fingerprint or ()), out)
