"""`up` on a data folder that a file's tests share."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.acceptance.command_line import Program


@pytest.fixture(scope="module")
def data():
    """One data folder for all tests of a file: the runtime environment on the host is built once."""
    with tempfile.TemporaryDirectory(prefix="mgmt-ansible-test-") as folder:
        yield Path(folder)


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
