"""`mgmt-ansible retention`: how long the feed and runs are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible import errors
from mgmt_ansible.cli import bodies, options, output, references, text
from mgmt_ansible.cli.output import Cell
from mgmt_ansible.domain.event_filters import EventCategory
from mgmt_ansible.domain.health import Health

if TYPE_CHECKING:
    from mgmt_ansible.wire.retention import LegalHold, RetentionCount, RetentionPolicy, RetentionReport

app = typer.Typer(
    help="Retention: how long entries of the feed and runs are kept. Once a day what is older goes, but for what is needed:\n\n"
    "the newest entry of each deployment and host, what tells its health now, open incidents, open actions, what one may go\n"
    "back to, and what is held. `preview` says what would go, and what saves the rest.",
    epilog='Try: retention preview; retention set audits --keep-days 3650 --category launch; retention hold --deployment wine --reason "case 7".',
    no_args_is_help=True,
    rich_markup_mode=None,
)

_COLUMNS = ("NAME", "DAYS", "FOR", "CHANGED BY", "CHANGED")
_HOLD_COLUMNS = ("ID", "DEPLOYMENT", "ENVIRONMENT", "REASON", "BY", "PLACED")

PolicyArgument = Annotated[str, typer.Argument(metavar="POLICY", help="Name of the policy.")]
LabelOption = Annotated[
    list[str] | None, typer.Option("--label", help="For deployments with this label; may come again.")
]
TypeOption = Annotated[
    list[str] | None, typer.Option("--type", help="For entries of this type, in full; may come again.")
]
CategoryOption = Annotated[
    list[EventCategory] | None, typer.Option("--category", help="For entries about this; may come again.")
]
HealthOption = Annotated[
    list[Health] | None, typer.Option("--health", help="For entries of this health; may come again.")
]


@app.command("list")
def list_policies(
    context: typer.Context, json_output: options.JsonOption = False, data: options.DataOption = None
) -> None:
    """List policies; `default` is for what no other covers. Of several that cover an entry the longest counts."""
    with options.connected(context, json_output, data) as session:
        session.output.show_list(list(session.client.retention.list_policies()), _COLUMNS, _row)


@app.command("set")
def set_policy(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Of the policy; a new name makes one, `default` is there already.")],
    keep_days: Annotated[
        int | None, typer.Option("--keep-days", metavar="DAYS", min=1, help="How long; needed for a new one.")
    ] = None,
    environment: Annotated[str | None, typer.Option("--environment", help="For this environment: id or name.")] = None,
    label: LabelOption = None,
    event_type: TypeOption = None,
    category: CategoryOption = None,
    health: HealthOption = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Make a policy, or change it; what is not given stays. It covers what fulfils all that is given."""
    from mgmt_ansible.wire.retention import RetentionPolicyIn, RetentionPolicyPatch

    with options.connected(context, json_output, data) as session:
        environment_id = references.find_environment(session.client, environment).id if environment else None
        fields = {
            "keep_days": keep_days,
            "prediction_environment_id": environment_id,
            "labels": label,
            "types": event_type,
            "categories": category,
            "healths": health,
        }
        retention = session.client.retention
        known = next((one for one in retention.list_policies() if one.name == name), None)
        if known is None:
            made = retention.create_policy(bodies.checked(RetentionPolicyIn, name=name, **fields))
        else:
            made = retention.change_policy(known.id, bodies.checked(RetentionPolicyPatch, **fields))
        session.output.show_one(made, _pairs)


