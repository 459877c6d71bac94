"""`deployment list --at` and `deployment diff`: what was, and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible.cli import moments, options, output, text
from mgmt_ansible.cli.output import Cell

if TYPE_CHECKING:
    from mgmt_ansible.cli.options import Session
    from mgmt_ansible.wire.history import DeploymentDifference, DeploymentThen

_COLUMNS = ("LABEL", "ID", "STATE", "HEALTH", "MODEL", "GEN", "ENVIRONMENT", "SINCE")
_DIFFERENCES = ("ID", "WHAT", "FIELDS", "BEFORE", "AFTER")


def show_at(session: Session, at: str) -> None:
    """Print what deployments were at a time."""
    moment = moments.parse_moment("--at", at, now=datetime.now(UTC))
    session.output.show_list(session.client.history.deployments_at(moment).data, _COLUMNS, _row)


def diff(
    context: typer.Context,
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="How long ago (12h), or a time.")],
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="The same; without it, now.")] = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Show which deployments were not the same at two times."""
    now = datetime.now(UTC)
    before = moments.parse_moment("--from", begin, now=now)
    after = moments.parse_moment("--to", end, now=now) if end else None
    with options.connected(context, json_output, data) as session:
        found = session.client.history.differences(before, after or now)
        if session.output.json:
            output.print_json(output.as_json(found))
        else:
            output.print_table(_DIFFERENCES, [_difference(one) for one in found.data])


def _row(then: DeploymentThen) -> Sequence[Cell]:
    return (
        then.label,
        then.id,
        then.state.value,
        then.health,
        f"{then.package_name}:{then.package_version}",
        then.generation,
        then.prediction_environment_name,
        text.clock(then.from_at),
    )


def _difference(one: DeploymentDifference) -> Sequence[Cell]:
    return (one.id, one.difference.value, ", ".join(one.fields), _short(one.before), _short(one.after))


def _short(then: DeploymentThen | None) -> str | None:
    if then is None:
        return None
    return f"{then.state.value}, {then.health.value}, {then.package_name}:{then.package_version}, generation {then.generation}"
