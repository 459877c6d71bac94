"""`mgmt-ansible notification`: who is told of what, by which channel."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer

from mgmt_ansible.cli import notification_channel, notification_rows, options, references
from mgmt_ansible.cli.moments import parse_moment_ahead
from mgmt_ansible.cli.notification_references import find_channel, find_policy, scope_of
from mgmt_ansible.domain.event_groups import EventGroup

app = typer.Typer(
    help="Notifications: a policy says of what somebody is told, a channel how. `test` tries a channel, `log` shows what was told.",
    epilog="Try: notification channel add ops --type Slack --url-file hook.txt; notification policy add outages --channel ops "
    "--group mgmt_ansible.problems --every PT1H; notification test ops.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_policies = typer.Typer(help="Policies: who is told of what.", no_args_is_help=True, rich_markup_mode=None)
_mutes = typer.Typer(help="Mutes: nothing is told for a while.", no_args_is_help=True, rich_markup_mode=None)
_log = typer.Typer(help="The log: what was told, and what came back.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(notification_channel.app, name="channel")
app.add_typer(_policies, name="policy")
app.add_typer(_mutes, name="mute")
app.add_typer(_log, name="log")

PolicyArgument = Annotated[str, typer.Argument(metavar="POLICY", help="Id or name of the policy.")]
EveryOption = Annotated[
    str | None,
    typer.Option(
        "--every",
        metavar="DURATION",
        help="At most one message of a deployment in this time, such as PT1H; an empty one is no limit.",
    ),
]
GroupOption = Annotated[EventGroup | None, typer.Option("--group", help="Of all these.")]
TypeOption = Annotated[str | None, typer.Option("--type", help="Of this type of entry only, in full.")]


@app.command("test")
def try_channel(
    context: typer.Context,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Id or name of the channel.")],
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Send a message by a channel now, and show what came back; exit code 1 when it was not taken."""
    with options.connected(context, json_output, data) as session:
        found = session.client.notifications.test_channel(find_channel(session.client, channel))
        session.output.show_one(found, notification_rows.answer_pairs)
        if not found.delivered:
            raise typer.Exit(1)


@_policies.command("list")
def list_policies(
    context: typer.Context, json_output: options.JsonOption = False, data: options.DataOption = None
) -> None:
    """List policies by name."""
    with options.connected(context, json_output, data) as session:
        found = list(session.client.notifications.list_policies())
        session.output.show_list(found, notification_rows.POLICY_COLUMNS, notification_rows.policy_row)