@app.command()
def delete(
    context: typer.Context,
    policy: PolicyArgument,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Delete a policy; what it covered is then for the others, or for `default`."""
    with options.connected(context, json_output, data) as session:
        retention = session.client.retention
        known = next((one for one in retention.list_policies() if policy in (one.name, one.id)), None)
        if known is None:
            raise errors.NotFoundError(f"no retention policy is named {policy!r}; see `mgmt-ansible retention list`")
        retention.delete_policy(known.id)
        session.output.say(f"retention policy {known.name} is deleted", {"id": known.id, "deleted": True})


@app.command()
def preview(context: typer.Context, json_output: options.JsonOption = False, data: options.DataOption = None) -> None:
    """Show what would be removed now, by which policy, and what is old enough but saved, by what; changes nothing."""
    with options.connected(context, json_output, data) as session:
        _show_report(session, session.client.retention.preview())


@app.command()
def prune(context: typer.Context, json_output: options.JsonOption = False, data: options.DataOption = None) -> None:
    """Remove now what `preview` shows, without waiting for the day's turn; goes on until nothing is left."""
    with options.connected(context, json_output, data) as session:
        reports = [session.client.retention.prune()]
        while not reports[-1].complete:
            reports.append(session.client.retention.prune())
        _show_report(session, _together(reports))


@app.command()
def hold(
    context: typer.Context,
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever finds it later.")],
    deployment: Annotated[
        str | None, typer.Option("--deployment", help="This one: id or label; of a deleted one the id.")
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", help="All of this environment: id or name.")
    ] = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Place a legal hold: nothing of the deployment, or of the environment, is removed until it is released."""
    from mgmt_ansible.wire.retention import LegalHoldIn

    with options.connected(context, json_output, data) as session:
        body = bodies.checked(
            LegalHoldIn,
            reason=reason,
            deployment_id=_deployment_id(session, deployment) if deployment else None,
            prediction_environment_id=references.find_environment(session.client, environment).id
            if environment
            else None,
        )
        session.output.show_one(session.client.retention.place_hold(body), _hold_pairs)


@app.command()
def holds(context: typer.Context, json_output: options.JsonOption = False, data: options.DataOption = None) -> None:
    """List legal holds, newest first."""
    with options.connected(context, json_output, data) as session:
        session.output.show_list(list(session.client.retention.list_holds()), _HOLD_COLUMNS, _hold_row)


@app.command()
def release(
    context: typer.Context,
    hold: Annotated[str, typer.Argument(metavar="HOLD", help="Id of the hold, as `retention holds` shows it.")],
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Release a legal hold; the feed tells who placed and who released it."""
    with options.connected(context, json_output, data) as session:
        session.client.retention.release_hold(hold)
        session.output.say(f"legal hold {hold} is released", {"id": hold, "deleted": True})


def _deployment_id(session: options.Session, reference: str) -> str:
    """Return the id of a deployment; what is none any more may be one that the feed knows."""
    try:
        return references.find_deployment(session.client, reference).id
    except errors.NotFoundError:
        return reference


def _together(reports: Sequence[RetentionReport]) -> RetentionReport:
    """Return the last report with what all of them removed."""
    last = reports[-1]
    oldest = [one.oldest_at for one in reports if one.oldest_at]
    newest = [one.newest_at for one in reports if one.newest_at]
    return last.model_copy(
        update={
            "entries": sum(one.entries for one in reports),
            "runs": sum(one.runs for one in reports),
            "oldest_at": min(oldest, default=None),
            "newest_at": max(newest, default=None),
            "policies": _summed(count for one in reports for count in one.policies),
            "prediction_environments": _summed(count for one in reports for count in one.prediction_environments),
        }
    )


def _summed(counts: Iterable[RetentionCount]) -> list[RetentionCount]:
    """Return a count for each name, in the order in which they first come."""
    sums: dict[str, RetentionCount] = {}
    for one in counts:
        former = sums.get(one.name)
        added = {"entries": former.entries + one.entries, "runs": former.runs + one.runs} if former else {}
        sums[one.name] = one.model_copy(update=added)
    return list(sums.values())


def _show_report(session: options.Session, report: RetentionReport) -> None:
    if session.output.json:
        output.print_json(output.as_json(report))
        return
    output.print_pairs(_report_pairs(report))
    rows = [("policy", one.name, one.entries, one.runs) for one in report.policies]
    rows += [("saved by", one.name, one.entries, one.runs) for one in report.protections]
    rows += [("environment", one.name, one.entries, one.runs) for one in report.prediction_environments]
    print()
    output.print_table(("WHAT", "NAME", "ENTRIES", "RUNS"), rows)


def _report_pairs(report: RetentionReport) -> Iterator[tuple[str, Cell]]:
    yield "removed" if report.pruned else "would go", f"{report.entries} entries, {report.runs} runs"
    if report.oldest_at and report.newest_at:
        yield "stored", f"{text.clock(report.oldest_at)} to {text.clock(report.newest_at)}"


def _row(policy: RetentionPolicy) -> Sequence[Cell]:
    changed = text.ago(policy.changed_at) if policy.changed_at else None
    return (policy.name, policy.keep_days, _scope(policy), policy.changed_by or None, changed)


def _scope(policy: RetentionPolicy) -> str:
    """Return what a policy covers, in a line."""
    asked = {
        "environment": [policy.prediction_environment_id] if policy.prediction_environment_id else [],
        "label": policy.labels,
        "type": policy.types,
        "category": [category.value for category in policy.categories],
        "health": [health.value for health in policy.healths],
    }
    return "; ".join(f"{name} {' or '.join(values)}" for name, values in asked.items() if values) or "all else"


def _pairs(policy: RetentionPolicy) -> Iterable[tuple[str, Cell]]:
    yield "name", policy.name
    yield "id", policy.id
    yield "keep days", policy.keep_days
    yield "for", _scope(policy)


def _hold_row(hold: LegalHold) -> Sequence[Cell]:
    deployment = hold.deployment_id or "all"
    return (
        hold.id,
        deployment,
        hold.prediction_environment_id,
        hold.reason,
        hold.placed_by,
        text.ago(hold.placed_at),
    )


def _hold_pairs(hold: LegalHold) -> Iterable[tuple[str, Cell]]:
    yield "id", hold.id
    yield "deployment", hold.deployment_id or "all of the environment"
    yield "environment", hold.prediction_environment_id
    yield "reason", hold.reason
    yield "placed by", hold.placed_by
