"""`mgmt-ansible package`: the immutable artifact that is deployed."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible import errors
from mgmt_ansible.cli import options, references, text
from mgmt_ansible.cli.output import Cell, as_json

if TYPE_CHECKING:
    from mgmt_ansible.wire.api_v2 import ModelAlias, ModelPackage

app = typer.Typer(help="Model packages: what is deployed.", no_args_is_help=True, rich_markup_mode=None)

_COLUMNS = ("NAME", "VERSION", "ID", "RUNTIME", "SIZE", "DIGEST", "CREATED")
_ALIAS_COLUMNS = ("NAME", "ALIAS", "VERSION", "ID", "SET BY", "SET")
_WHOLE = 100


@app.command()
def add(
    context: typer.Context,
    path: Annotated[
        Path, typer.Argument(metavar="FOLDER-OR-ARCHIVE", help="With model-package.json at its root.", exists=True)
    ],
    name: Annotated[str, typer.Option("--name", help="Shared by the versions.")],
    version: Annotated[str, typer.Option("--version", help="Free text, unique per name.")],
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Register a package; adding the same content again changes nothing."""
    with options.connected(context, json_output, data) as session, tempfile.TemporaryDirectory() as scratch:
        progress = _percentage(f"{name} {version}")
        try:
            archive = _archive_of(path, Path(scratch))
            added = session.client.packages.upload(archive, name=name, version=version, on_progress=progress)
        except OSError as exc:
            raise errors.InvalidRequestError(f"{exc.filename or path}: cannot be read: {exc.strerror or exc}") from exc
        session.output.show_one(added, _pairs)


@app.command("record-golden")
def record_golden(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="With model-package.json at its root.", exists=True, file_okay=False),
    ],
    url: Annotated[str, typer.Option("--url", help="Of a running model, where it takes predictions.")],
    requests_file: Annotated[
        Path,
        typer.Option("--requests", metavar="FILE", help='A JSON object a line, {"request": ...}.', exists=True),
    ],
    tolerance: Annotated[
        float | None, typer.Option("--tolerance", min=0.0, help="Of numbers; without it what the manifest says.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", metavar="KEY", help="Of answers, not to be kept; may come again.")
    ] = None,
) -> None:
    """Ask a running model, and keep its answers in DIR as what the package's model must answer before it gets traffic."""
    from mgmt_ansible.cli.golden_recording import record

    written = record(folder, url, requests_file, tolerance=tolerance, without=tuple(without or ()))
    print(f"{written}: {len(written.read_bytes().splitlines())} golden predictions")


@app.command("list")
def list_packages(
    context: typer.Context,
    name: Annotated[str | None, typer.Option("--name", help="Only of this name.")] = None,
    search: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Only with this text in name or version.")
    ] = None,
    watch: options.WatchOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List packages."""
    with options.connected(context, json_output, data) as session:

        def show_all() -> None:
            found = session.client.packages.list_packages(name=name, search=search)
            session.output.show_list(list(found), _COLUMNS, _row)

        session.output.watch(show_all) if watch else show_all()


@app.command()
def show(
    context: typer.Context,
    package: options.PackageArgument,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Show one package."""
    with options.connected(context, json_output, data) as session:
        session.output.show_one(references.find_package(session.client, package), _pairs)


@app.command()
def alias(
    context: typer.Context,
    package: options.PackageArgument,
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="Such as champion.")],
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Let an alias of the package's name point to it, wherever it pointed before; NAME@ALIAS then means it."""
    with options.connected(context, json_output, data) as session:
        found = references.find_package(session.client, package)
        pointed = session.client.registered_models.set_alias(found.registered_model_id or "", alias, found.id)
        session.output.say(f"{found.name}@{pointed.alias} is {found.name}:{found.version}", as_json(pointed))


@app.command()
def unalias(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="NAME@ALIAS", help="What shall mean nothing any more.")],
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Remove an alias; what was deployed by it stays."""
    name, _, alias = reference.rpartition("@")
    with options.connected(context, json_output, data) as session:
        model = references.find_registered_model(session.client, name)
        session.client.registered_models.delete_alias(model.id, alias)
        session.output.say(f"{name}@{alias} is deleted", {"id": reference, "deleted": True})


@app.command()
def aliases(context: typer.Context, json_output: options.JsonOption = False, data: options.DataOption = None) -> None:
    """List aliases, by name."""
    with options.connected(context, json_output, data) as session:
        models = list(session.client.registered_models.list_models())
        names = {one.model_package_id: model.name for model in models for one in model.aliases}
        found = [one for model in models for one in model.aliases]
        session.output.show_list(found, _ALIAS_COLUMNS, lambda one: _alias_row(names[one.model_package_id], one))


@app.command()
def download(
    context: typer.Context,
    package: options.PackageArgument,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Where to; without it NAME-VERSION.archive here.")
    ] = None,
    data: options.DataOption = None,
) -> None:
    """Download a package's archive, checked; a broken download goes on where it stopped."""
    with options.connected(context, False, data) as session:
        found = references.find_package(session.client, package)
        target = output or Path(_file_name(found))
        try:
            session.client.packages.download(found.id, target, on_progress=_percentage(target.name))
        except OSError as exc:
            raise errors.InvalidRequestError(f"{target}: cannot be written: {exc.strerror}") from exc
        print(target)


@app.command()
def delete(
    context: typer.Context,
    package: options.PackageArgument,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Delete a package that no deployment uses."""
    with options.connected(context, json_output, data) as session:
        found = references.find_package(session.client, package)
        session.client.packages.delete_package(found.id)
        session.output.say(f"package {found.name}:{found.version} is deleted", {"id": found.id, "deleted": True})


def _archive_of(path: Path, scratch: Path) -> Path:
    if not path.is_dir():
        return path
    from mgmt_ansible import archives

    archive = scratch / "package.tar.gz"
    archives.build_package(path, archive)
    return archive


def _percentage(what: str) -> Callable[[int, int], None]:
    shown = -1

    def show_progress(done: int, total: int) -> None:
        nonlocal shown
        percent = done * _WHOLE // total if total else _WHOLE
        if sys.stderr.isatty() and percent != shown:
            shown = percent
            end = "\n" if percent >= _WHOLE else ""
            sys.stderr.write(f"\r\x1b[K{text.clean(what)}: {percent} % of {text.size(total)}{end}")
            sys.stderr.flush()

    return show_progress


def _file_name(package: ModelPackage) -> str:
    safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in f"{package.name}-{package.version}")
    return f"{safe.lstrip('.')}.archive"


def _alias_row(name: str, alias: ModelAlias) -> Sequence[Cell]:
    return (name, alias.alias, alias.version, alias.model_package_id, alias.set_by, text.ago(alias.set_at))


def _row(package: ModelPackage) -> Sequence[Cell]:
    return (
        package.name,
        package.version,
        package.id,
        package.runtime,
        text.size(package.archive_bytes),
        package.digest[:12],
        text.ago(package.created_at),
    )


def _pairs(package: ModelPackage) -> Iterable[tuple[str, Cell]]:
    yield "name", package.name
    yield "version", package.version
    yield "id", package.id
    yield "runtime", package.runtime
    yield "digest", package.digest
    yield "archive", f"{text.size(package.archive_bytes)}, sha256 {package.archive_sha256}"
    yield "created", text.clock(package.created_at)
