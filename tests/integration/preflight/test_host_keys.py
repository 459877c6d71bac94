"""Host keys: known, changed, unknown, revoked, hashed, under an alias, or signed by an authority."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mgmt_ansible.execution.host_keys import HostKey, KnownLine, Verdict, add_line, judge, read_known_hosts
from mgmt_ansible.quickstart.loopback import LoopbackHost
from tests.integration.preflight.conftest import Bench, options

pytestmark = pytest.mark.ssh


def _keygen(*arguments: str) -> None:
    subprocess.run(["ssh-keygen", "-q", *arguments], check=True, stdin=subprocess.DEVNULL, capture_output=True)


def _new_key(path: Path) -> str:
    _keygen("-t", "ed25519", "-N", "", "-f", str(path))
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def _sessions(host: LoopbackHost) -> int:
    return host.log_path.read_text(errors="replace").count("Accepted publickey")


def test_a_changed_key_fails_and_names_the_line(bench: Bench, known_hosts: Path, tmp_path: Path) -> None:
    """The way out is to look first, then to remove that line; nobody logs in."""
    known_hosts.write_text(f"# a comment\n[127.0.0.1]:{bench.host.port} {_new_key(tmp_path / 'other')}\n")
    before = _sessions(bench.host)
    looked = bench.look(ansible_ssh_common_args=options(bench.host, known_hosts))

    assert ("failed", "host_key") == looked.words("host_key")
    assert f"{known_hosts}:2" in looked["host_key"].evidence[0].text
    assert f"ssh-keygen -f {known_hosts} -R '[127.0.0.1]:{bench.host.port}'" == looked["host_key"].next_command
    assert ("skipped", None) == looked.words("auth")
    assert before == _sessions(bench.host)


def test_an_unknown_key_fails_and_shows_its_fingerprint(bench: Bench, known_hosts: Path) -> None:
    """The next command is the one that approves it; the file stays as it is."""
    known_hosts.write_text("")
    looked = bench.look(ansible_ssh_common_args=options(bench.host, known_hosts))

    (key,) = read_known_hosts([bench.host.known_hosts])
    assert ("failed", "host_key") == looked.words("host_key")
    assert key.key.fingerprint in looked["host_key"].evidence[0].text
    assert looked["host_key"].next_command.startswith("mgmt-ansible host trust ")
    assert known_hosts.read_text() == ""


def test_an_unknown_key_is_a_warning_where_ssh_takes_any(bench: Bench, known_hosts: Path) -> None:
    """`accept-new` is the user's choice; still nothing is sent to the host, and nothing is added."""
    known_hosts.write_text("")
    looked = bench.look(ansible_ssh_common_args=options(bench.host, known_hosts, "StrictHostKeyChecking=accept-new"))

    assert ("warning", None) == looked.words("host_key")
    assert ("skipped", None) == looked.words("auth")
    assert known_hosts.read_text() == ""


def test_a_hashed_name_is_found(bench: Bench, known_hosts: Path) -> None:
    """As `HashKnownHosts` writes them, by ssh-keygen's own hashing."""
    _keygen("-H", "-f", str(known_hosts))
    assert known_hosts.read_text().startswith("|1|")

    assert ("ok", None) == bench.look(ansible_ssh_common_args=options(bench.host, known_hosts)).words("host_key")


def test_a_revoked_key_fails_although_it_is_known(bench: Bench, known_hosts: Path) -> None:
    """`@revoked` wins over any other line."""
    line = known_hosts.read_text()
    known_hosts.write_text(f"{line}@revoked * {' '.join(line.split()[1:])}\n")
    looked = bench.look(ansible_ssh_common_args=options(bench.host, known_hosts))

    assert ("failed", "host_key") == looked.words("host_key")
    assert f"{known_hosts}:2: @revoked" in looked["host_key"].evidence[0].text


def test_an_alias_is_looked_up_in_place_of_the_name(bench: Bench, known_hosts: Path) -> None:
    """`HostKeyAlias` has no port."""
    known_hosts.write_text(f"web1 {' '.join(known_hosts.read_text().split()[1:])}\n")
    arguments = options(bench.host, known_hosts, "HostKeyAlias=web1")

    assert ("ok", None) == bench.look(ansible_ssh_common_args=arguments).words("host_key")
    assert ("failed", "host_key") == bench.look(ansible_ssh_common_args=options(bench.host, known_hosts)).words(
        "host_key"
    )


