"""`mgmt-ansible store`: the control plane's database and archives, where they lie: backup, restore, migrate, check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible.cli import options
from mgmt_ansible.cli.programs import check_no_password

if TYPE_CHECKING:
    from mgmt_ansible.settings.control_plane import ControlPlaneSettings

app = typer.Typer(
    help="The control plane's database and archives, on its machine: backup, restore, migrate, check.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]
FolderOption = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Folder of `serve`.")]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", help="As of `serve`. With a password: MGMT_ANSIBLE_SERVE_DATABASE instead."
    ),
]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="As of `serve`.")]


@app.command("backup")
def back_up(
    context: typer.Context,
    file: FileArgument,
    data: FolderOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    json_output: options.JsonOption = False,
) -> None:
    """Write everything to a new file, while the control plane goes on; only its owner can read it."""
    from mgmt_ansible.control_plane import maintenance

    manifest = maintenance.back_up(_settings(context, data, database, config), file, _show)
    whole = sum(size for size, _ in manifest.files.values())
    told = {"file": str(file), "bytes": whole, "packages": len(manifest.files) - 1, "revision": manifest.revision}
    text = f"{file}: the {manifest.kind} database and {len(manifest.files) - 1} archives, {whole} bytes"
    options.output_of(context, json_output).say(text, told)


@app.command("restore")
def restore(
    context: typer.Context,
    file: FileArgument,
    force: Annotated[bool, typer.Option("--force", help="Replace the database that is there.")] = False,
    data: FolderOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    json_output: options.JsonOption = False,
) -> None:
    """Put a backup in place, checked before anything is touched; the control plane must not run."""
    from mgmt_ansible.control_plane import maintenance

    manifest = maintenance.restore(_settings(context, data, database, config), file, force=force)
    told = {"file": str(file), "createdAt": manifest.created_at, "packages": len(manifest.files) - 1}
    text = (
        f"restored what was on {manifest.created_at}, with {len(manifest.files) - 1} archives. "
        "Next: mgmt-ansible serve; tokens are those of that time"
    )
    options.output_of(context, json_output).say(text, told)


@app.command("migrate")
def migrate(
    context: typer.Context,
    to: Annotated[
        str | None, typer.Option("--to", metavar="REVISION", help="Such as 0013; without it the newest.")
    ] = None,
    backup: Annotated[
        Path | None, typer.Option("--backup", metavar="FILE", help="Written first; needed to go back.")
    ] = None,
    data: FolderOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    json_output: options.JsonOption = False,
) -> None:
    """Bring the database to the schema of this version, or back to an older one's; the control plane must not run."""
    from mgmt_ansible.control_plane import maintenance

    former, present = maintenance.migrate(
        _settings(context, data, database, config), to=to, backup=backup, progress=_show
    )
    text = f"the database has schema {present}" + ("" if former == present else f", it had {former}")
    options.output_of(context, json_output).say(text, {"before": former, "revision": present})


@app.command("check")
def check(
    context: typer.Context,
    data: FolderOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    json_output: options.JsonOption = False,
) -> None:
    """Look whether the database is whole and every archive is what its name says; changes nothing."""
    from mgmt_ansible.control_plane import maintenance

    found = maintenance.check(_settings(context, data, database, config))
    text = "\n".join(found) or "the database and all archives are whole"
    options.output_of(context, json_output).say(text, {"damage": found})
    raise typer.Exit(1 if found else 0)


def _settings(
    context: typer.Context, data: Path | None, database: str | None, config: Path | None
) -> ControlPlaneSettings:
    from mgmt_ansible.settings import logs
    from mgmt_ansible.settings.control_plane import load_control_plane_settings

    check_no_password(database)
    folder = data or options.choices_of(context).data
    settings = load_control_plane_settings(config, data=folder, database=database)
    logs.configure(settings.log_format, secrets=settings.secrets)  # on standard error: the answer may be JSON
    return settings


def _show(done: int, whole: int) -> None:
    if sys.stderr.isatty() and whole:
        end = "\n" if done >= whole else ""
        print(f"\rdatabase: {100 * done // whole} %", end=end, file=sys.stderr, flush=True)
