"""`up` on a data folder that a file's tests share."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.command_line import UP_READY, Program, read_json, run


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """One data folder for all tests of a file: the runtime environment on the host is built once."""
    with tempfile.TemporaryDirectory(prefix="mgmt-ansible-test-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def running(data: Path) -> Iterator[Program]:
    """One `up` for all tests of a file; the port that it was asked to take is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = Program(data / "output", "up", "--data", data, "--port", str(port))
        program.asked_port = port
        try:
            program.wait_for(UP_READY)
            yield program
        finally:
            program.end()


@pytest.fixture
def ready(running: Program, data: Path) -> None:
    """The deployment of `running` serves, whatever the test before did to it."""
    if read_json("--data", data, "deployment", "show", "wine")["state"] != "ready":
        done = run("--data", data, "deployment", "relaunch", "wine", "--wait")
        assert 0 == done.returncode, done.stdout + done.stderr


@pytest.fixture
def up(data):
    """Starts `up` on the shared folder; it is gone afterwards."""
    started = []

    def start(*arguments):
        program = Program(data / "output", "up", "--data", data, *arguments)
        started.append(program)
        return program

    yield start
    for program in started:
        program.end()
