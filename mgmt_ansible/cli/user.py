"""`mgmt-ansible user`: people with a role, and perhaps a password."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible.cli import bodies, options, passwords, references, text
from mgmt_ansible.cli.output import Cell
from mgmt_ansible.domain.roles import Role

if TYPE_CHECKING:
    from mgmt_ansible.wire.api_v2 import User, UserPatch

app = typer.Typer(
    help="Users: people with a role, who sign in to the pages with name and password.\n\n"
    "viewer looks and exports; operator also looks anew, relaunches and cancels; deployer also changes what is wanted; admin also "
    "changes who may, where and for how long.",
    epilog="Try: user add ann --role deployer; user role ann viewer; user disable ann.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_COLUMNS = ("NAME", "ROLE", "PASSWORD", "DISABLED", "SIGNED IN", "ID")

ScopeOption = Annotated[
    list[str] | None,
    typer.Option("--environment", help="All that is seen and touched: id or name, repeatable; without it, everything."),
]
UserArgument = Annotated[str, typer.Argument(metavar="USER", help="Id or name.")]


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the user signs in with.")],
    role: Annotated[Role, typer.Option("--role", help="What the user may do.")] = Role.VIEWER,
    environment: ScopeOption = None,
    password_file: passwords.PasswordFileOption = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Only tokens and login links let the user in.")
    ] = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Add a user; the password is typed, or read from a file."""
    from mgmt_ansible.wire.api_v2 import UserIn

    password = None if no_password else passwords.read_password(password_file, whose=name)
    with options.connected(context, json_output, data) as session:
        scope = [references.find_environment(session.client, one).id for one in environment or ()]
        body = bodies.checked(UserIn, name=name, role=role, password=password, prediction_environment_ids=scope)
        session.output.show_one(session.client.access.create_user(body), _pairs)


@app.command("list")
def list_users(
    context: typer.Context, json_output: options.JsonOption = False, data: options.DataOption = None
) -> None:
    """List users by name."""
    with options.connected(context, json_output, data) as session:
        session.output.show_list(list(session.client.access.list_users()), _COLUMNS, _row)


@app.command()
def disable(
    context: typer.Context, user: UserArgument, json_output: options.JsonOption = False, data: options.DataOption = None
) -> None:
    """Lock a user out, at once: sessions end, and tokens of the user are refused."""
    _change(context, user, json_output, data, disabled=True)


@app.command()
def enable(
    context: typer.Context, user: UserArgument, json_output: options.JsonOption = False, data: options.DataOption = None
) -> None:
    """Let a user in again."""
    _change(context, user, json_output, data, disabled=False)


@app.command()
def role(
    context: typer.Context,
    user: UserArgument,
    role: Annotated[Role, typer.Argument(help="What the user may do from now on.")],
    environment: ScopeOption = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="In all environments from now on.")] = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Give a user another role, and perhaps other environments; less of either ends the user's sessions."""
    with options.connected(context, json_output, data) as session:
        scope = [references.find_environment(session.client, one).id for one in environment or ()]
    places = scope if scope or everywhere else None
    _change(context, user, json_output, data, role=role, prediction_environment_ids=places)


@app.command()
def password(
    context: typer.Context,
    user: UserArgument,
    password_file: passwords.PasswordFileOption = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Set a user's password, typed or read from a file; the user's sessions end."""
    _change(context, user, json_output, data, password=passwords.read_password(password_file, whose=user))


def _change(context: typer.Context, user: str, json_output: bool, data: options.DataOption, **fields: object) -> None:
    from mgmt_ansible.wire.api_v2 import UserPatch

    change: UserPatch = bodies.checked(UserPatch, **fields)
    with options.connected(context, json_output, data) as session:
        found = references.find_user(session.client, user)
        session.output.show_one(session.client.access.change_user(found.id, change), _pairs)


def _row(user: User) -> Sequence[Cell]:
    return (
        user.name,
        user.role.value,
        "yes" if user.has_password else "no",
        "yes" if user.disabled else "no",
        text.ago(user.signed_in_at) if user.signed_in_at else None,
        user.id,
    )


def _pairs(user: User) -> Iterable[tuple[str, Cell]]:
    yield "name", user.name
    yield "id", user.id
    yield "role", user.role.value
    yield "environments", ", ".join(user.prediction_environment_ids) or "all"
    yield "password", "yes" if user.has_password else "no"
    yield "disabled", "yes" if user.disabled else "no"
    yield "created", text.clock(user.created_at)
