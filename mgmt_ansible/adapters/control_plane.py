"""The agent's side of `/agent/v1` over HTTP."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import requests
import urllib3
from pydantic import TypeAdapter

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import Claim
from mgmt_ansible.domain.capabilities import OURS
from mgmt_ansible.domain.redaction import clean_text
from mgmt_ansible.domain.reports import AgentHello, ClaimRequest, Heartbeat, HeartbeatAnswer, Report
from mgmt_ansible.ports import ControlPlane
from mgmt_ansible.wire import agent_v1

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 30.0
_HEARTBEAT_SECONDS = 10.0
"""One that hangs for longer than a claim lives would lose it."""

_RELEASE_SECONDS = 3.0
"""The agent is about to end; a claim that is not given back expires by itself."""

_PIECE_BYTES = 1024 * 1024
_UNAVAILABLE = frozenset({408, 425, 429, 502, 503, 504})
_NO_CONTENT = 204
_REFUSED = frozenset({413, 422})
"""The same request will never be taken, whatever the body of the answer says: a proxy sends 413 too."""

_T = TypeVar("_T")

_BY_CODE: dict[str, type[errors.MgmtAnsibleError]] = {
    "access": errors.AccessError,
    "forbidden": errors.ForbiddenError,
    "not_found": errors.NotFoundError,
    "claim_lost": errors.ClaimLostError,
    "conflict": errors.ConflictError,
    "invalid_request": errors.InvalidRequestError,
    "store": errors.ControlPlaneUnavailableError,
    "store_unavailable": errors.ControlPlaneUnavailableError,
}
"""The control plane's error codes -> our classes; what is not here is a `ControlPlaneError`."""


