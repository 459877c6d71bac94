"""`mgmt-ansible view`: the views of lists that one saved on the pages, or here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible import errors
from mgmt_ansible.cli import options
from mgmt_ansible.cli.bodies import checked
from mgmt_ansible.cli.output import Cell
from mgmt_ansible.domain.saved_views import ViewPage

if TYPE_CHECKING:
    from mgmt_ansible.wire.saved_views import SavedView

app = typer.Typer(
    help="Saved views: names for the filters of a page, seen by you only.", no_args_is_help=True, rich_markup_mode=None
)

_COLUMNS = ("PAGE", "NAME", "ADDRESS")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the view.")]
PageOption = Annotated[ViewPage, typer.Option("--page", help="Which list it is of.")]


@app.command("list")
def list_views(
    context: typer.Context,
    page: Annotated[ViewPage | None, typer.Option("--page", help="Only of this list.")] = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List your views with their addresses."""
    with options.connected(context, json_output, data) as session:
        session.output.show_list(list(session.client.saved_views.list_views(page=page)), _COLUMNS, _row)


@app.command()
def save(
    context: typer.Context,
    name: NameArgument,
    page: PageOption,
    query: Annotated[
        str, typer.Option("--query", metavar="QUERY", help="What the page's address has after its question mark.")
    ] = "",
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Keep a view; one of the same page and name is replaced."""
    from mgmt_ansible.wire.saved_views import SavedViewIn

    body = checked(SavedViewIn, page=page, name=name, query=query)
    with options.connected(context, json_output, data) as session:
        saved = session.client.saved_views.save_view(body)
        session.output.say(f"saved: {session.client.url}{saved.address}", saved.model_dump(mode="json", by_alias=True))


@app.command()
def forget(
    context: typer.Context,
    name: NameArgument,
    page: PageOption,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Forget a view."""
    with options.connected(context, json_output, data) as session:
        views = session.client.saved_views
        found = next((one for one in views.list_views(page=page) if one.name == name), None)
        if found is None:
            raise errors.NotFoundError(f"there is no view {name} of {page}. Next: `mgmt-ansible view list`")
        views.forget_view(found.id)
        session.output.say(f"forgotten: {name}", {"id": found.id})


def _row(view: SavedView) -> Sequence[Cell]:
    return (view.page.value, view.name, view.address)
