"""The request at hand: for what every change has in common, so that no service can forget to say who made it.

The HTTP edge sets it for people's requests that may change something; a thread that serves a request sees it (context
variables go along). The store reads it: the scope when a transaction begins, the rest when one is about to be committed. Nothing
else may depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class CurrentRequest:
    """Who asks for what.

    Attributes:
        actor: Name of the principal.
        role: Of the principal.
        action: Method and template of the path, for example `PATCH deployments/{deployment_id}/`.
        target_kind: What the template's last id names: `deployment`; empty without one.
        target_id: That id.
        address: From where it came.
        request_id: Of the answer's header.
        noted: Whether a committed transaction has told the audit of it.
    """

    actor: str
    role: str
    action: str
    target_kind: str = ""
    target_id: str = ""
    address: str = ""
    request_id: str = ""
    noted: bool = False


_CURRENT: ContextVar[CurrentRequest | None] = ContextVar("current_request", default=None)
_SCOPE: ContextVar[tuple[str, ...]] = ContextVar("current_scope", default=())


def current_request() -> CurrentRequest | None:
    """Return the request that this thread or task serves; None outside of one, for agents, and for mere reading."""
    return _CURRENT.get()


def current_scope() -> tuple[str, ...]:
    """Return the environments that the request at hand may see; empty is all, as for whatever is no request."""
    return _SCOPE.get()


@contextmanager
def serving(request: CurrentRequest | None, *, scope: tuple[str, ...] = ()) -> Iterator[None]:
    """Let a request, and its scope, be the ones at hand; None for one that changes nothing."""
    token, scope_token = _CURRENT.set(request), _SCOPE.set(scope)
    try:
        yield
    finally:
        _SCOPE.reset(scope_token)
        _CURRENT.reset(token)
