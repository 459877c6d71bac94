"""`mgmt-ansible token`: tokens of people and of services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible.cli import options, output, references, text
from mgmt_ansible.cli.output import Cell
from mgmt_ansible.cli.user import ScopeOption
from mgmt_ansible.domain.roles import Role

if TYPE_CHECKING:
    from mgmt_ansible.wire.api_v2 import AccessToken

app = typer.Typer(
    help="Access tokens, for the command line and for services; `agent token` makes those of agents.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_COLUMNS = ("NAME", "KIND", "ROLE", "USER", "CREATED", "ID")


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The token is listed by this name.")],
    role: Annotated[
        Role, typer.Option("--role", help="What it may do; a user's never more than the user.")
    ] = Role.VIEWER,
    user: Annotated[
        str | None, typer.Option("--user", help="Whose it is: id or name; without it, it is a service's.")
    ] = None,
    environment: ScopeOption = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Make a token and print it, this once; keep it in a file with mode 600."""
    with options.connected(context, json_output, data) as session:
        user_id = None if user is None else references.find_user(session.client, user).id
        scope = [references.find_environment(session.client, one).id for one in environment or ()]
        made = session.client.access.create_token(name, kind="user", role=role, user_id=user_id, environment_ids=scope)
        session.output.say(made.token or "", output.as_json(made))


@app.command("list")
def list_tokens(
    context: typer.Context, json_output: options.JsonOption = False, data: options.DataOption = None
) -> None:
    """List tokens that are not revoked, agents' too; their text is never told again."""
    with options.connected(context, json_output, data) as session:
        session.output.show_list(list(session.client.access.list_tokens()), _COLUMNS, _row)


@app.command()
def revoke(
    context: typer.Context,
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Id or name, not its text.")],
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Revoke a token at once, with the sessions that it opened."""
    with options.connected(context, json_output, data) as session:
        found = references.find_token(session.client, token)
        session.client.access.revoke_token(found.id)
        session.output.say(f"token {found.name} is revoked", {"id": found.id, "deleted": True})


def _row(token: AccessToken) -> Sequence[Cell]:
    role = token.role.value if token.role else None
    return (token.name, token.kind, role, token.user_id, text.ago(token.created_at), token.id)
