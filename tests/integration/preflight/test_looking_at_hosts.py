"""What is found once nobody stands in between: login, terminal, Python, become, room, clock, crontab."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mgmt_ansible.quickstart.loopback import LoopbackHost
from tests.integration.preflight.conftest import QUICK, Bench, options

pytestmark = pytest.mark.ssh


def _program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder that comes first in the PATH of `other`."""
    return tmp_path / "programs"


@pytest.fixture
def other(tmp_path: Path, programs: Path) -> Iterator[Bench]:
    """A host with programs of its own."""
    environment = f'SetEnv {QUICK} "PATH={programs}:/usr/bin:/bin"'
    with LoopbackHost(tmp_path / "other-sshd", extra_config=environment) as host:
        yield Bench(host=host, base_dir=tmp_path / "base")


def test_a_wrong_user_key_is_auth(bench: Bench, tmp_path: Path) -> None:
    """The key that was tried is the evidence, and the same by hand is the next command."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    looked = bench.look(ansible_ssh_private_key_file=str(key))

    assert ("failed", "auth") == looked.words("auth")
    assert f"refused: {key}" == looked["auth"].evidence[0].text
    assert str(key) in looked["auth"].next_command
    assert ("skipped", None) == looked.words("python")


def test_a_key_with_a_passphrase_proves_nothing(bench: Bench, tmp_path: Path) -> None:
    """The SSH agent of a run may have it; that is said, and is no failure."""
    key = tmp_path / "key"
    shutil.copyfile(bench.host.user_key, key)
    key.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret words", "-f", str(key)], check=True)
    looked = bench.look(ansible_ssh_private_key_file=str(key))

    assert ("warning", None) == looked.words("auth")
    assert f"{key}: it has a passphrase" in looked["auth"].evidence[0].text


def test_a_password_of_the_inventory_is_not_tried(bench: Bench, tmp_path: Path) -> None:
    """It is neither sent nor shown; a refusal then proves nothing."""
    looked = bench.look(ansible_ssh_private_key_file=str(tmp_path / "none"), ansible_password="correct horse")

    assert ("warning", None) == looked.words("auth")
    assert "correct horse" not in repr(looked.report)


@pytest.fixture
def agent(bench: Bench, tmp_path: Path) -> Iterator[str]:
    """An SSH agent that holds the host's user key; its socket."""
    path = str(tmp_path / "agent.sock")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            added = subprocess.run(
                ["ssh-add", str(bench.host.user_key)],
                env={**os.environ, "SSH_AUTH_SOCK": path},
                capture_output=True,
                check=False,
            )
            if added.returncode == 0:
                break
        yield path
    finally:
        process.terminate()
        process.wait()


def test_keys_of_an_ssh_agent_count_where_ssh_config_names_it(
    bench: Bench, agent: str, known_hosts: Path, tmp_path: Path
) -> None:
    """`IdentityAgent` is OpenSSH's own word; without it runs see no agent."""
    nothing = tmp_path / "none"
    config = tmp_path / "ssh_config"
    config.write_text(f"Host *\n  IdentityAgent {agent}\n  UserKnownHostsFile {known_hosts}\n")
    with_agent = bench.look(ansible_ssh_private_key_file=str(nothing), ansible_ssh_common_args=f"-F {config}")
    config.write_text(f"Host *\n  IdentityAgent none\n  UserKnownHostsFile {known_hosts}\n")
    without = bench.look(ansible_ssh_private_key_file=str(nothing), ansible_ssh_common_args=f"-F {config}")

    assert ("ok", None) == with_agent.words("auth")
    assert "SSH agent" in with_agent["auth"].message
    assert "failed" == without["auth"].status


