"""Serving: an own socket, an own end on signals, and a file that tells where."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import structlog
import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from mgmt_ansible import errors
from mgmt_ansible.control_plane import data_folder
from mgmt_ansible.control_plane.wakeups import Wakeups
from mgmt_ansible.settings.control_plane import ControlPlaneSettings

_log = structlog.get_logger(__name__)
_GRACE_SECONDS = 1


def serve(app: ASGIApp, wakeups: Wakeups, settings: ControlPlaneSettings) -> None:
    """Serve until SIGINT or SIGTERM; open streams and long polls end within a second.

    Raises:
        ConfigError: The address cannot be used.
    """
    with _listening(settings.host, settings.port) as listener:
        url = _url_of(listener)
        server = _Server(app, wakeups, started=lambda: _tell(settings, url))
        try:
            server.run(sockets=[listener])
        finally:
            data_folder.remove_address(settings.data)
            _log.info("control_plane_stopped", url=url)


class _Server(uvicorn.Server):
    """A uvicorn server that ends quietly: it returns after a signal instead of raising it again."""

    def __init__(self, app: ASGIApp, wakeups: Wakeups, *, started: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._wakeups = wakeups
        self._tell_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so; what is loaded for the first request is loaded before it comes."""
        await run_in_threadpool(int)
        await super().startup(sockets=sockets)
        if self.started:
            self._tell_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Let streams and long polls end first: the server waits for them."""
        self._wakeups.stop()
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals in the main thread; threads of tests have none."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        with super().capture_signals():
            yield
            self._captured_signals.clear()


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as exc:
        raise errors.ConfigError(f"host: {host} is not an address here: {exc.strerror}") from exc
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as exc:
            raise errors.ConfigError(
                f"port: {host}:{port} cannot be listened on ({exc.strerror}): choose another with --port, 0 takes a free one"
            ) from exc
        yield listener


def _url_of(listener: socket.socket) -> str:
    """Return where programs on this machine reach the server."""
    host, port = listener.getsockname()[:2]
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"


def _tell(settings: ControlPlaneSettings, url: str) -> None:
    data_folder.write_address(settings.data, url)
    _log.info("control_plane_started", url=url, data=str(settings.data))
