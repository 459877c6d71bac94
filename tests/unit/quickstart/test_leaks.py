"""The search of `selftest leaks`: it finds what is there, in every form, and tells no value."""

from __future__ import annotations

import base64
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from mgmt_ansible.quickstart.leak_channels import Secret, make_canary
from mgmt_ansible.quickstart.leak_search import Places, ProcessWatch, files_below

DEADLINE_SECONDS = 60


@pytest.fixture
def secret(tmp_path: Path) -> Secret:
    return Secret(channel="token", value=f"{make_canary()} with/slash", belongs=(tmp_path / "here",))


@pytest.mark.parametrize("form", [str, quote, lambda text: base64.b64encode(f"user:{text}".encode()).decode()])
def test_a_secret_is_found_in_every_form(secret: Secret, form):
    """In what programs say."""
    places = Places()

    places.search("page", "/", f"it is {form(secret.value)}!".encode(), [secret])

    assert ["page /"] == [hit.place for hit in places.hits]
    assert secret.value not in repr(places.hits)


def test_a_file_where_the_secret_belongs_is_no_hit_and_any_other_is(secret: Secret, tmp_path: Path):
    """Also far inside of a file of many megabytes, over the edge of what is read at once."""
    (tmp_path / "here").write_text(secret.value)
    (tmp_path / "database").write_bytes(bytes((1 << 20) - 10) + secret.value.encode() + bytes(100))
    places = Places()

    places.search_files("file", files_below(tmp_path), [secret])

    assert [f"file {tmp_path / 'database'}"] == [hit.place for hit in places.hits]
    assert {"file": 2} == places.counts


def test_what_is_not_there_is_not_found(secret: Secret, tmp_path: Path):
    """The check can also pass."""
    (tmp_path / "log").write_text(f"token=[redacted] {make_canary()}")
    places = Places()

    places.search_files("file", files_below(tmp_path), [secret])

    assert {} == places.hits


def test_a_command_line_of_any_process_is_seen(secret: Secret):
    """As anybody on the machine sees it."""
    with ProcessWatch() as watch:
        command = [sys.executable, "-c", "import sys; sys.stdin.read()", secret.value]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
            deadline = time.monotonic() + DEADLINE_SECONDS
            while not any(secret.value.encode() in line for line in watch.command_lines):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            process.communicate(b"")
    places = Places()

    for line, program in watch.command_lines.items():
        places.search("command line", program, line, [secret])

    assert {"token"} == {hit.channel for hit in places.hits}
