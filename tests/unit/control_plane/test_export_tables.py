"""Entries as tables for Excel and for Parquet: whole, as texts, and nothing stays behind."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane import export_tables
from mgmt_ansible.control_plane.export_columns import DEPLOYMENTS, EVENTS, RUNS
from mgmt_ansible.control_plane.exports import check_possible, written
from mgmt_ansible.domain.event_filters import ExportFormat
from tests.unit.control_plane.test_exports import NOON, entry
from tests.unit.pages import scripted_runs
from tests.unit.pages import scripted_values as example

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
HOSTILE = ("=cmd|' /C calc'!A0", "+1", "-1", "@x", "http://evil.example/", "12", "\tx", "<b>&amp;</b>", "\u202egpj.exe")


def octets(*entries, form: ExportFormat, folder: Path) -> bytes:
    return b"".join(piece for piece in written(entries, form, EVENTS, folder=folder) if isinstance(piece, bytes))


def cells(content: bytes) -> list[list[tuple[str, str]]]:
    """Type and text of each cell, row by row."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert [] == list(sheet.iter(f"{MAIN}f")), "there is a formula"
    assert [] == list(sheet.iter(f"{MAIN}hyperlink")), "there is a link"
    return [
        [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row.iter(f"{MAIN}c")]
        for row in sheet.iter(f"{MAIN}row")
    ]


def test_a_sheet_has_the_columns_and_every_text_is_a_text(tmp_path):
    """Whatever a text looks like; what is not there is no cell."""
    pytest.importorskip("xlsxwriter")
    entries = [entry(number, message=text) for number, text in enumerate(HOSTILE, 1)]

    head, *rows = cells(octets(*entries, form=ExportFormat.XLSX, folder=tmp_path))

    assert [("inlineStr", name) for name in EVENTS.columns] == head
    assert [("n", str(number)) for number in range(1, len(HOSTILE) + 1)] == [row[0] for row in rows]
    assert [("inlineStr", text) for text in HOSTILE] == [row[5] for row in rows]
    assert ("inlineStr", "2026-11-26T12:00:00Z") == rows[0][1]


def test_a_cell_takes_what_excel_can_read(tmp_path):
    """The rest of a longer text is left out, and said so."""
    pytest.importorskip("xlsxwriter")

    _, row = cells(octets(entry(data={"text": "x" * 40_000}), form=ExportFormat.XLSX, folder=tmp_path))

    assert (32_767, "\u2026") == (len(row[-1][1]), row[-1][1][-1])


def test_a_parquet_file_gives_everything_back(tmp_path, monkeypatch):
    """Numbers, times with their zone, texts as they are, and data as JSON; also over several row groups."""
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(export_tables, "_ROW_GROUP", 2)
    entries = [
        entry(number, message=HOSTILE[0], generation=number or None, data={"n": [number]}) for number in range(5)
    ]

    table = parquet.read_table(io.BytesIO(octets(*entries, form=ExportFormat.PARQUET, folder=tmp_path)))
    rows = table.to_pylist()

    assert list(EVENTS.columns) == table.column_names
    assert [one.sequence for one in entries] == [row["sequence"] for row in rows]
    assert ([None, 1, 2, 3, 4], {HOSTILE[0]}) == ([row["generation"] for row in rows], {row["message"] for row in rows})
    assert [one.data for one in entries] == [json.loads(row["data"]) for row in rows]
    assert NOON == rows[0]["timestamp"].astimezone(UTC)
    assert datetime(2026, 11, 26, 12, tzinfo=UTC) == rows[0]["received_at"]


@pytest.mark.parametrize("form", [ExportFormat.XLSX, ExportFormat.PARQUET])
def test_an_empty_table_can_be_read(tmp_path, form):
    """It has its columns."""
    pytest.importorskip("pyarrow")
    pytest.importorskip("xlsxwriter")

    assert 1_000 < len(octets(form=form, folder=tmp_path))


def test_runs_and_deployments_are_tables_too(tmp_path):
    """Numbers are numbers, times are times, and a label is a text."""
    parquet = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("xlsxwriter")
    run = scripted_runs.run(started_at=NOON, ended_at=NOON.replace(minute=1, second=30))

    pieces = list(written([run], ExportFormat.PARQUET, RUNS, folder=tmp_path))
    (row,) = parquet.read_table(io.BytesIO(b"".join(pieces))).to_pylist()
    sheet = written([example.deployment(label=HOSTILE[0])], ExportFormat.XLSX, DEPLOYMENTS, folder=tmp_path)
    head, (label, *_) = cells(b"".join(sheet))

    assert (90.0, NOON) == (row["seconds"], row["started_at"].astimezone(UTC))
    assert (len(DEPLOYMENTS.columns), ("inlineStr", HOSTILE[0])) == (len(head), label)


@pytest.mark.parametrize("form", [ExportFormat.XLSX, ExportFormat.PARQUET])
def test_nothing_stays_in_the_folder(tmp_path, form):
    """Neither after the end, nor when nobody wants the rest."""
    pytest.importorskip("pyarrow")
    pytest.importorskip("xlsxwriter")
    octets(entry(), form=form, folder=tmp_path)
    begun = written([entry()], form, EVENTS, folder=tmp_path)
    next(begun)
    assert [] != list(tmp_path.iterdir())

    begun.close()  # type: ignore[attr-defined]

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("form", [ExportFormat.XLSX, ExportFormat.PARQUET])
def test_a_missing_library_is_named_with_the_way_to_get_it(monkeypatch, form):
    """Before anything is read."""

    def missing(name: str, *_: object, **__: object) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(export_tables.importlib, "import_module", missing)

    with pytest.raises(errors.InvalidRequestError, match=r"pip install 'mgmt-ansible\[export\]'"):
        check_possible(form, 0)


def test_a_sheet_that_is_too_small_is_refused():
    """Instead of a file that ends somewhere."""
    pytest.importorskip("xlsxwriter")
    check_possible(ExportFormat.XLSX, export_tables.MOST_XLSX_ROWS)
    check_possible(ExportFormat.CSV, 10**9)

    with pytest.raises(errors.InvalidRequestError, match="parquet"):
        check_possible(ExportFormat.XLSX, export_tables.MOST_XLSX_ROWS + 1)
