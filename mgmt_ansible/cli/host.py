"""`mgmt-ansible host`: the hosts of environments, as their agents last saw them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from mgmt_ansible.cli import options, references, text
from mgmt_ansible.cli.output import Cell

if TYPE_CHECKING:
    from mgmt_ansible.wire.api_v2 import EnvironmentHost

app = typer.Typer(help="Hosts: the agents' snapshots of inventories.", no_args_is_help=True, rich_markup_mode=None)

_COLUMNS = ("HOST", "GROUPS", "ENVIRONMENT", "TAKEN")


@app.command("list")
def list_hosts(
    context: typer.Context,
    environment: options.EnvironmentFilter = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List hosts of one environment, or of all."""
    with options.connected(context, json_output, data) as session:
        client = session.client
        wanted = [references.find_environment(client, environment)] if environment else []
        environments = wanted or list(client.environments.list_environments())
        names = {one.id: one.name for one in environments}
        hosts = [host for one in environments for host in client.environments.list_hosts(one.id)]

        def row(host: EnvironmentHost) -> Sequence[Cell]:
            place = names.get(host.prediction_environment_id, host.prediction_environment_id)
            return host.name, ", ".join(host.groups), place, text.ago(host.taken_at)

        session.output.show_list(hosts, _COLUMNS, row)
