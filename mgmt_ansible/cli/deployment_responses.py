"""`deployment responses`: how long they took, and how many failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from mgmt_ansible.cli import options, output, references, text
from mgmt_ansible.cli.output import Cell
from mgmt_ansible.domain.responses import Responses, ResponseSource, stretches

if TYPE_CHECKING:
    from mgmt_ansible.wire.responses import ResponseTimes

_COLUMNS = ("FROM", "MEASURED BY", "ASKED", "FAILED", "USER ERRORS", "AVERAGE MS", "FASTEST MS", "SLOWEST MS")
_MOST_HOURS = 2_160
_HOURS_BY_HOUR = 48
_DAY = 24


def responses(
    context: typer.Context,
    deployment: options.DeploymentArgument,
    hours: Annotated[
        int, typer.Option("--hours", min=1, max=_MOST_HOURS, help="The last ones; more than 48 are shown by the day.")
    ] = 24,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List how long the deployment's responses took, and how many failed; what was not measured is not there."""
    with options.connected(context, json_output, data) as session:
        found = references.find_deployment(session.client, deployment)
        told = list(session.client.monitoring.list_response_times(found.id, hours=hours))
        if session.output.json:
            output.print_json([output.as_json(one) for one in told])
        else:
            output.print_table(_COLUMNS, [_cells(row) for row in _rows(told, hours)])


class _Row(NamedTuple):
    begin: datetime
    source: ResponseSource
    responses: Responses


def _rows(told: Sequence[ResponseTimes], hours: int) -> list[_Row]:
    """Return the hours, or whole days that end with this hour, newest first."""
    each = 1 if hours <= _HOURS_BY_HOUR else _DAY
    rows: list[_Row] = []
    for source in ResponseSource:
        known = {one.begin: one.responses for one in told if one.source is source}
        parts = stretches(known, until=datetime.now(UTC), number=-(-hours // each), hours_each=each)
        rows += [_Row(part.begin, source, part.responses) for part in reversed(parts) if part.responses is not None]
    return rows


def _cells(row: _Row) -> Sequence[Cell]:
    one = row.responses
    times = (_shown(value) for value in (one.average, one.fastest, one.slowest))
    return (text.clock(row.begin), row.source.value, one.asked, one.failed, one.user_errors, *times)


def _shown(value: float | None) -> str | None:
    return None if value is None else f"{value:.3g}"
