"""`unreachable`, `auth`, `host_key`: OpenSSH's own last words; and the same words from elsewhere."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from mgmt_ansible.domain.outcomes import Cause, Outcome
from mgmt_ansible.quickstart.loopback import LoopbackHost, free_port
from tests.integration.causes.fault_site import FaultSite, assert_cause, said

NO_SHARING = " -o ControlPath=none"


@pytest.fixture
def cutting_port() -> Iterator[int]:
    """A port that accepts connections and cuts them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_cut_all, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _cut_all(listener: socket.socket) -> None:
    while True:
        try:
            listener.accept()[0].close()
        except OSError:
            return


def use_known_hosts(site: FaultSite, text: str) -> None:
    known = site.folder / "known_hosts"
    known.write_text(text)
    arguments = str(site.variables["ansible_ssh_common_args"]).replace(str(site.host.known_hosts), str(known))
    site.variables["ansible_ssh_common_args"] = arguments + NO_SHARING


def test_a_closed_port_is_unreachable(site):
    """Nobody listens."""
    site.variables["ansible_port"] = free_port()

    host = site.launch()

    assert_cause(host, Outcome.UNREACHABLE, Cause.UNREACHABLE)
    assert "Connection refused" in said(host, "task")


def test_a_cut_connection_is_unreachable(site, cutting_port):
    """Somebody listens and hangs up."""
    site.variables["ansible_port"] = cutting_port

    host = site.launch()

    assert_cause(host, Outcome.UNREACHABLE, Cause.UNREACHABLE)
    assert "Connection" in said(host, "task")


def test_a_wrong_key_is_auth(site):
    """The host's key file is no key of the user."""
    site.variables["ansible_ssh_private_key_file"] = str(site.host.host_key)
    site.variables["ansible_ssh_common_args"] = str(site.variables["ansible_ssh_common_args"]) + NO_SHARING

    host = site.launch()

    assert_cause(host, Outcome.UNREACHABLE, Cause.AUTH)
    assert "Permission denied (publickey)." in said(host, "task")


def test_a_changed_host_key_is_host_key(site):
    """known_hosts has another key for this address."""
    kind, key = site.host.user_key.with_suffix(".pub").read_text().split()[:2]
    use_known_hosts(site, f"[{site.host.address}]:{site.host.port} {kind} {key}\n")

    host = site.launch()

    assert_cause(host, Outcome.UNREACHABLE, Cause.HOST_KEY)
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in said(host, "task")


def test_an_unknown_host_key_is_host_key(site):
    """known_hosts has no key for this address."""
    use_known_hosts(site, "")

    host = site.launch()

    assert_cause(host, Outcome.UNREACHABLE, Cause.HOST_KEY)
    assert "host key is known for" in said(host, "task")


def test_a_banner_that_talks_of_keys_proves_nothing(site, tmp_path):
    """Near miss: the session ends with 255 and ssh itself names no reason, whatever the banner says."""
    banner = tmp_path / "banner"
    banner.write_text("Permission denied for robots. If host key verification failed, call us. sudo: ask Bob\n")
    extra = f'Banner "{banner}"\nForceCommand exit 255'
    with LoopbackHost(tmp_path / "sshd", extra_config=extra) as rude:
        site.variables = {**rude.host_variables()}
        site.variables["ansible_ssh_common_args"] = str(site.variables["ansible_ssh_common_args"]) + NO_SHARING
        host = site.launch()

    assert_cause(host, Outcome.UNREACHABLE, Cause.UNREACHABLE)
    assert "Permission denied for robots" in said(host, "task")


@pytest.mark.parametrize(
    "words",
    [
        "Host key verification failed.",
        "git@forge.example: Permission denied (publickey).",
        "ssh: connect to host forge.example port 22: Connection refused",
        "sudo: no tty present",
    ],
)
def test_another_programs_connection_is_not_ours(site, words):
    """Near miss: git on the host cannot reach its own forge."""
    site.use_tasks("    - name: Clone\n      ansible.builtin.shell: {cmd: \"echo '" + words + "' >&2; exit 128\"}\n")

    assert_cause(site.launch(), Outcome.FAILED, Cause.PLAYBOOK_ERROR)
