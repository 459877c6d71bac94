"""Lists as files: nothing is lost, and nothing is a formula."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible.control_plane.export_columns import DEPLOYMENTS, EVENTS, RUNS
from mgmt_ansible.control_plane.exports import defused, written
from mgmt_ansible.domain.event_filters import ExportFormat
from mgmt_ansible.wire.api_v2 import DeploymentEvent
from mgmt_ansible.wire.deployment_details import Owner, Owners
from tests.unit.pages import scripted_runs
from tests.unit.pages import scripted_values as example

NOWHERE = Path("/nowhere")
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def entry(sequence: int = 1, **more: object) -> DeploymentEvent:
    values = {
        "id": f"id{sequence}",
        "sequence": sequence,
        "type": "model_deployments.deployment_creation",
        "status_type": "info",
        "health": "info",
        "title": "Deployment created",
        "message": "",
        "timestamp": NOON,
        "received_at": NOON,
        "prediction_environment_id": "e1",
        "deployment_id": "d1",
        "action_id": None,
        "run_id": None,
        "generation": None,
        "host": None,
        "actor": "ann",
        "data": {},
    }
    return DeploymentEvent(**{**values, **more})


def rows(*entries: DeploymentEvent) -> list[dict[str, str]]:
    text = "".join(written(entries, ExportFormat.CSV, EVENTS, folder=NOWHERE))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_csv_file_names_its_columns_even_when_it_is_empty():
    """So that a program can read any of them."""
    assert ",".join(EVENTS.columns) + "\r\n" == "".join(written([], ExportFormat.CSV, EVENTS, folder=NOWHERE))


def test_times_are_utc_and_what_is_not_there_is_empty():
    """ISO 8601, whatever the zone of who asks."""
    (row,) = rows(entry())

    assert ("2026-11-26T12:00:00Z", "", "{}") == (row["timestamp"], row["host"], row["data"])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_text_is_a_formula(start):
    """Source: OWASP, CSV injection."""
    (row,) = rows(entry(message=f"{start}cmd|' /C calc'!A0", actor=f"{start}1+1"))

    assert f"'{start}cmd|' /C calc'!A0" == row["message"]
    assert f"'{start}1+1" == row["actor"]


@pytest.mark.parametrize("text", ["", "plain", "a=b", "1-2", "'quoted", " =x"])
def test_other_texts_stay_as_they_are(text):
    """Only the beginning counts."""
    assert text == defused(text)


@given(
    message=st.text(st.characters(exclude_categories=["Cs"])), host=st.text(st.characters(exclude_categories=["Cs"]))
)
def test_any_text_comes_back_from_csv(message, host):
    """Quotes, commas and line ends too; but for the apostrophe before a formula."""
    (row,) = rows(entry(message=message, host=host))

    assert (defused(message), defused(host)) == (row["message"], row["host"])


@given(messages=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_json_lines_are_the_apis_own_objects(messages):
    """One in a line, whatever line ends are in it; nothing is defused, as no spreadsheet reads it."""
    entries = [entry(number, message=message) for number, message in enumerate(messages)]

    lines = "".join(written(entries, ExportFormat.JSONL, EVENTS, folder=NOWHERE)).split("\n")[:-1]

    assert entries == [DeploymentEvent.model_validate_json(line) for line in lines]
    assert messages == [json.loads(line)["message"] for line in lines]


def test_many_entries_come_in_pieces():
    """A long export is not one string in memory."""
    pieces = list(written((entry(number) for number in range(250)), ExportFormat.JSONL, EVENTS, folder=NOWHERE))

    assert [100, 100, 50] == [piece.count("\n") for piece in pieces]


def test_a_deployment_has_a_cell_for_each_column():
    """Health, model and environment are told by their words; a label that looks like a formula is none."""
    owners = Owners(count=1, preview=[Owner(username="=ann")])
    one = example.deployment("wine", label="=1+1", generation=3, owners=owners)

    row = only_row(one, DEPLOYMENTS)

    assert list(DEPLOYMENTS.columns) == list(row)
    assert ("'=1+1", "wine", "passing", "3") == (row["label"], row["id"], row["health"], row["generation"])
    assert (one.model_package.name, one.prediction_environment.name) == (row["package"], row["environment"])
    assert ("'=ann", "") == (row["owner"], only_row(example.deployment(), DEPLOYMENTS)["owner"])
    assert row["created_at"].endswith("Z")


def test_a_run_tells_how_long_it_took_and_what_became_of_its_hosts():
    """Seconds are a number; while it goes on they are not there, and neither is its end."""
    ended = scripted_runs.run(outcomes={"changed": 2, "failed": 1}, started_at=NOON, ended_at=NOON.replace(minute=1))

    row, on = only_row(ended, RUNS), only_row(ended.model_copy(update={"ended_at": None}), RUNS)

    assert list(RUNS.columns) == list(row)
    assert ("60.0", "3", '{"changed": 2, "failed": 1}') == (row["seconds"], row["hosts"], row["outcomes"])
    assert ("", "") == (on["seconds"], on["ended_at"])


def only_row(one, table) -> dict[str, str]:
    text = "".join(written([one], ExportFormat.CSV, table, folder=NOWHERE))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    return row
