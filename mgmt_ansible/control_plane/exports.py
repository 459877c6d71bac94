"""Entries of the feed as files: CSV for people and spreadsheets, JSON lines for programs, CloudEvents for other systems."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice

from mgmt_ansible.domain.event_filters import ExportFormat
from mgmt_ansible.wire import cloud_events
from mgmt_ansible.wire.api_v2 import DeploymentEvent

MEDIA_TYPES: Mapping[ExportFormat, str] = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSONL: "application/jsonl",
    ExportFormat.CLOUDEVENTS: "application/jsonl",
}

ENDINGS: Mapping[ExportFormat, str] = {
    ExportFormat.CSV: "csv",
    ExportFormat.JSONL: "jsonl",
    ExportFormat.CLOUDEVENTS: "cloudevents.jsonl",
}
"""Of the names of such files."""

COLUMNS = (
    "sequence",
    "timestamp",
    "type",
    "health",
    "title",
    "message",
    "prediction_environment_id",
    "deployment_id",
    "generation",
    "host",
    "actor",
    "action_id",
    "run_id",
    "id",
    "received_at",
    "data",
)
"""Of a CSV file, in its order; `data` is JSON."""

_TOGETHER = 100
"""Entries in one piece of a stream."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet take a text for a formula. Source: OWASP, CSV injection."""


def written(entries: Iterable[DeploymentEvent], form: ExportFormat) -> Iterator[str]:
    """Yield a file in pieces; of a CSV file the first one has the names of the columns."""
    match form:
        case ExportFormat.CSV:
            yield _csv([COLUMNS])
            for some in _batches(entries):
                yield _csv(_cells(entry) for entry in some)
        case ExportFormat.JSONL:
            for some in _batches(entries):
                yield "".join(f"{entry.model_dump_json(by_alias=True)}\n" for entry in some)
        case ExportFormat.CLOUDEVENTS:
            for some in _batches(entries):
                yield "".join(f"{cloud_events.to_json(entry)}\n" for entry in some)


def defused(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: one that looks like it begins with an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _batches(entries: Iterable[DeploymentEvent]) -> Iterator[list[DeploymentEvent]]:
    waiting = iter(entries)
    while some := list(islice(waiting, _TOGETHER)):
        yield some


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _cells(entry: DeploymentEvent) -> list[object]:
    return [_cell(getattr(entry, name)) for name in COLUMNS]


def _cell(value: object) -> object:
    match value:
        case None:
            return ""
        case str():
            return defused(value)
        case int():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case _:
            return defused(json.dumps(value, ensure_ascii=False))
