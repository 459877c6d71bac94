"""The agent's side of `/agent/v1` against a real HTTP server that answers what it is told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mgmt_ansible import errors
from mgmt_ansible.adapters.control_plane import HttpControlPlane
from mgmt_ansible.domain.reports import AgentHello, HeartbeatAnswer
from mgmt_ansible.wire import agent_v1
from tests.unit.agent.scripted import ENVIRONMENT, NOW, make_claim


class Server:
    """One answer for every request; keeps what it was asked."""

    def __init__(self) -> None:
        self.status = 204
        self.body = b""
        self.announced = 0
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.asked.append((self.command, self.path, dict(self.headers), body))
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                if outer.status != 204:
                    self.send_header("Content-Length", str(outer.announced or len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            do_GET = do_POST  # noqa: N815 - http.server prescribes the name

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def answer(self, status: int, body: bytes | dict[str, object] = b"", **headers: str) -> None:
        self.status, self.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def client(server: Server) -> HttpControlPlane:
    return HttpControlPlane(url=server.url, token="secret", instance_id="1" * 24, agent_id="2" * 24)


def test_a_claim_says_which_agent_asks(server, client):
    """Its former processes are dead, which the control plane may act on."""
    client.claim((ENVIRONMENT,), wait_seconds=1.0)

    ((_, _, _, body),) = server.asked
    asked = agent_v1.parse_json(agent_v1.CLAIM_REQUEST, body)
    assert ("1" * 24, "2" * 24) == (asked.instance_id, asked.agent_id)


def test_a_claim_is_given_back_by_its_attempt(server, client):
    """The action is offered again at once."""
    client.release("a" * 24, 3)

    ((_, path, _, body),) = server.asked
    assert (f"/agent/v1/actions/{'a' * 24}/release", 3) == (path, json.loads(body)["attempt"])


def test_a_claim_that_is_lost_cannot_be_given_back(server, client):
    """Somebody else holds it."""
    server.answer(409, {"code": "claim_lost", "message": "attempt 4 holds it"})

    with pytest.raises(errors.ClaimLostError):
        client.release("a" * 24, 3)


def test_hello_carries_the_token(server, client):
    """Every request is authorised."""
    client.hello(AgentHello(instance_id="1", version="0", environment_ids=(ENVIRONMENT,)))

    ((_, path, headers, body),) = server.asked
    assert ("/agent/v1/hello", "Bearer secret") == (path, headers["Authorization"])
    assert [ENVIRONMENT] == json.loads(body)["environment_ids"]


def test_a_claim_comes_back_as_a_value(server, client):
    """The wire's JSON is the domain's value."""
    server.answer(200, agent_v1.to_json(agent_v1.CLAIM, make_claim()))

    assert make_claim() == client.claim((ENVIRONMENT,), wait_seconds=0)


def test_no_action_is_none(client):
    """204 means that nothing came within the wait."""
    assert client.claim((ENVIRONMENT,), wait_seconds=0) is None


def test_a_heartbeat_tells_of_a_cancel(server, client):
    """The answer carries what the control plane wants."""
    answer = HeartbeatAnswer(expires_at=NOW, cancel_requested=True)
    server.answer(200, agent_v1.to_json(agent_v1.HEARTBEAT_ANSWER, answer))

    assert answer == client.heartbeat("a" * 24, 1)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (401, "access", errors.AccessError),
        (403, "forbidden", errors.ForbiddenError),
        (404, "not_found", errors.NotFoundError),
        (409, "claim_lost", errors.ClaimLostError),
        (409, "conflict", errors.ConflictError),
        (422, "invalid_request", errors.InvalidRequestError),
        (503, "store_unavailable", errors.ControlPlaneUnavailableError),
        (502, "", errors.ControlPlaneUnavailableError),
        (500, "internal", errors.ControlPlaneError),
        (418, "teapot", errors.ControlPlaneError),
    ],
)
def test_an_error_answer_is_an_error_of_its_class(server, client, status, code, error):
    """Codes are mapped once, with the control plane's words."""
    server.answer(status, {"code": code, "message": "because", "requestId": "r"})

    with pytest.raises(error, match="because") as caught:
        client.heartbeat("a" * 24, 1)
    assert error is type(caught.value)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff\xfe", b"{", b"null"])
def test_an_answer_of_another_shape_is_an_error_of_the_control_plane(server, client, body):
    """A proxy's page is not a claim."""
    server.answer(200, body)

    with pytest.raises(errors.ControlPlaneError, match="cannot be read"):
        client.claim((ENVIRONMENT,), wait_seconds=0)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff\xfe", b"null", b"", b"[" * 100_000])
def test_an_error_page_of_a_proxy_is_an_error_too(server, client, body):
    """Whatever stands between must not crash the agent."""
    server.answer(500, body)

    with pytest.raises(errors.ControlPlaneError, match="500"):
        client.claim((ENVIRONMENT,), wait_seconds=0)


def test_a_redirect_is_not_followed(server, client):
    """The token goes to the configured address only."""
    server.answer(302, Location="http://127.0.0.1:1/elsewhere")

    with pytest.raises(errors.ControlPlaneError, match="302"):
        client.heartbeat("a" * 24, 1)
    assert 1 == len(server.asked)


def test_nobody_at_the_address_is_unavailable():
    """A refused connection is a reason to try again later."""
    with socket.socket() as bound:  # bound, but nobody listens
        bound.bind(("127.0.0.1", 0))
        client = HttpControlPlane(url=f"http://127.0.0.1:{bound.getsockname()[1]}", token="secret", instance_id="1")

        with pytest.raises(errors.ControlPlaneUnavailableError, match="does not answer"):
            client.claim((ENVIRONMENT,), wait_seconds=0)


def test_a_url_that_cannot_be_asked_is_a_setting(tmp_path):
    """A typing error in the settings is not an absence."""
    with pytest.raises(errors.ConfigError, match="control_plane/url"):
        HttpControlPlane(url="http://", token="secret", instance_id="1").claim((ENVIRONMENT,), wait_seconds=0)


def test_an_archive_is_resumed_by_range(server, client):
    """206 continues at the offset that was asked for."""
    server.answer(206, b"rest")

    with client.open_archive("c" * 24, offset=10) as (begin, pieces):
        assert (10, b"rest") == (begin, b"".join(pieces))
    assert "bytes=10-" == server.asked[0][2]["Range"]


def test_an_archive_that_cannot_be_resumed_begins_at_its_beginning(server, client):
    """200 is the whole archive, whatever was asked for."""
    server.answer(200, b"all")

    with client.open_archive("c" * 24, offset=10) as (begin, pieces):
        assert (0, b"all") == (begin, b"".join(pieces))


def test_an_archive_that_breaks_off_is_unavailable(server, client):
    """What came may be resumed later."""
    server.answer(200, b"short")
    server.announced = 100

    with (
        pytest.raises(errors.ControlPlaneUnavailableError),
        client.open_archive("c" * 24, offset=0) as (_, pieces),
    ):
        b"".join(pieces)


def test_a_full_disk_is_not_the_control_planes_fault(server, client):
    """What the reader of an archive raises stays what it is."""
    server.answer(200, b"octets")

    with pytest.raises(OSError, match="disk"), client.open_archive("c" * 24, offset=0):
        raise OSError("disk")


@pytest.mark.parametrize("status", [413, 422])
def test_a_refusal_without_our_words_is_final(server, client, status):
    """A proxy before the control plane refuses a large body for good, too."""
    server.answer(status, b"<html>Request Entity Too Large</html>")

    with pytest.raises(errors.InvalidRequestError):
        client.send(())
