"""Options that many commands share, and the session that they open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible.cli.output import Output

if TYPE_CHECKING:
    from mgmt_ansible.client import Client

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Folder of `up` or `serve`: says where the control plane is."),
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait until the action has ended; show its progress.")]
WatchOption = Annotated[bool, typer.Option("--watch", help="Go on showing what changes, until Ctrl-C.")]
TimeoutOption = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", min=1, help="Time for the whole action.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what it would change on each host, and change nothing; waits for it.")
]
HealthyOption = Annotated[
    float | None,
    typer.Option(
        "--minimum-healthy", metavar="SECONDS", min=0, help="How long the model must stay ready before it gets traffic."
    ),
]
DeploymentArgument = Annotated[str, typer.Argument(metavar="DEPLOYMENT", help="Id or label.")]
EnvironmentArgument = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="Id or name.")]
PackageArgument = Annotated[
    str, typer.Argument(metavar="PACKAGE", help="Id, NAME@ALIAS, NAME:VERSION, or NAME with one version.")
]
PackageOption = Annotated[
    str, typer.Option("--package", help="Id, NAME@ALIAS, NAME:VERSION, or NAME with one version.")
]
EnvironmentOption = Annotated[str, typer.Option("--environment", help="Id or name of the prediction environment.")]
EnvironmentFilter = Annotated[str | None, typer.Option("--environment", help="Only of this environment: id or name.")]
DeploymentFilter = Annotated[str | None, typer.Option("--deployment", help="Only of this deployment: id or label.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="At most this many.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What was given before the noun; the same options after the verb win."""

    json: bool = False
    data: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A connection and a place to print to, for one command; `data` is the folder of `up` or `serve` that names it, if one does."""

    client: Client
    output: Output
    data: Path | None


def choices_of(context: typer.Context) -> Choices:
    """Return what was given before the noun."""
    found = context.obj
    return found if isinstance(found, Choices) else Choices()


def output_of(context: typer.Context, json_output: bool) -> Output:
    """Return where to print."""
    return Output(json=json_output or choices_of(context).json)


@contextmanager
def connected(context: typer.Context, json_output: bool, data: Path | None) -> Iterator[Session]:
    """Open the control plane that the options, the environment or the user's file name.

    Raises:
        ConfigError: None is known.
    """
    from mgmt_ansible.client import Client
    from mgmt_ansible.settings.client import find_folder, load_connection

    folder = find_folder(data or choices_of(context).data)
    settings = load_connection(folder)
    ca_file = str(settings.ca_file) if settings.ca_file else None
    with Client(settings.url, settings.token.get_secret_value(), ca_file=ca_file) as client:
        yield Session(client=client, output=output_of(context, json_output), data=folder)
