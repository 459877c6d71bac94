"""Entries as CloudEvents: what the official SDK reads, and what the specification forbids."""

from __future__ import annotations

import json
import re

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible.wire import cloud_events
from mgmt_ansible.wire.api_v2 import DeploymentEvent
from tests.unit.control_plane.test_exports import NOON, entry

ATTRIBUTE = re.compile(r"[a-z0-9]{1,20}")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def test_the_sdk_reads_what_we_send():
    """Every attribute, typed; the data is the API's own object."""
    sent = entry(7, action_id="a1", data={"hosts": {"h1": {"outcome": "ok"}}})
    message = HTTPMessage(headers={"content-type": cloud_events.MEDIA_TYPE}, body=cloud_events.to_json(sent).encode())

    read = from_http_event(message, JSONFormat())

    assert ("1.0", "id7", sent.type) == (read.get_specversion(), read.get_id(), read.get_type())
    assert "/api/v2/predictionEnvironments/e1/" == read.get_source()
    assert ("deployments/d1", NOON) == (read.get_subject(), read.get_time())
    assert sent == DeploymentEvent.model_validate(read.get_data())
    extensions = {"sequence": "0000000000000000007", "environmentid": "e1", "deploymentid": "d1", "actionid": "a1"}
    assert {**extensions, "health": "info"} == {name: read.get_extension(name) for name in (*extensions, "health")}


def test_what_is_not_there_is_left_out():
    """CloudEvents knows no null."""
    found = cloud_events.cloud_event(entry(deployment_id=None))

    assert not {"subject", "deploymentid", "actionid"} & set(found)
    assert None not in found.values()


def test_names_of_attributes_are_as_the_specification_wants():
    """Small letters and digits, twenty at most."""
    assert [] == [name for name in cloud_events.cloud_event(entry(action_id="a1")) if not ATTRIBUTE.fullmatch(name)]


def test_sequences_sort_as_texts():
    """As the extension demands, up to the largest that a database holds."""
    numbers = [1, 9, 10, 99_999, 2**63 - 1]
    texts = [cloud_events.cloud_event(entry(number))["sequence"] for number in numbers]

    assert sorted(texts) == texts


def test_a_batch_is_an_array_of_events():
    """Also an empty one."""
    entries = [entry(number) for number in (3, 2, 1)]

    assert [] == json.loads(cloud_events.to_json_batch([]))
    assert [cloud_events.cloud_event(one) for one in entries] == json.loads(cloud_events.to_json_batch(entries))


@given(message=TEXTS, host=TEXTS, value=TEXTS)
def test_any_text_stays_inside_its_line(message, host, value):
    """A line end in a text would be a second event to whoever reads lines."""
    sent = entry(message=message, host=host, data={"text": value})
    line = cloud_events.to_json(sent)

    assert "\n" not in line
    assert "\r" not in line
    assert sent == DeploymentEvent.model_validate(json.loads(line)["data"])
