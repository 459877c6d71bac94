"""A real browser, and the pages behind a real server on loopback."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from dataclasses import dataclass

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from mgmt_ansible.control_plane import access
from tests.unit.pages import scripted_services as scripted
from tests.unit.pages.scripted_access import SESSION

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""As root Chromium runs without its sandbox only; the others keep it from looking for other machines."""

START_SECONDS = 60
EXPECT_MILLISECONDS = 60_000
"""How long a page may take to become what a test expects, on a machine that runs four tests at once; Playwright's own is 5 s."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Ends with its file: Playwright keeps an event loop running in this thread, where no later test could run its own."""
    expect.set_options(timeout=EXPECT_MILLISECONDS)
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is missing (Debian package chromium-headless-shell)")
    if find_library("atomic") is None:
        pytest.skip("libatomic.so.1 is missing (Debian package libatomic1)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Served:
    """An application on a port of its own; `stop` and `start` keep the port."""

    app: FastAPI
    port: int = 0

    def start(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_level="warning", timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]})
        self._listener = listener
        self._thread.start()
        deadline = threading.Event()
        for _ in range(START_SECONDS * 100):
            if self._server.started:
                return
            deadline.wait(0.01)
        pytest.fail("the server did not start")

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(START_SECONDS)
        self._listener.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def served(app: FastAPI) -> Iterator[Served]:
    one = Served(app)
    one.start()
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture
def script() -> scripted.Scripted:
    return scripted.Scripted()


@pytest.fixture
def server(script) -> Iterator[Served]:
    with served(script.app()) as one:
        yield one


@pytest.fixture
def open_page(chromium, server) -> Iterator[Callable[..., Page]]:
    contexts: list[BrowserContext] = []

    def signed_in(path: str = "/", **options: object) -> Page:
        context = chromium.new_context(reduced_motion="reduce", **options)
        contexts.append(context)
        context.add_cookies([{"name": access.SESSION_COOKIE, "value": SESSION, "url": server.url}])
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (page.complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.goto(server.url + path)
        return page

    yield signed_in
    for context in contexts:
        context.close()
