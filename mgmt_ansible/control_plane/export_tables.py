"""Lists as Excel's and as Parquet's files; their libraries are the extra `export`.

Either is written a part at a time into a folder of its own, which is gone when the file has been sent, or nobody wants it any more.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from mgmt_ansible import errors
from mgmt_ansible.control_plane import work_folders
from mgmt_ansible.control_plane.export_columns import Kind, T, Table
from mgmt_ansible.domain.event_filters import ExportFormat

MOST_XLSX_ROWS = 1_048_575
"""Of a sheet, without the names of the columns. Source: Microsoft, Excel specifications and limits."""
_MOST_CELL_CHARACTERS = 32_767
_PIECE_BYTES = 64 * 1024
_ROW_GROUP = 10_000

_LIBRARIES = {ExportFormat.XLSX: "xlsxwriter", ExportFormat.PARQUET: "pyarrow.parquet"}


def check_possible(form: ExportFormat, count: int) -> None:
    """Refuse what cannot be written here.

    Raises:
        InvalidRequestError: The library is missing, or a sheet cannot hold so many.
    """
    try:
        importlib.import_module(_LIBRARIES[form])
    except ImportError as exc:
        raise errors.InvalidRequestError(
            f"format: {form} needs a library that the control plane does not have. Next: pip install 'mgmt-ansible[export]'"
            " there, or choose csv or jsonl"
        ) from exc
    if form is ExportFormat.XLSX and count > MOST_XLSX_ROWS:
        raise errors.InvalidRequestError(
            f"format: a sheet holds {MOST_XLSX_ROWS} lines at most, these are {count}: narrow the filter, or choose"
            " parquet, csv or jsonl"
        )


def written(items: Iterable[T], form: ExportFormat, table: Table[T], folder: Path) -> Iterator[bytes]:
    """Yield a file in pieces, after it was written in the folder."""
    with work_folders.lent(folder, work_folders.EXPORT) as work:
        path = work / "file"
        WRITERS[form](map(table.cells, items), table, path)
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece


def _write_xlsx(rows: Iterable[Sequence[object]], table: Table[Any], path: Path) -> None:
    """Write a sheet, row by row; a text is written as a text, so that none is a formula, a link or a number."""
    import xlsxwriter  # noqa: PLC0415 - an extra

    options = {
        "constant_memory": True,
        "tmpdir": str(path.parent),
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet(table.name.replace("-", " "))
        sheet.freeze_panes(1, 0)
        for place, name in enumerate(table.columns):
            sheet.write_string(0, place, name)
        for row, values in enumerate(rows, 1):
            for place, value in enumerate(values):
                if isinstance(value, int | float):
                    sheet.write_number(row, place, value)
                elif value is not None:
                    sheet.write_string(row, place, _cut(_text(value)))


def _write_parquet(rows: Iterable[Sequence[object]], table: Table[Any], path: Path) -> None:
    """Write row groups; times are UTC with microseconds, `data` is JSON."""
    import pyarrow  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415 - same

    types = {
        Kind.NUMBER: pyarrow.int64(),
        Kind.SECONDS: pyarrow.float64(),
        Kind.TIME: pyarrow.timestamp("us", tz="UTC"),
    }
    schema = pyarrow.schema([(name, types.get(kind, pyarrow.string())) for name, kind in table.columns.items()])
    waiting = iter(rows)
    with parquet.ParquetWriter(path, schema, compression="zstd") as file:
        while some := list(islice(waiting, _ROW_GROUP)):
            columns = [[_value(value) for value in column] for column in zip(*some, strict=True)]
            file.write_table(pyarrow.table(dict(zip(table.columns, columns, strict=True)), schema=schema))


WRITERS: Mapping[ExportFormat, Callable[[Iterable[Sequence[object]], Table[Any], Path], None]] = {
    ExportFormat.XLSX: _write_xlsx,
    ExportFormat.PARQUET: _write_parquet,
}


def _value(value: object) -> Any:  # noqa: ANN401 - what pyarrow takes
    return value if value is None or isinstance(value, int | float | datetime) else _text(value)


def _text(value: object) -> str:
    match value:
        case str():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case _:
            return json.dumps(value, ensure_ascii=False)


def _cut(text: str) -> str:
    """Return what a cell of Excel can hold."""
    return text if len(text) <= _MOST_CELL_CHARACTERS else text[: _MOST_CELL_CHARACTERS - 1] + "\u2026"