@pytest.fixture
def signed(tmp_path: Path) -> Iterator[tuple[LoopbackHost, str]]:
    """A host with a certificate, and the public key of the authority that signed it."""
    directory = tmp_path / "signed"
    directory.mkdir(mode=0o700)
    authority = _new_key(tmp_path / "authority")
    host_key = directory / "host_key"
    _new_key(host_key)
    _keygen("-s", str(tmp_path / "authority"), "-I", "web1", "-h", "-n", "127.0.0.1", str(host_key.with_suffix(".pub")))
    certificate = f'HostCertificate "{directory / "host_key-cert.pub"}"'
    with LoopbackHost(directory, extra_config=certificate) as host:
        yield host, authority


def test_an_authority_is_left_to_openssh(signed: tuple[LoopbackHost, str], tmp_path: Path) -> None:
    """OpenSSH itself gets in by the certificate; the preflight says that it cannot tell."""
    host, authority = signed
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"@cert-authority * {authority}\n")
    arguments = options(host, known_hosts, "BatchMode=yes", "StrictHostKeyChecking=yes")
    command = ["ssh", *arguments.split(), "-i", str(host.user_key), "-p", str(host.port), host.address, "true"]
    looked = Bench(host=host, base_dir=tmp_path / "base").look(ansible_ssh_common_args=arguments)

    assert subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0
    assert ("skipped", None) == looked.words("host_key")
    assert f"{known_hosts}:1 names an authority" in looked["host_key"].message
    assert not looked.report.failed


def test_a_plain_line_beside_an_authority_still_counts(signed: tuple[LoopbackHost, str], tmp_path: Path) -> None:
    """Then nothing is left to OpenSSH."""
    host, authority = signed
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"@cert-authority * {authority}\n{host.known_hosts.read_text()}")
    looked = Bench(host=host, base_dir=tmp_path / "base").look(ansible_ssh_common_args=options(host, known_hosts))

    assert ("ok", None) == looked.words("host_key")


@pytest.mark.parametrize(
    ("names", "name", "expected"),
    [
        ("web1", "web1", True),
        ("WEB1", "web1", True),
        ("web*,!web1", "web1", False),
        ("web*,!web1", "web2", True),
        ("web?", "web12", False),
        ("[web1]:2222", "[web1]:2222", True),
        ("[web1]:2222", "w", False),
        ("web.1", "webx1", False),
        ("|1|broken", "web1", False),
    ],
)
def test_names_are_matched_as_openssh_does(names: str, name: str, expected: bool) -> None:
    """Wildcards, negation and brackets; a hash that is none matches nothing."""
    line = KnownLine(marker="", names=names, key=HostKey(kind="ssh-rsa", blob=b"1"), path=Path("k"), number=1)

    assert expected is line.is_about(name)


@pytest.mark.parametrize("hashed", [True, False])
def test_ssh_keygen_finds_what_was_added(tmp_path: Path, hashed: bool) -> None:
    """Also behind a last line without an end."""
    known_hosts, key = tmp_path / "new" / "known_hosts", _new_key(tmp_path / "key")
    known_hosts.parent.mkdir()
    known_hosts.write_text("# no newline")
    (wanted,) = read_known_hosts_of(f"x {key}", tmp_path)
    add_line(known_hosts, "[web1]:2222", wanted.key, hashed=hashed)
    found = subprocess.run(
        ["ssh-keygen", "-F", "[web1]:2222", "-f", str(known_hosts)], capture_output=True, text=True, check=False
    )

    assert key.split()[1] in found.stdout
    assert Verdict.KNOWN is judge(wanted.key, ("[web1]:2222",), read_known_hosts([known_hosts])).verdict


def read_known_hosts_of(text: str, folder: Path) -> tuple[KnownLine, ...]:
    path = folder / "one-line"
    path.write_text(text)
    return read_known_hosts([path])
