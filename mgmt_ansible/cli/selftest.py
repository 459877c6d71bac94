"""`mgmt-ansible selftest`: checks of this installation on this machine."""

from __future__ import annotations

import typer

app = typer.Typer(help="Checks of this installation, on this machine.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _selftest() -> None:
    """Keep `leaks` a verb of its own."""


@app.command()
def leaks() -> None:
    """Plant a secret in every channel, do everything once, and search for them everywhere; leaves nothing."""
    from mgmt_ansible.quickstart.leaks import run_leaks

    raise typer.Exit(run_leaks())
