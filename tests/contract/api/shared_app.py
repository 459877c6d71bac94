"""One application for many tests: its routes are built once, which is half a second, and each test puts its services behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, cast

from fastapi import FastAPI

from mgmt_ansible.control_plane.api import create_app
from mgmt_ansible.control_plane.services import Services


class SharedApp:
    """Serves whatever services it was given last."""

    def __init__(self) -> None:
        self._services: Services | None = None
        self._app: FastAPI | None = None

    def serve(self, services: Services) -> FastAPI:
        """Return the application over these services, its edge as new: what the edge counts, it counts from zero."""
        self._services = services
        if self._app is None:
            late = {field.name: _Late(self._reader(field.name)) for field in fields(Services)}
            self._app = create_app(Services(**cast("dict[str, Any]", late)))
        self._app.middleware_stack = None
        return self._app

    def _reader(self, name: str) -> Callable[[], object]:
        return lambda: getattr(self._services, name)


class _Late:
    """Whatever a service is when it is asked."""

    def __init__(self, read: Callable[[], object]) -> None:
        self._read = read

    def __getattr__(self, name: str) -> object:
        return getattr(self._read(), name)
