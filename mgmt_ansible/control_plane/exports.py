"""Lists as files: CSV for people and spreadsheets, JSON lines for programs, CloudEvents of the feed for other systems.

Excel's and Parquet's files (`export_tables`) are written whole before they are sent, as their ends say what is in them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from mgmt_ansible.control_plane import export_tables
from mgmt_ansible.control_plane.export_columns import T, Table
from mgmt_ansible.domain.event_filters import ExportFormat
from mgmt_ansible.wire import cloud_events
from mgmt_ansible.wire.api_v2 import DeploymentEvent

MEDIA_TYPES: Mapping[ExportFormat, str] = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSONL: "application/jsonl",
    ExportFormat.CLOUDEVENTS: "application/jsonl",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
}

ENDINGS: Mapping[ExportFormat, str] = {
    ExportFormat.CSV: "csv",
    ExportFormat.JSONL: "jsonl",
    ExportFormat.CLOUDEVENTS: "cloudevents.jsonl",
    ExportFormat.XLSX: "xlsx",
    ExportFormat.PARQUET: "parquet",
}
"""Of the names of such files."""

_TOGETHER = 100
"""Lines in one piece of a stream."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet take a text for a formula. Source: OWASP, CSV injection."""


def check_possible(form: ExportFormat, count: int) -> None:
    """Refuse what cannot be written here.

    Raises:
        InvalidRequestError: A library is missing, or the format cannot hold so many.
    """
    if form in export_tables.WRITERS:
        export_tables.check_possible(form, count)


def written(items: Iterable[T], form: ExportFormat, table: Table[T], *, folder: Path) -> Iterator[str | bytes]:
    """Yield a file in pieces; of a CSV file the first one has the names of the columns.

    Args:
        items: In the file's order.
        form: Which file; CloudEvents are of the feed's entries only.
        table: Their columns.
        folder: Where one that must be written whole lies meanwhile.
    """
    if form in export_tables.WRITERS:
        yield from export_tables.written(items, form, table, folder)
        return
    if form is ExportFormat.CSV:
        yield _csv([tuple(table.columns)])
    for some in _batches(items):
        yield _piece(some, form, table)


def _piece(items: Sequence[T], form: ExportFormat, table: Table[T]) -> str:
    match form:
        case ExportFormat.CSV:
            return _csv([_cell(value) for value in table.cells(item)] for item in items)
        case ExportFormat.JSONL:
            return "".join(f"{item.model_dump_json(by_alias=True)}\n" for item in items)
        case ExportFormat.CLOUDEVENTS:
            return "".join(f"{cloud_events.to_json(item)}\n" for item in items if isinstance(item, DeploymentEvent))
        case _:
            raise ValueError(form)


def defused(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: one that looks like it begins with an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(items)
    while some := list(islice(waiting, _TOGETHER)):
        yield some


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _cell(value: object) -> object:
    match value:
        case None:
            return ""
        case str():
            return defused(value)
        case int() | float():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case _:
            return defused(json.dumps(value, ensure_ascii=False))
