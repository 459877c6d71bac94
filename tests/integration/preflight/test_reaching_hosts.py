"""What stands between here and a host's sshd: names, ports, proxies, servers that misbehave."""

from __future__ import annotations

import socket
import socketserver
from pathlib import Path

import pytest

from mgmt_ansible.domain.preflight import CheckStatus
from mgmt_ansible.quickstart.loopback import free_port
from tests.integration.preflight.conftest import Bench, options, server

pytestmark = pytest.mark.ssh


def test_a_good_host_has_nothing_that_failed(bench: Bench) -> None:
    """Every check but those of things that are off, or not installed here, is ok."""
    looked = bench.look()

    named = ("reachable", "ssh", "host_key", "auth", "python", "base_dir", "space", "remote_tmp", "clock")
    assert dict.fromkeys(named, ("ok", None)) == {name: looked.words(name) for name in named}
    assert not looked.report.failed
    assert bench.host.user in looked["auth"].message


def test_nothing_is_made_on_a_host(bench: Bench) -> None:
    """The base directory is judged by what is there, not by making it."""
    bench.look()

    assert not bench.base_dir.exists()


def test_a_closed_port_is_unreachable(bench: Bench) -> None:
    """The kernel's own words are the evidence, and the next command is the same by hand."""
    looked = bench.look(ansible_port=free_port())

    assert ("failed", "unreachable") == looked.words("reachable")
    assert "Connection refused" in looked["reachable"].evidence[0].text
    assert looked["reachable"].next_command.startswith("ssh ")
    assert {CheckStatus.SKIPPED} == {check.status for check in looked.report.checks[1:]}


def test_a_name_without_an_address_is_unreachable(bench: Bench) -> None:
    """The resolver's own words are the evidence."""
    looked = bench.look(ansible_host="no-such-host.invalid")

    assert ("failed", "unreachable") == looked.words("reachable")
    assert "has no address" in looked["reachable"].evidence[0].text


def test_a_server_that_says_nothing_costs_the_time_limit_only(bench: Bench) -> None:
    """TCP alone is no SSH."""
    with server(lambda handler: handler.request.recv(1) and handler.request.recv(1 << 20)) as port:
        looked = bench.look(ansible_port=port, seconds=2)

    assert ("ok", None) == looked.words("reachable")
    assert ("failed", "unreachable") == looked.words("ssh")
    assert "said nothing" in looked["ssh"].evidence[0].text


def _endless_line(handler: socketserver.BaseRequestHandler) -> None:
    while True:
        handler.request.sendall(b"A" * 65_536)


def _endless_lines(handler: socketserver.BaseRequestHandler) -> None:
    while True:
        handler.request.sendall(b"\x1b]0;owned\x07 hello\r\n" * 4_096)


def _endless_banner(handler: socketserver.BaseRequestHandler) -> None:
    handler.request.sendall(b"SSH-2.0-" + b"\x1b[31mred")
    _endless_line(handler)


@pytest.mark.parametrize("bomb", [_endless_line, _endless_lines, _endless_banner])
def test_a_banner_bomb_is_cut_off(bench: Bench, bomb: object) -> None:
    """What it sent is neither kept nor shown, and control characters never come through."""
    with server(bomb) as port:
        looked = bench.look(ansible_port=port)

    assert ("failed", "unreachable") == looked.words("ssh")
    shown = "".join(f"{check.message}{check.evidence}{check.next_command}" for check in looked.report.checks)
    assert len(shown) < 10_000
    assert "\x1b" not in shown


def test_a_host_that_closes_at_once_has_no_ssh(bench: Bench) -> None:
    """As a host does that is full, or a firewall that resets."""
    with server(lambda handler: handler.request.shutdown(socket.SHUT_RDWR)) as port:
        looked = bench.look(ansible_port=port)

    assert ("failed", "unreachable") == looked.words("ssh")


@pytest.mark.parametrize("line", ["ProxyJump bastion.invalid", "ProxyCommand nc %h %p"])
def test_a_proxy_of_ssh_config_skips_everything(bench: Bench, known_hosts: Path, tmp_path: Path, line: str) -> None:
    """Only OpenSSH can go that way; that is no failure."""
    config = tmp_path / "ssh_config"
    config.write_text(f"Host *\n  {line}\n")
    looked = bench.look(ansible_ssh_common_args=options(bench.host, known_hosts, config=config))

    assert {CheckStatus.SKIPPED} == {check.status for check in looked.report.checks}
    assert line.split(maxsplit=1)[0] in looked["reachable"].message
    assert not looked.report.failed


@pytest.mark.parametrize("kind", ["local", "community.docker.docker", "winrm"])
def test_other_connections_are_skipped(bench: Bench, kind: str) -> None:
    """Only ssh is looked at."""
    looked = bench.look(ansible_connection=kind)

    assert {CheckStatus.SKIPPED} == {check.status for check in looked.report.checks}
    assert kind in looked["reachable"].message


@pytest.mark.parametrize("value", ["{{ address }}", "{% if x %}a{% endif %}", {"__ansible_vault": "$ANSIBLE_VAULT;1"}])
def test_a_template_is_for_the_run_to_resolve(bench: Bench, value: object) -> None:
    """Neither rendered nor taken for a name."""
    looked = bench.look(ansible_host=value)

    assert {CheckStatus.SKIPPED} == {check.status for check in looked.report.checks}
    assert "ansible_host holds a template" in looked["reachable"].message


def test_port_and_name_of_ssh_config_are_honoured(bench: Bench, known_hosts: Path, tmp_path: Path) -> None:
    """What `ssh -G` says is where the host is."""
    config = tmp_path / "ssh_config"
    config.write_text(f"Host nick\n  HostName 127.0.0.1\n  Port {bench.host.port}\n")
    looked = bench.look(
        ansible_host="nick",
        ansible_port=None,
        ansible_ssh_common_args=options(bench.host, known_hosts, config=config),
    )

    assert ("ok", None) == looked.words("auth")
    assert f"127.0.0.1 port {bench.host.port}" in looked["reachable"].message


def test_options_that_ssh_refuses_are_told_in_its_words(bench: Bench) -> None:
    """A run would fail on them too."""
    looked = bench.look(ansible_ssh_common_args="-o NoSuchOption=1")

    assert ("failed", "unreachable") == looked.words("reachable")
    assert "nosuchoption" in looked["reachable"].evidence[0].text.lower()


def test_forwarding_is_warned_of(bench: Bench, known_hosts: Path) -> None:
    """A hostile host could use a forwarded agent."""
    arguments = options(bench.host, known_hosts, "ForwardAgent=yes", "ForwardX11=yes")
    looked = bench.look(ansible_ssh_common_args=arguments)

    assert ("warning", None) == looked.words("ssh")
    assert "ForwardAgent and ForwardX11" in looked["ssh"].message
    assert ("ok", None) == looked.words("auth")