class HttpControlPlane:
    """Speaks `/agent/v1`; safe to use from several threads, as every call has a session of its own."""

    def __init__(
        self, *, url: str, token: str, ca_file: Path | None = None, instance_id: str, agent_id: str = ""
    ) -> None:
        """Take the address; nothing is sent yet.

        Args:
            url: `http://` or `https://`, without `/agent/v1`.
            token: Of kind `agent`.
            ca_file: Certificates to trust instead of the machine's.
            instance_id: New for every start of the process.
            agent_id: Of the agent's data directory.
        """
        self._url = url.rstrip("/") + "/agent/v1"
        self._token = token
        self._verify: bool | str = str(ca_file) if ca_file is not None else True
        self._instance_id = instance_id
        self._agent_id = agent_id

    def hello(self, hello: AgentHello) -> None:
        """Announce the agent and its environments.

        Raises:
            ControlPlaneUnavailableError: Try again later.
            AccessError: The token is not valid.
        """
        self._post("/hello", agent_v1.to_json(agent_v1.HELLO, hello))

    def claim(self, environment_ids: Sequence[str], *, wait_seconds: float) -> Claim | None:
        """Claim one action, waiting at most that long for one.

        Raises:
            ControlPlaneUnavailableError: Try again later.
        """
        asked = ClaimRequest(
            instance_id=self._instance_id,
            agent_id=self._agent_id,
            environment_ids=tuple(environment_ids),
            wait_seconds=wait_seconds,
            capabilities=tuple(sorted(OURS)),
        )
        body = agent_v1.to_json(agent_v1.CLAIM_REQUEST, asked)
        answer = self._post("/claims", body, seconds=_ANSWER_SECONDS + wait_seconds)
        return None if answer.status_code == _NO_CONTENT else _read(agent_v1.CLAIM, answer.content)

    def heartbeat(self, action_id: str, attempt: int) -> HeartbeatAnswer:
        """Say that the claim is alive.

        Raises:
            ClaimLostError: Somebody else holds the action.
            ControlPlaneUnavailableError: Try again later; the claim may still be ours.
        """
        body = agent_v1.to_json(agent_v1.HEARTBEAT, Heartbeat(attempt=attempt))
        answer = self._post(f"/actions/{action_id}/heartbeat", body, seconds=_HEARTBEAT_SECONDS)
        return _read(agent_v1.HEARTBEAT_ANSWER, answer.content)

    def release(self, action_id: str, attempt: int) -> None:
        """Give a claim back: it expires now and is offered again.

        Raises:
            ClaimLostError: Somebody else holds the action.
            ControlPlaneUnavailableError: It expires by itself.
        """
        self._post(
            f"/actions/{action_id}/release",
            agent_v1.to_json(agent_v1.HEARTBEAT, Heartbeat(attempt=attempt)),
            seconds=_RELEASE_SECONDS,
        )

    def send(self, reports: Sequence[Report]) -> None:
        """Deliver reports in order, at most 100; those delivered before are ignored by the receiver.

        Raises:
            ControlPlaneUnavailableError: Try again later.
            InvalidRequestError: The receiver refuses a report for good.
        """
        batch = agent_v1.ReportBatch(reports=tuple(reports))
        self._post("/reports", agent_v1.to_json(agent_v1.REPORT_BATCH, batch))

    @contextmanager
    def open_archive(self, package_id: str, *, offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Open a package's archive for reading.

        Args:
            package_id: Which one.
            offset: Octets that are there already.

        Yields:
            The offset at which the octets really begin (0 when the control plane cannot resume), and the octets.

        Raises:
            ControlPlaneUnavailableError: It broke off; what came may be kept and resumed.
            NotFoundError: The control plane does not know the package.
        """
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        address = f"{self._url}/packages/{package_id}/archive"
        with self._session() as session:
            with _translated(self._url):
                answer = session.get(
                    address,
                    headers=headers,
                    stream=True,
                    timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS),
                    verify=self._verify,
                    allow_redirects=False,
                )
            with answer:
                _raise_for(answer)
                resumed = answer.status_code == requests.codes.partial
                yield (offset if resumed else 0), self._pieces(answer)

    def _pieces(self, answer: requests.Response) -> Iterator[bytes]:
        """Read an answer as its octets come, a piece at most that large.

        Only what the connection raises is translated, not what the reader does with the octets.
        """
        while True:
            with _translated(self._url):
                piece = answer.raw.read1(_PIECE_BYTES, decode_content=True)
            if not piece:
                return
            yield piece

    def _post(self, path: str, body: bytes, *, seconds: float = _ANSWER_SECONDS) -> requests.Response:
        with self._session() as session, _translated(self._url):
            answer = session.post(
                self._url + path,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=(_CONNECT_SECONDS, seconds),
                verify=self._verify,
                allow_redirects=False,
            )
        _raise_for(answer)
        return answer

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {self._token}"
        return session


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Turn what requests and the sockets below raise into our errors."""
    try:
        yield
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
    ) as exc:
        raise errors.ConfigError(f"control_plane/url: {url} is not a URL that can be asked: {exc}") from exc
    except (requests.RequestException, urllib3.exceptions.HTTPError, ssl.SSLError, OSError) as exc:
        raise errors.ControlPlaneUnavailableError(f"{url} does not answer: {exc}") from exc


def _raise_for(answer: requests.Response) -> None:
    """Raise what an error answer means; 3xx is one too, as `/agent/v1` never redirects."""
    if answer.ok and not answer.is_redirect:
        return
    code, message = _problem(answer)
    said = f"the control plane answered {answer.status_code}: {message}"
    if answer.status_code in _UNAVAILABLE:
        raise errors.ControlPlaneUnavailableError(said)
    unnamed = errors.InvalidRequestError if answer.status_code in _REFUSED else errors.ControlPlaneError
    raise _BY_CODE.get(code, unnamed)(said)


def _problem(answer: requests.Response) -> tuple[str, str]:
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        return "", clean_text(answer.text, limit=500) or answer.reason or "no text"
    if not isinstance(body, dict):
        return "", "an answer of unknown shape"
    return str(body.get("code", "")), clean_text(str(body.get("message", "")), limit=500)


def _read(adapter: TypeAdapter[_T], body: bytes) -> _T:
    try:
        return agent_v1.parse_json(adapter, body)
    except errors.InvalidRequestError as exc:
        raise errors.ControlPlaneError(f"the control plane's answer cannot be read: {exc}") from exc


_conforms: type[ControlPlane] = HttpControlPlane