def test_only_named_keys_of_an_agent_count_with_identities_only(
    bench: Bench, agent: str, known_hosts: Path, tmp_path: Path
) -> None:
    """As OpenSSH does: by the public half beside the named file."""
    arguments = options(bench.host, known_hosts, f"IdentityAgent={agent}")
    named = tmp_path / "named"
    before = bench.look(ansible_ssh_private_key_file=str(named), ansible_ssh_common_args=arguments)
    shutil.copyfile(bench.host.user_key.with_suffix(".pub"), named.with_suffix(".pub"))
    after = bench.look(ansible_ssh_private_key_file=str(named), ansible_ssh_common_args=arguments)

    assert "failed" == before["auth"].status
    assert ("ok", None) == after.words("auth")


def test_a_host_that_refuses_terminals_wants_pipelining(tmp_path: Path) -> None:
    """With pipelining it is worth a word, without it runs would fail."""
    with LoopbackHost(tmp_path / "sshd", extra_config=f"SetEnv {QUICK}\nPermitTTY no") as host:
        piped = Bench(host=host, base_dir=tmp_path).look()
        unpiped = Bench(host=host, base_dir=tmp_path).look(ansible_pipelining=False)

    assert ("warning", None) == piped.words("terminal")
    assert ("failed", "unreachable") == unpiped.words("terminal")
    assert "pipelining = True" in unpiped["terminal"].next_command
    assert ("ok", None) == unpiped.words("python")


def test_a_missing_interpreter_is_python_missing(bench: Bench) -> None:
    """The shell's own words are the evidence."""
    looked = bench.look(ansible_python_interpreter="/nowhere/python3")

    assert ("failed", "python_missing") == looked.words("python")
    assert "/nowhere/python3" in looked["python"].evidence[0].text
    assert "ansible_python_interpreter" in looked["python"].next_command


def test_an_old_interpreter_is_python_missing(other: Bench, programs: Path) -> None:
    """3.8 is the oldest that the host side runs on."""
    _program(programs, "python3.7", "echo 3.7.17")
    looked = other.look(ansible_python_interpreter="python3.7")

    assert ("failed", "python_missing") == looked.words("python")
    assert "python3.7 is Python 3.7.17; 3.8 or newer is needed" == looked["python"].message


def test_an_interpreter_is_discovered_as_ansible_does(bench: Bench) -> None:
    """From its list of names, when the inventory leaves it open."""
    bench.settings = {"INTERPRETER_PYTHON_FALLBACK": ["python9.9", "python3"]}
    looked = bench.look(ansible_python_interpreter="auto_silent")

    assert "python3 is Python 3" in looked["python"].message


def test_a_templated_interpreter_is_for_the_run_to_resolve(bench: Bench) -> None:
    """The rest is looked at all the same."""
    looked = bench.look(ansible_python_interpreter="{{ ansible_playbook_python }}")

    assert ("skipped", None) == looked.words("python")
    assert ("ok", None) == looked.words("base_dir")


def test_sudo_that_wants_a_password_is_sudo(other: Bench, programs: Path) -> None:
    """Its own words are the evidence; what only root could see is skipped."""
    _program(programs, "sudo", "echo 'sudo: a password is required' >&2; exit 1")
    other.binding = {"become": True}
    looked = other.look()

    assert ("failed", "sudo") == looked.words("become")
    assert "sudo: a password is required" == looked["become"].evidence[0].text
    assert ("skipped", None) == looked.words("space")


def test_sudo_with_a_password_file_is_only_warned_of(other: Bench, programs: Path, tmp_path: Path) -> None:
    """The password is not tried, so nobody knows."""
    _program(programs, "sudo", "echo 'sudo: a password is required' >&2; exit 1")
    (tmp_path / "password").write_text("correct horse\n")
    other.binding = {"become": True, "become_password_file": tmp_path / "password"}

    assert ("warning", None) == other.look().words("become")


def test_sudo_without_a_password_looks_as_the_other_user(other: Bench, programs: Path) -> None:
    """It is called without any way to ask, and what it lets run is the look itself."""
    _program(programs, "sudo", '[ "$1 $2 $3 $4" = "-H -n -u root" ] || exit 2; shift 4; exec "$@"')
    looked = other.look(ansible_become=True, ansible_become_user="root")

    assert ("ok", None) == looked.words("become")
    assert ("ok", None) == looked.words("base_dir")