@_policies.command("add")
def add_policy(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Of the policy.")],
    channel: Annotated[str, typer.Option("--channel", help="By this one: id or name.")],
    group: GroupOption = None,
    event_type: TypeOption = None,
    every: EveryOption = None,
    deployment: options.DeploymentFilter = None,
    environment: options.EnvironmentFilter = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Tell somebody of what comes from now on."""
    from mgmt_ansible.cli import bodies
    from mgmt_ansible.wire.notifications import NotificationPolicyIn

    with options.connected(context, json_output, data) as session:
        client = session.client
        body = bodies.checked(
            NotificationPolicyIn,
            name=name,
            channel_id=find_channel(client, channel).id,
            event_group=group,
            event_type=event_type,
            maximal_frequency=every or None,
            **scope_of(client, deployment, environment),
        )
        session.output.show_one(client.notifications.create_policy(body), notification_rows.policy_pairs)


@_policies.command("change")
def change_policy(
    context: typer.Context,
    policy: PolicyArgument,
    name: Annotated[str | None, typer.Option("--name", help="Another name.")] = None,
    channel: Annotated[str | None, typer.Option("--channel", help="By this one: id or name.")] = None,
    group: GroupOption = None,
    event_type: TypeOption = None,
    every: EveryOption = None,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Whether it tells at all.")] = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Change a policy; what is not given stays."""
    from mgmt_ansible.cli import bodies
    from mgmt_ansible.wire.notifications import NotificationPolicyPatch

    with options.connected(context, json_output, data) as session:
        client = session.client
        body = bodies.checked(
            NotificationPolicyPatch,
            name=name,
            channel_id=find_channel(client, channel).id if channel else None,
            event_group=group,
            event_type=event_type,
            maximal_frequency=every,
            active=active,
        )
        made = client.notifications.change_policy(find_policy(client, policy), body)
        session.output.show_one(made, notification_rows.policy_pairs)


@_policies.command("delete")
def delete_policy(
    context: typer.Context,
    policy: PolicyArgument,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Delete a policy with its mutes."""
    with options.connected(context, json_output, data) as session:
        known = find_policy(session.client, policy)
        session.client.notifications.delete_policy(known)
        session.output.say(f"notification policy {known.name} is deleted", {"id": known.id, "deleted": True})


@_mutes.command("list")
def list_mutes(
    context: typer.Context, json_output: options.JsonOption = False, data: options.DataOption = None
) -> None:
    """List mutes that hold, newest first."""
    with options.connected(context, json_output, data) as session:
        found = list(session.client.notifications.list_mutes())
        session.output.show_list(found, notification_rows.MUTE_COLUMNS, notification_rows.mute_row)


@_mutes.command("add")
def mute(
    context: typer.Context,
    policy: Annotated[str | None, typer.Option("--policy", help="What this one tells: id or name.")] = None,
    deployment: Annotated[
        str | None, typer.Option("--deployment", help="What is told of this one: id or label.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="TIME",
            help="Until then: in 90min, 12h, 7d, or at an ISO time; without it until it is removed.",
        ),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever wonders.")] = "",
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Tell nothing for a while; what comes is held, and counted in the next message."""
    from mgmt_ansible.cli import bodies
    from mgmt_ansible.wire.notifications import NotificationMuteIn

    with options.connected(context, json_output, data) as session:
        client = session.client
        body = bodies.checked(
            NotificationMuteIn,
            policy_id=find_policy(client, policy).id if policy else None,
            deployment_id=references.find_deployment(client, deployment).id if deployment else None,
            until=_until(until),
            reason=reason,
        )
        session.output.show_one(client.notifications.mute(body), notification_rows.mute_pairs)


@_mutes.command("remove")
def unmute(
    context: typer.Context,
    mute: Annotated[str, typer.Argument(metavar="MUTE", help="Id of the mute, as `notification mute list` shows it.")],
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """End a mute; the newest of what it held is told, unless it is over."""
    with options.connected(context, json_output, data) as session:
        session.client.notifications.unmute(mute)
        session.output.say(f"notification mute {mute} is removed", {"id": mute, "deleted": True})


@_log.command("list")
def list_log(
    context: typer.Context,
    channel: Annotated[str | None, typer.Option("--channel", help="Only by this one: id or name.")] = None,
    policy: Annotated[str | None, typer.Option("--policy", help="Only of this one: id or name.")] = None,
    deployment: options.DeploymentFilter = None,
    status: Annotated[
        str | None, typer.Option("--status", help="Only these: pending, delivered, failed or held.")
    ] = None,
    limit: options.LimitOption = 50,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List what was told, newest first."""
    with options.connected(context, json_output, data) as session:
        client = session.client
        found = client.notifications.list_log(
            channel_id=find_channel(client, channel).id if channel else None,
            policy_id=find_policy(client, policy).id if policy else None,
            deployment_id=references.find_deployment(client, deployment).id if deployment else None,
            status=status,
        )
        rows = list(islice(found, limit))
        session.output.show_list(rows, notification_rows.LOG_COLUMNS, notification_rows.log_row)


@_log.command("show")
def show_log(
    context: typer.Context,
    notification: Annotated[str, typer.Argument(metavar="NOTIFICATION", help="Its id.")],
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Show one delivery with what came back."""
    with options.connected(context, json_output, data) as session:
        session.output.show_one(session.client.notifications.get_log(notification), notification_rows.log_pairs)


@_log.command("resend")
def resend(
    context: typer.Context,
    notification: Annotated[str, typer.Argument(metavar="NOTIFICATION", help="Its id.")],
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Send it again, past policies and mutes."""
    with options.connected(context, json_output, data) as session:
        session.output.show_one(session.client.notifications.resend(notification), notification_rows.log_pairs)


def _until(typed: str | None) -> datetime | None:
    return parse_moment_ahead("--until", typed, now=datetime.now(UTC)) if typed else None
