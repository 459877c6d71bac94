"""Whether whoever began an endless answer may have it still."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from starlette.requests import Request

from mgmt_ansible.control_plane.access import SESSION_COOKIE, Access


def admission(access: Access, request: Request) -> Callable[[], bool]:
    """Return what tells whether the token or the session of a request is good still, for the same person; it may block."""
    return partial(
        access.admits,
        header=request.headers.get("authorization"),
        cookie=request.cookies.get(SESSION_COOKIE),
        as_before=request.state.principal,
    )