def test_a_missing_sudo_is_sudo(other: Bench, programs: Path) -> None:
    """The shell's own words are the evidence."""
    other.binding = {"become": True}
    looked = other.look(ansible_become_exe=str(programs / "no-sudo"))

    assert ("failed", "sudo") == looked.words("become")
    assert "no-sudo" in looked["become"].evidence[0].text


@pytest.mark.skipif(shutil.which("sudo") is None, reason="sudo is missing")
def test_the_real_sudo_is_asked_without_a_password(bench: Bench) -> None:
    """As root it always may."""
    expected = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0

    assert expected is (bench.look(ansible_become=True)["become"].status == "ok")


def test_another_way_to_become_is_skipped(bench: Bench) -> None:
    """Only sudo is looked at."""
    looked = bench.look(ansible_become=True, ansible_become_method="su")

    assert ("skipped", None) == looked.words("become")
    assert "become is su" in looked["become"].message


@pytest.mark.parametrize(("seconds", "words"), [(600, "ahead of"), (-600, "behind")])
def test_a_clock_that_is_off_is_warned_of(other: Bench, programs: Path, seconds: int, words: str) -> None:
    """Both clocks are the evidence."""
    _program(programs, "date", f"echo $(($(/bin/date +%s) + {seconds}))")
    looked = other.look()

    assert ("warning", None) == looked.words("clock")
    assert words in looked["clock"].message


def test_a_clock_that_is_a_little_off_is_fine(other: Bench, programs: Path) -> None:
    """The near miss."""
    _program(programs, "date", "echo $(($(/bin/date +%s) + 20))")

    assert ("ok", None) == other.look().words("clock")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("echo 'no crontab for somebody' >&2; exit 1", "ok"),
        ("echo 'You (somebody) are not allowed to use this program' >&2; exit 1", "warning"),
    ],
)
def test_a_crontab_that_may_not_be_used_is_warned_of(other: Bench, programs: Path, text: str, status: str) -> None:
    """An empty one is fine."""
    _program(programs, "crontab", text)

    assert status == other.look()["boot_start"].status


def test_boot_start_is_not_asked_for_when_it_is_off(other: Bench) -> None:
    """As the agent's configuration says."""
    other.binding = {"boot_start": False}

    assert ("skipped", None) == other.look().words("boot_start")


def test_endless_output_of_a_host_is_cut_off(tmp_path: Path) -> None:
    """A host that never stops talking costs its limit, and nothing of it is shown raw."""
    with LoopbackHost(tmp_path / "sshd", extra_config="ForceCommand \"yes '\033[31mboo'\"") as host:
        looked = Bench(host=host, base_dir=tmp_path).look()

    assert ("ok", None) == looked.words("auth")
    assert "warning" == looked["python"].status
    shown = "".join(f"{check.message}{check.evidence}" for check in looked.report.checks)
    assert "\x1b" not in shown
    assert len(shown) < 20_000


def test_noise_of_a_login_shell_is_not_an_answer(tmp_path: Path) -> None:
    """Only lines with the word of the occasion count."""
    _program(tmp_path, "noise", 'echo python 9.9.9 evil; echo end login; eval "$SSH_ORIGINAL_COMMAND"')
    command = f"SetEnv {QUICK}\nForceCommand {tmp_path / 'noise'}"
    with LoopbackHost(tmp_path / "sshd", extra_config=command) as host:
        looked = Bench(host=host, base_dir=tmp_path).look()

    assert ("ok", None) == looked.words("python")
    assert "9.9.9" not in looked["python"].message


def test_a_slow_host_is_told_so_and_does_not_fail(other: Bench, programs: Path) -> None:
    """The time limit ends the look, not the host's good name."""
    _program(programs, "date", "exec sleep 600")
    looked = other.look(seconds=6)

    assert ("warning", None) == looked.words("python")
    assert "did not answer in time" in looked["python"].message
    assert not looked.report.failed
