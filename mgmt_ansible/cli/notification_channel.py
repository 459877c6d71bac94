"""`mgmt-ansible notification channel`: where notifications go. Secrets come from files or are asked for, never from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible import errors
from mgmt_ansible.cli import notification_rows, options
from mgmt_ansible.cli.notification_references import find_channel, scope_of

if TYPE_CHECKING:
    from mgmt_ansible.wire.notifications import ChannelType

app = typer.Typer(help="Channels: where notifications go.", no_args_is_help=True, rich_markup_mode=None)

_LARGEST_SECRET_BYTES = 64 * 1024
_BY_APPRISE = "apprise"
_BY_MAIL = "email"

ChannelArgument = Annotated[str, typer.Argument(metavar="CHANNEL", help="Id or name of the channel.")]
UrlFileOption = Annotated[
    Path | None,
    typer.Option(
        "--url-file", metavar="FILE", help="Where it sends to: the URL is a secret; `-` reads standard input."
    ),
]
SecretFileOption = Annotated[
    Path | None, typer.Option("--secret-file", metavar="FILE", help="What signs a webhook; `-` reads standard input.")
]
HeaderFileOption = Annotated[
    list[str] | None,
    typer.Option(
        "--header-file", metavar="NAME=FILE", help="A header of a webhook, its value in a file; may come again."
    ),
]
EmailOption = Annotated[str | None, typer.Option("--email", metavar="ADDRESS", help="Of an Email channel.")]
FormatOption = Annotated[
    str | None, typer.Option("--format", help="Body of a webhook: vendor (default) or cloudevents.")
]
VerifyOption = Annotated[
    bool | None, typer.Option("--verify-tls/--no-verify-tls", help="Whether the certificate must be valid; it should.")
]


@app.command("list")
def list_channels(
    context: typer.Context, json_output: options.JsonOption = False, data: options.DataOption = None
) -> None:
    """List channels by name; secrets are stars."""
    with options.connected(context, json_output, data) as session:
        found = list(session.client.notifications.list_channels())
        session.output.show_list(found, notification_rows.CHANNEL_COLUMNS, notification_rows.channel_row)


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Of the channel.")],
    kind: Annotated[str, typer.Option("--type", help="Webhook, Slack, MSTeams, Email or Apprise.")],
    url_file: UrlFileOption = None,
    secret_file: SecretFileOption = None,
    header_file: HeaderFileOption = None,
    email: EmailOption = None,
    body_format: FormatOption = None,
    verify_tls: VerifyOption = None,
    deployment: options.DeploymentFilter = None,
    environment: options.EnvironmentFilter = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Add a channel; without --url-file the URL is asked for."""
    from mgmt_ansible.cli import bodies
    from mgmt_ansible.wire.notifications import ChannelType, NotificationChannelIn

    known = {one.value.lower(): one for one in ChannelType}
    found = known.get(kind.lower())
    if found is None:
        raise errors.InvalidRequestError(f"--type: {kind!r} is none of {', '.join(ChannelType)}")
    with options.connected(context, json_output, data) as session:
        body = bodies.checked(
            NotificationChannelIn,
            name=name,
            channel_type=found,
            **_secrets(found, url_file, secret_file, header_file, ask=True),
            email_address=email,
            payload_format=body_format,
            validate_ssl=verify_tls,
            **scope_of(session.client, deployment, environment),
        )
        session.output.show_one(session.client.notifications.create_channel(body), notification_rows.channel_pairs)


@app.command()
def change(
    context: typer.Context,
    channel: ChannelArgument,
    name: Annotated[str | None, typer.Option("--name", help="Another name.")] = None,
    url_file: UrlFileOption = None,
    secret_file: SecretFileOption = None,
    header_file: HeaderFileOption = None,
    email: EmailOption = None,
    body_format: FormatOption = None,
    verify_tls: VerifyOption = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Change a channel; what is not given stays, secrets too."""
    from mgmt_ansible.cli import bodies
    from mgmt_ansible.wire.notifications import NotificationChannelPatch

    with options.connected(context, json_output, data) as session:
        known = find_channel(session.client, channel)
        body = bodies.checked(
            NotificationChannelPatch,
            name=name,
            **_secrets(known.channel_type, url_file, secret_file, header_file, ask=False),
            email_address=email,
            payload_format=body_format,
            validate_ssl=verify_tls,
        )
        session.output.show_one(
            session.client.notifications.change_channel(known, body), notification_rows.channel_pairs
        )


@app.command()
def delete(
    context: typer.Context,
    channel: ChannelArgument,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Delete a channel that no policy uses."""
    with options.connected(context, json_output, data) as session:
        known = find_channel(session.client, channel)
        session.client.notifications.delete_channel(known)
        session.output.say(f"notification channel {known.name} is deleted", {"id": known.id, "deleted": True})


def _secrets(
    kind: ChannelType, url_file: Path | None, secret_file: Path | None, header_file: list[str] | None, *, ask: bool
) -> dict[str, object]:
    """Return the secret fields of a body."""
    found: dict[str, object] = {}
    by_url = kind.value.lower() != _BY_MAIL
    if by_url and (url_file is not None or ask):
        url = _read("--url-file", url_file) if url_file is not None else _asked("URL to send to")
        found["apprise_url" if kind.value.lower() == _BY_APPRISE else "payload_url"] = url
    if secret_file is not None:
        found["secret_token"] = _read("--secret-file", secret_file)
    if header_file:
        found["custom_headers"] = [_header(given) for given in header_file]
    return found


def _header(given: str) -> dict[str, str]:
    name, equals, path = given.partition("=")
    if not (name and equals and path):
        raise errors.InvalidRequestError("--header-file: give NAME=FILE")
    return {"name": name, "value": _read("--header-file", Path(path))}


def _asked(what: str) -> str:
    """Ask for a secret on the terminal, without showing it."""
    if not sys.stdin.isatty():
        raise errors.InvalidRequestError("--url-file: give a file with the URL, or - for standard input")
    answer: str = typer.prompt(what, hide_input=True)
    return answer.strip()


def _read(option: str, path: Path) -> str:
    """Return the one line of a file."""
    try:
        octets = sys.stdin.buffer.read(_LARGEST_SECRET_BYTES) if str(path) == "-" else path.read_bytes()
        return octets[:_LARGEST_SECRET_BYTES].decode().strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise errors.ConfigError(f"{option}: {path} cannot be read: {exc}") from exc
