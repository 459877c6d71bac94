"""The transport: what is sent, and what becomes of answers."""

from __future__ import annotations

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible import errors
from mgmt_ansible.client import Client
from tests.unit.client.scripted_answers import URL, connect, deployment, environment, in_turn, page


def problem(code: str, message: str = "what and which") -> dict[str, str]:
    return {"code": code, "message": message, "requestId": "r1"}


def test_the_token_travels_in_the_header():
    """The token is a bearer token, never a part of the URL."""
    client, adapter = connect(lambda request: (200, deployment()))

    client.deployments.get_deployment("wine")

    assert adapter.requests[0].headers["Authorization"] == "Bearer mga_secret"
    assert adapter.requests[0].url == f"{URL}/api/v2/deployments/wine/"


def test_an_id_cannot_name_another_route():
    """Ids are one segment of the path, whatever is in them."""
    client, adapter = connect(lambda request: (200, deployment()))

    client.deployments.get_deployment("../agents/?x=#")

    assert adapter.requests[0].url == f"{URL}/api/v2/deployments/..%2Fagents%2F%3Fx%3D%23/"


@pytest.mark.parametrize("url", ["", "127.0.0.1:8765", "ftp://host/", "http://", "http://user:password@host/"])
def test_a_wrong_url_is_a_settings_error(url):
    """The URL is judged before anything is sent."""
    with pytest.raises(errors.ConfigError, match="url"):
        Client(url, "t")


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, "access", errors.AccessError),
        (403, "forbidden", errors.ForbiddenError),
        (404, "not_found", errors.NotFoundError),
        (409, "conflict", errors.ConflictError),
        (409, "transition", errors.TransitionError),
        (422, "invalid_request", errors.InvalidRequestError),
        (422, "archive", errors.ArchiveError),
        (413, "", errors.InvalidRequestError),
        (500, "internal", errors.ControlPlaneError),
        (503, "store_unavailable", errors.ControlPlaneUnavailableError),
        (418, "unheard_of", errors.ControlPlaneError),
    ],
)
def test_a_problem_becomes_the_error_of_its_code(status, code, expected):
    """The code decides, else the status; the message is the control plane's."""
    client, _ = connect(lambda request: (status, problem(code)))

    with pytest.raises(expected, match="what and which") as caught:
        client.get_version()

    assert expected is type(caught.value)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'"x"', b'{"code": 5, "message": {}}', b"[" * 100_000])
def test_an_error_that_is_no_problem_keeps_its_status(body):
    """A proxy on the way may answer anything."""
    client, _ = connect(lambda request: (404, body))

    with pytest.raises(errors.NotFoundError, match="404"):
        client.get_version()


@pytest.mark.parametrize(
    "failure",
    [
        requests.exceptions.ConnectionError("refused"),
        requests.exceptions.ConnectTimeout("slow"),
        requests.exceptions.ReadTimeout("slow"),
        requests.exceptions.SSLError("untrusted"),
        requests.exceptions.ChunkedEncodingError("cut"),
    ],
)
def test_no_answer_is_unavailable(failure):
    """Whatever broke the connection, the caller may try again; the URL is named."""
    client, _ = connect(lambda request: failure)

    with pytest.raises(errors.ControlPlaneUnavailableError, match=URL):
        client.get_version()


@pytest.mark.parametrize(
    "failure",
    [
        kind("x", "document", 0) if kind is requests.exceptions.JSONDecodeError else kind("x")
        for kind in vars(requests.exceptions).values()
        if isinstance(kind, type) and issubclass(kind, requests.exceptions.RequestException)
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_everything_that_requests_raises_is_translated(failure):
    """An upgrade of requests that adds an error does not get past us."""
    client, _ = connect(lambda request: failure)

    with pytest.raises(errors.ControlPlaneError):
        client.get_version()


def test_an_answer_of_another_shape_names_the_field():
    """A control plane of another version is told from a broken network."""
    client, _ = connect(lambda request: (200, {**deployment(), "generation": "many"}))

    with pytest.raises(errors.ControlPlaneError, match="generation"):
        client.deployments.get_deployment("wine")


@given(body=st.one_of(st.binary(max_size=200), st.text(max_size=50).map(str.encode)))
def test_any_octets_are_an_error_of_the_tree(body):
    """Hostile answers never raise anything else."""
    client, _ = connect(lambda request: (200, body))

    with pytest.raises(errors.ControlPlaneError):
        client.deployments.get_deployment("wine")


def test_a_redirect_to_another_host_is_refused():
    """Nobody else gets the token."""
    client, adapter = connect(lambda request: (302, None, {"Location": "http://elsewhere.test/api/v2/version/"}))

    with pytest.raises(errors.ControlPlaneError, match=r"elsewhere\.test"):
        client.get_version()

    assert 1 == len(adapter.requests)


def test_a_redirect_on_the_same_host_is_followed():
    """The status route answers 303 with the deployment."""
    client, adapter = connect(
        in_turn([(303, None, {"Location": "/api/v2/deployments/wine/"}), (200, deployment(label="Seen"))])
    )

    assert "Seen" == client.deployments.get_deployment("other").label
    assert adapter.requests[1].url == f"{URL}/api/v2/deployments/wine/"


def test_endless_redirects_end():
    """Five are enough."""
    client, adapter = connect(lambda request: (302, None, {"Location": "/api/v2/version/"}))

    with pytest.raises(errors.ControlPlaneError, match="redirects"):
        client.get_version()

    assert 5 == len(adapter.requests)


def test_lists_go_on_over_pages():
    """A list is asked for page after page, as it is read."""
    first, second = environment(name="one"), environment(name="two")
    client, adapter = connect(in_turn([(200, page(first, following="more")), (200, page(second))]))

    names = [one.name for one in client.environments.list_environments()]

    assert ["one", "two"] == names
    assert "offset=1" in adapter.requests[1].url


def test_an_empty_page_ends_a_list():
    """A wrong `next` does not make an endless loop."""
    client, _ = connect(lambda request: (200, page(following="more")))

    assert [] == list(client.environments.list_environments())


def test_an_answer_beyond_the_limit_is_refused(monkeypatch):
    """The memory of the caller is not the control plane's to fill."""
    monkeypatch.setattr("mgmt_ansible.client.transport.MAXIMUM_ANSWER_BYTES", 100)
    client, _ = connect(lambda request: (200, b"x" * 101))

    with pytest.raises(errors.ControlPlaneError, match="larger"):
        client.get_version()


@pytest.mark.parametrize("url", ["http://[", "http://host:port", "http://host:99999", "http://me:x@host", "host"])
def test_an_address_that_is_none_is_an_error_of_settings(url):
    """Whatever the standard library says of it."""
    with pytest.raises(errors.ConfigError, match="url: "):
        Client(url, "mga_secret")


def test_a_delete_whose_answer_is_not_json_is_an_error_of_the_control_plane():
    """A proxy may answer with a page."""
    client, _ = connect(lambda request: (200, b"<html>"))

    with pytest.raises(errors.ControlPlaneError, match="is not a ActionAccepted"):
        client.deployments.delete("wine")
