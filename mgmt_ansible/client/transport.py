"""HTTP to one control plane: the token, timeouts, redirects, and answers that are errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote, urljoin, urlsplit

import requests
from pydantic import ValidationError

import mgmt_ansible
from mgmt_ansible import errors
from mgmt_ansible.client import problems
from mgmt_ansible.wire.api_v2 import ActionAccepted, Page, WireModel

MAXIMUM_ANSWER_BYTES = 64 * 1024 * 1024
"""A JSON answer beyond this is refused."""

PAGE_SIZE = 200
_MAXIMUM_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CONNECT_SECONDS = 5.0

Query = Mapping[str, str | int | float | bool | Sequence[str] | None]
"""Several values of a name are sent as the name several times."""
_M = TypeVar("_M", bound=WireModel)


class Transport:
    """Sends requests below `/api/v2/` and turns every failure into an error of the tree."""

    def __init__(
        self, url: str, token: str, *, ca_file: str | None, timeout_seconds: float, session: requests.Session
    ) -> None:
        """See `Client`."""
        self.url = _checked_url(url)
        self.timeout_seconds = timeout_seconds
        self._session = session
        session.trust_env = False
        session.verify = ca_file or True
        session.headers.update(
            {
                "Authorization": f"Bearer {token}",
                "Accept": "application/json",
                "User-Agent": f"mgmt-ansible/{mgmt_ansible.__version__}",
            }
        )

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(self, model: type[_M], path: str, query: Query | None = None) -> _M:
        """Return the value at a path."""
        return parse_answer(model, self.read("GET", path, query=query))

    def send(
        self, model: type[_M], method: str, path: str, *, body: WireModel | None = None, query: Query | None = None
    ) -> _M:
        """Send a body and return the value that is answered."""
        return parse_answer(model, self.read(method, path, body=body, query=query))

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: WireModel | None = None,
        query: Query | None = None,
        idempotency_key: str | None = None,
    ) -> ActionAccepted:
        """Ask for an action.

        Args:
            method: HTTP method.
            path: Below `/api/v2/`.
            body: What to send.
            query: Of the URL.
            idempotency_key: The same key gives the same action; makes it safe to ask again after a lost answer.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return parse_answer(ActionAccepted, self.read(method, path, body=body, query=query, headers=headers))

    def pages(self, model: type[_M], path: str, query: Query | None = None) -> Iterator[_M]:
        """Yield the entries of a list, page after page, as they are asked for."""
        offset = 0
        while True:
            parameters = {**(query or {}), "limit": PAGE_SIZE, "offset": offset}
            page = parse_answer(Page[model], self.read("GET", path, query=parameters))  # type: ignore[valid-type]
            yield from page.data
            offset += len(page.data)
            if page.next is None or not page.data:
                return

    def read(
        self,
        method: str,
        path: str,
        *,
        body: WireModel | None = None,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        read_timeout_seconds: float | None = None,
    ) -> bytes:
        """Send a request and return the whole body of a good answer."""
        data = None if body is None else body.model_dump_json(by_alias=True, exclude_none=True).encode()
        content = {} if data is None else {"Content-Type": "application/json"}
        with self.open(
            method,
            path,
            data=data,
            query=query,
            headers={**content, **(headers or {})},
            read_timeout_seconds=read_timeout_seconds,
        ) as response:
            return _read_capped(response)

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        *,
        data: object = None,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        read_timeout_seconds: float | None = None,
    ) -> Iterator[requests.Response]:
        """Send a request and lend the unread answer; errors while it is read are translated too.

        Raises:
            ControlPlaneUnavailableError: No answer, a broken one, or 502, 503, 504.
            MgmtAnsibleError: The error that the answer names.
        """
        timeout = (min(_CONNECT_SECONDS, self.timeout_seconds), read_timeout_seconds or self.timeout_seconds)
        with problems.translated(self.url):
            response = self._follow(method, path, data=data, query=query, headers=headers, timeout=timeout)
            try:
                if not response.ok:
                    raise problems.error_of(response.status_code, _read_capped(response))
                yield response
            finally:
                response.close()

    def _follow(
        self,
        method: str,
        path: str,
        *,
        data: object,
        query: Query | None,
        headers: Mapping[str, str] | None,
        timeout: tuple[float, float],
    ) -> requests.Response:
        url = f"{self.url}/api/v2/{path}"
        parameters: Query | None = {key: _as_text(value) for key, value in (query or {}).items() if value is not None}
        for _ in range(_MAXIMUM_REDIRECTS):
            response = self._session.request(
                method,
                url,
                data=data,  # type: ignore[arg-type]
                params=parameters,
                headers=dict(headers or {}),
                timeout=timeout,
                stream=True,
                allow_redirects=False,
            )
            if response.status_code not in _REDIRECTS:
                return response
            url = _redirected(url, response)
            if method != "GET":
                raise errors.ControlPlaneError(f"{method} {path}: redirected to {url}; use that address instead")
            parameters = None
        raise errors.ControlPlaneError(f"{method} {path}: more than {_MAXIMUM_REDIRECTS} redirects")


def segment(identifier: str) -> str:
    """Return an id as one segment of a path, so that no id can name another route."""
    return (
        quote(identifier, safe="") if identifier not in (".", "..") else quote(identifier, safe="").replace(".", "%2E")
    )


def parse_answer(model: type[_M], body: bytes) -> _M:
    """Return the value in a JSON answer.

    Raises:
        ControlPlaneError: It is not JSON, or not of that shape; the message names the first wrong field.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = "/".join(str(part) for part in first["loc"]) or "body"
        raise errors.ControlPlaneError(
            f"the control plane's answer is not a {model.__name__}: {where}: {first['msg']}"
        ) from exc


def _checked_url(url: str) -> str:
    message = f"url: {url!r} is not an http or https URL such as http://127.0.0.1:8765"
    try:
        parts = urlsplit(url)
        acceptable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError as exc:
        raise errors.ConfigError(message) from exc
    if not acceptable or parts.username is not None:
        raise errors.ConfigError(message)
    return url.rstrip("/")


def _as_text(value: str | int | float | bool | Sequence[str] | None) -> str | int | float | Sequence[str] | None:
    return str(value).lower() if isinstance(value, bool) else value


def _redirected(url: str, response: requests.Response) -> str:
    response.close()
    target = urljoin(url, response.headers.get("Location", ""))
    here, there = urlsplit(url), urlsplit(target)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        raise errors.ControlPlaneError(
            f"redirected to another host ({there.scheme}://{there.netloc}): refused, as it would get the token"
        )
    return target


def _read_capped(response: requests.Response) -> bytes:
    chunks: list[bytes] = []
    total = 0
    for chunk in response.iter_content(64 * 1024):
        total += len(chunk)
        if total > MAXIMUM_ANSWER_BYTES:
            raise errors.ControlPlaneError(f"the answer is larger than {MAXIMUM_ANSWER_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
