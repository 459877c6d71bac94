"""docs/reference/client.md: which method of the client asks which route, found by calling every method.

`python -m tests.unit.repository.client_page` writes the page anew.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import re
import types
import typing
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from mgmt_ansible import errors
from mgmt_ansible.control_plane.api import create_app
from tests.unit.client.scripted_answers import connect
from tests.unit.pages.scripted_services import Scripted

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "client.md"
SIGNED = ("POST webhooks/generic/{webhook_id}/", "POST webhooks/mlflow/{webhook_id}/")
"""Sent by others, who sign them."""
ALSO = {
    "packages.download": "GET modelPackages/{package_id}/modelPackageFile/",
    "registered_models.list_deployments": "GET registeredModels/{model_id}/versions/{package_id}/deployments/",
}
"""What a method asks after its first question was answered, or with another argument."""
_WORDS = {"kind": "user"}
"""Arguments that take some words only."""
_GONE = (404, {"code": "not_found", "message": "gone", "requestId": "r"})

HEAD = """# Client

`mgmt_ansible.client` is public: what the command line can do, a program can do with it. Every answer is a value of
`mgmt_ansible.wire`, every failure an error of `mgmt_ansible.errors`; lists are iterators that ask page after page.

```python
from mgmt_ansible.client import Client

with Client("http://127.0.0.1:8765", token="mga_...") as client:
    for deployment in client.deployments.list_deployments(tag_keys=["team"]):
        print(deployment.label, deployment.service_health.status)
```

A `Client` belongs to one thread at a time. `timeout_seconds` is without a byte, not for the whole answer; `ca_file` names authorities to
trust; proxies of the environment are not asked. Methods that make an action take `idempotency_key`: the same key gives the same action,
so that a lost answer can be asked for again; `actions.wait_for_action` follows it through short outages.

Every route below `/api/v2/` has a method (written by `python -m tests.unit.repository.client_page`; a test compares). The two routes that
take signed deliveries are left out: others send those ([HTTP API](http-api.md)).

| method | route |
|---|---|
"""


@cache
def routes() -> list[str]:
    """Return every route below `/api/v2/`, in the order of the document."""
    paths = create_app(Scripted().services()).openapi()["paths"]
    below = {path: methods for path, methods in paths.items() if path.startswith("/api/v2/")}
    return [
        f"{method.upper()} {path.removeprefix('/api/v2/')}" for path, methods in below.items() for method in methods
    ]


@cache
def asked() -> dict[str, list[str]]:
    """Return `noun.method` -> routes that it asks."""
    templates = [(route, re.compile(re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(route)))) for route in routes()]
    found: dict[str, list[str]] = {}
    for name in _methods():
        request = _request_of(name)
        fitting = [route for route, pattern in templates if pattern.fullmatch(request)]
        plain = [route for route in fitting if route.count("{") == min(one.count("{") for one in fitting)]
        assert plain, f"{name} asks {request}, which is no route"
        found[name] = [plain[0], *([ALSO[name]] if name in ALSO else [])]
    return found


def written() -> str:
    """Return the page."""
    rows = [f"| `{name}` | {', '.join(f'`{route}`' for route in asks)} |" for name, asks in asked().items()]
    return HEAD + "\n".join(rows) + "\n"


def _methods() -> Iterator[str]:
    client, _ = connect(lambda request: _GONE)
    yield "get_version"
    for noun, thing in vars(client).items():
        if not noun.startswith("_"):
            for name, _ in inspect.getmembers(thing, inspect.ismethod):
                if not name.startswith("_"):
                    yield f"{noun}.{name}"


def _request_of(name: str) -> str:
    """Call a method, whose first question is answered with 404, and return that question."""
    client, adapter = connect(lambda request: _GONE)
    method: object = client
    for part in name.split("."):
        method = getattr(method, part)
    with contextlib.suppress(errors.NotFoundError):
        answer = method(*_arguments(method)[0], **_arguments(method)[1])  # type: ignore[operator]
        if hasattr(answer, "__enter__"):
            answer.__enter__()
        if isinstance(answer, Iterator | types.GeneratorType):
            next(answer, None)
    first = adapter.requests[0]
    path = first.path_url.partition("?")[0].removeprefix("/api/v2/")
    return f"{first.method} {path}"


def _arguments(method: object) -> tuple[list[object], dict[str, object]]:
    hints = typing.get_type_hints(method)
    positional: list[object] = []
    named: dict[str, object] = {}
    for name, parameter in inspect.signature(method).parameters.items():  # type: ignore[arg-type]
        if parameter.default is not inspect.Parameter.empty or parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        value = _WORDS.get(name) or _value(hints[name])
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            named[name] = value
        else:
            positional.append(value)
    return positional, named


def _value(kind: object) -> object:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        names = ("id", "related_entity_type", "related_entity_id") if "id" in kind.model_fields else ()
        ids = {name: "x" for name in names if name in kind.model_fields}
        return kind.model_construct(_fields_set=set(ids), **ids)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    return kind() if isinstance(kind, type) and kind is not str else "x"


_SIMPLE = {Path: Path(__file__), typing.BinaryIO: io.BytesIO(), int: 1, datetime: datetime(2026, 1, 1, tzinfo=UTC)}


if __name__ == "__main__":
    PAGE.write_text(written())
