"""Commands without a noun: `up`, `demo`, `serve` and `login`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from mgmt_ansible import errors
from mgmt_ansible.cli import options

_URL_WITH_PASSWORD = re.compile(r"://[^/@]*:[^@]+@|[?&]password=", re.I)


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to the program."""
    for command in (up, demo, serve, login):
        app.command()(command)


def up(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Own folder; default ~/.local/share/mgmt-ansible/up.")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="First port to try for the pages.")] = 8765,
) -> None:
    """Bring up everything on this machine, with a model to play with; Ctrl-C stops it all."""
    from mgmt_ansible.quickstart.up import run_up

    raise typer.Exit(run_up(data or options.choices_of(context).data, port=port))


def demo() -> None:
    """Prove the whole way on this machine: launch, predict, replace, predict, stop; leaves nothing."""
    from mgmt_ansible.quickstart.demo import run_demo

    raise typer.Exit(run_demo())


def serve(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Folder for its own files.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on; default 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Default 8765; 0 takes a free one.")
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help="postgresql://...; default is SQLite in the folder. With a password: MGMT_ANSIBLE_SERVE_DATABASE.",
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="YAML file with settings.")] = None,
) -> None:
    """Run the control plane until SIGINT or SIGTERM."""
    from mgmt_ansible import bootstrap
    from mgmt_ansible.settings.control_plane import load_control_plane_settings

    check_no_password(database)
    folder = data or options.choices_of(context).data
    settings = load_control_plane_settings(config, data=folder, host=host, port=port, database=database)
    bootstrap.run_control_plane(settings)


def check_no_password(database: str | None) -> None:
    """Refuse a database's URL with a password in an argument; ConfigError."""
    if database is not None and _URL_WITH_PASSWORD.search(database):
        raise errors.ConfigError(
            "--database: a password on the command line can be read by everybody on this machine; "
            "give the URL in the variable MGMT_ANSIBLE_SERVE_DATABASE or in the file of --config"
        )


def login(context: typer.Context, json_output: options.JsonOption = False, data: options.DataOption = None) -> None:
    """Print a URL that opens the pages once, without typing a token."""
    with options.connected(context, json_output, data) as session:
        link = session.client.access.create_login_link()
        url = session.client.url + link.path
        session.output.say(url, {"url": url, "expiresAt": link.expires_at.isoformat()})
