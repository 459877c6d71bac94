"""The feed as it happens: server-sent events over connections that break."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from itertools import islice

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible import errors
from mgmt_ansible.client import server_sent_events
from mgmt_ansible.client.server_sent_events import Message
from mgmt_ansible.domain.event_filters import EventCategory, EventFilters, ExportFormat
from mgmt_ansible.domain.health import Health
from tests.unit.client.scripted_answers import connect, deployment_event, in_turn, page, server_sent


def test_a_lost_connection_is_taken_up_where_it_broke():
    """The last sequence travels in Last-Event-ID."""
    client, adapter = connect(
        in_turn([(200, server_sent(deployment_event(7), deployment_event(8))), (200, server_sent(deployment_event(9)))])
    )

    found = [one.sequence for one in islice(client.deployment_events.follow_events(after=6), 3)]

    assert [7, 8, 9] == found
    assert ["6", "8"] == [request.headers["Last-Event-ID"] for request in adapter.requests]


def test_an_outage_does_not_end_the_feed():
    """The control plane may be started again meanwhile."""
    client, _ = connect(
        in_turn([requests.exceptions.ConnectionError("refused"), (200, server_sent(deployment_event(1)))])
    )

    assert 1 == next(client.deployment_events.follow_events()).sequence


def test_patience_ends():
    """Who does not want to wait for ever says so."""
    client, _ = connect(lambda request: requests.exceptions.ConnectionError("refused"))

    with pytest.raises(errors.ControlPlaneUnavailableError):
        next(client.deployment_events.follow_events(patience_seconds=0))


def test_a_refused_token_ends_the_feed():
    """Only outages are waited for."""
    client, _ = connect(lambda request: (401, {"code": "access", "message": "revoked", "requestId": "r"}))

    with pytest.raises(errors.AccessError, match="revoked"):
        next(client.deployment_events.follow_events())


def test_comments_and_unknown_messages_are_skipped():
    """Keep-alive comments and newer kinds of messages do no harm."""
    stream = b": keep-alive\n\nevent: other\ndata: {}\n\n" + server_sent(deployment_event(3))
    client, _ = connect(lambda request: (200, stream))

    assert 3 == next(client.deployment_events.follow_events()).sequence


def test_filters_travel_in_the_query():
    """Names are the API's."""
    client, adapter = connect(lambda request: (200, server_sent(deployment_event(3))))

    filters = EventFilters(
        deployment_id="wine",
        hosts=("h1", "h2"),
        categories=(EventCategory.LAUNCH,),
        healths=(Health.FAILING,),
        since=datetime(2026, 1, 2, tzinfo=UTC),
    )

    next(client.deployment_events.follow_events(filters))

    query = "deploymentId=wine&host=h1&host=h2&category=launch&health=failing&since=2026-01-02T00%3A00%3A00%2B00%3A00"
    assert adapter.requests[0].url.endswith(f"deploymentEvents/stream/?{query}")


def test_a_list_goes_on_before_the_last_entry():
    """Not by an offset: what is added meanwhile would shift it, and an entry came twice."""
    first = {**page(deployment_event(9), deployment_event(8)), "next": "more"}
    client, adapter = connect(in_turn([(200, first), (200, page(deployment_event(7)))]))

    found = [one.sequence for one in client.deployment_events.list_events(before=10)]

    assert [9, 8, 7] == found
    assert ["before=10", "before=8"] == [request.url.rpartition("&")[2] for request in adapter.requests]


def test_an_export_is_written_as_it_comes():
    """Octet for octet, and counted by the control plane."""
    client, adapter = connect(lambda request: (200, b"a,b\r\n", {"X-Total-Count": "1"}))
    file = io.BytesIO()

    count = client.deployment_events.export_events(file, ExportFormat.CSV, EventFilters(actor="ann"))

    assert (1, b"a,b\r\n") == (count, file.getvalue())
    assert adapter.requests[0].url.endswith("deploymentEvents/export/?actor=ann&format=csv")


def test_an_export_that_is_not_counted_is_not_ours():
    """A proxy's page is no export."""
    client, _ = connect(lambda request: (200, b"<html>", {"X-Total-Count": "many"}))

    with pytest.raises(errors.ControlPlaneError, match="how many"):
        client.deployment_events.export_events(io.BytesIO(), ExportFormat.CSV)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\ndata: b\n\n", [Message(id="", name="message", data="a\nb")]),
        (
            b"data:a\r\n\r\ndata: c\r\r",
            [Message(id="", name="message", data="a"), Message(id="", name="message", data="c")],
        ),
        (
            b"id: 5\nevent: x\ndata: a\n\ndata: b\n\n",
            [Message(id="5", name="x", data="a"), Message(id="5", name="message", data="b")],
        ),
        (b"data: cut off", []),
        (b"id: 1\n\n", []),
    ],
)
def test_a_stream_is_read_as_the_standard_says(stream, expected):
    """Line ends, several data lines, ids that stay, a message that is cut off."""
    assert expected == list(server_sent_events.parse([stream + b"\n" if stream.endswith(b"\r") else stream]))


@given(stream=st.binary(max_size=300), cut=st.integers(0, 300))
def test_any_octets_cut_anywhere_give_the_same_messages(stream, cut):
    """Where the network cuts does not matter, and nothing raises."""
    whole = list(server_sent_events.parse([stream]))

    assert whole == list(server_sent_events.parse([stream[:cut], stream[cut:]]))


def test_an_endless_message_is_refused(monkeypatch):
    """A stream cannot fill the memory."""
    monkeypatch.setattr(server_sent_events, "MAXIMUM_MESSAGE_BYTES", 100)

    with pytest.raises(errors.ControlPlaneError, match="100 bytes"):
        list(server_sent_events.parse([b"data: x\n"] * 20))
