"""`mgmt-ansible host trust`, as a person or a program calls it."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from mgmt_ansible.quickstart.loopback import LoopbackHost
from tests.integration.preflight.conftest import ENVIRONMENT
from tests.integration.preflight.places import PROGRAM, Place, make_place

pytestmark = pytest.mark.ssh


@pytest.fixture
def place(sshd: LoopbackHost, known_hosts: Path, tmp_path: Path) -> Place:
    """Two hosts: one is there, one is not."""
    return make_place(sshd, known_hosts, tmp_path)


def test_a_fingerprint_approves_a_key(place: Place) -> None:
    """Afterwards the same host is fine, and trusting it again changes nothing."""
    place.known_hosts.write_text("# mine\n")
    done = place.call("trust", ENVIRONMENT, "web1", "--fingerprint", place.fingerprint)
    written = place.known_hosts.read_text()
    again = place.call("trust", ENVIRONMENT, "web1")

    assert (0, 0) == (done.returncode, again.returncode)
    assert "# mine\n" + place.host.known_hosts.read_text() == written == place.known_hosts.read_text()
    assert "trusted already" in again.stdout
    assert 0 == place.call("check", ENVIRONMENT, "web1").returncode


def test_a_host_that_is_not_there_shows_no_key(place: Place) -> None:
    """Nothing can be approved."""
    done = place.call("trust", ENVIRONMENT, "web2")

    assert 1 == done.returncode
    assert "shows no host key" in done.stderr


def test_another_fingerprint_approves_nothing(place: Place) -> None:
    """The host's own ones are shown."""
    place.known_hosts.write_text("")
    done = place.call("trust", ENVIRONMENT, "web1", "--fingerprint", "SHA256:" + "A" * 43)

    assert 4 == done.returncode
    assert place.fingerprint in done.stderr
    assert "" == place.known_hosts.read_text()


def test_nobody_to_ask_approves_nothing(place: Place) -> None:
    """A script must give the fingerprint."""
    place.known_hosts.write_text("")
    done = place.call("trust", ENVIRONMENT, "web1")

    assert 2 == done.returncode
    assert "--fingerprint" in done.stderr
    assert "" == place.known_hosts.read_text()


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_a_changed_key_is_never_replaced(place: Place, tmp_path: Path, kind: str) -> None:
    """Not even by its fingerprint, and not by a key of another kind; the line and the way out are named."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(tmp_path / "old")], check=True)
    key = " ".join((tmp_path / "old.pub").read_text().split()[:2])
    line = f"[127.0.0.1]:{place.host.port} {key}\n"
    place.known_hosts.write_text(line)
    done = place.call("trust", ENVIRONMENT, "web1", "--fingerprint", place.fingerprint)

    assert 4 == done.returncode
    assert f"{place.known_hosts}:1" in done.stderr
    assert f"ssh-keygen -f {place.known_hosts} -R" in done.stderr
    assert line == place.known_hosts.read_text()


@pytest.mark.parametrize(("answer", "exit_code"), [("y", 0), ("n", 1)])
def test_a_person_is_asked(place: Place, answer: str, exit_code: int) -> None:
    """The fingerprint is shown first; only yes adds it."""
    place.known_hosts.write_text("")
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    command = [*PROGRAM, "--data", str(place.folder), "host", "trust", ENVIRONMENT, "web1"]
    done = subprocess.run(command, stdin=theirs, capture_output=True, text=True, check=False)
    os.close(ours)
    os.close(theirs)

    assert exit_code == done.returncode
    assert place.fingerprint in done.stdout
    assert (place.host.known_hosts.read_text() if answer == "y" else "") == place.known_hosts.read_text()
