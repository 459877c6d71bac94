"""How Ansible is called: options, environment, project folder and names, without running it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible import errors
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.runs import RunRequest
from mgmt_ansible.execution.ansible_options import ansible_cfg, run_environment, run_options
from mgmt_ansible.execution.inventories import groups_of_hosts
from mgmt_ansible.execution.private_data import limit_text, private_data, unused_directories, write_run_files
from mgmt_ansible.execution.projects import assemble_project

BINDING = EnvironmentBinding(environment_id="e" * 24, inventory=PurePath("/hosts"))
REQUEST = RunRequest(
    run_id="b" * 24,
    action_id="a" * 24,
    environment_id="e" * 24,
    playbook="deployment_stop",
    hosts=("h1",),
    variables={},
)


def test_become_and_vault_are_options_with_paths():
    """No password stands on a command line."""
    binding = replace(
        BINDING,
        become=True,
        become_user="mlops",
        become_password_file=PurePath("/secrets/become"),
        vault_password_files=(PurePath("/secrets/one"), PurePath("/secrets/two")),
        forks=7,
    )

    assert [
        "--vault-password-file", "/secrets/one", "--vault-password-file", "/secrets/two", "--forks", "7",
        "--become", "--become-user", "mlops", "--become-password-file", "/secrets/become", "--check", "--diff",
    ] == run_options(binding, check=True)  # fmt: skip


def test_the_allow_list_cannot_turn_host_key_checking_off():
    """What the agent sets wins over what passes through."""
    binding = replace(BINDING, pass_environment=("ANSIBLE_HOST_KEY_CHECKING", "SSH_AUTH_SOCK", "NOT_THERE"))
    inherited = {"ANSIBLE_HOST_KEY_CHECKING": "False", "SSH_AUTH_SOCK": "/agent", "OTHER": "x"}

    environment = run_environment(binding, {"PATH": "/bin"}, inherited, config=Path("/cfg"))

    assert "True" == environment["ANSIBLE_HOST_KEY_CHECKING"]
    assert "/agent" == environment["SSH_AUTH_SOCK"]
    assert environment.keys().isdisjoint({"OTHER", "NOT_THERE"})


def test_our_configuration_checks_host_keys_and_pipelines():
    """The lines that safety and speed hang on."""
    text = ansible_cfg(BINDING)

    assert "host_key_checking = True" in text
    assert "pipelining = True" in text
    assert "control_path_dir = ~/.ansible/cp/eeeeeeee" in text


def test_our_configuration_notices_a_silent_host():
    """A host that is gone does not hold a run for ever, and connections are kept as by default."""
    (line,) = (line for line in ansible_cfg(BINDING).splitlines() if line.startswith("ssh_args"))

    options = ("ControlMaster=auto", "ControlPersist=60s", "ServerAliveInterval=15", "ServerAliveCountMax=4")
    assert [f"-o {option}" in line for option in options] == [True] * 4


def test_our_configuration_tries_to_connect_again_but_never_a_command():
    """A host that just starts its sshd is reached; Ansible's own retries would run a module twice."""
    text = ansible_cfg(BINDING)

    assert "-o ConnectionAttempts=3" in text
    assert "retries" not in text.replace("retry_files", "")


def test_nothing_is_forwarded_to_hosts():
    """Whatever the user's ssh_config says."""
    assert all(f"-o {option}=no" in ansible_cfg(BINDING) for option in ("ForwardAgent", "ForwardX11"))


@given(st.text())
def test_a_limit_holds_plain_names_only(name):
    """No pattern, no file, no second line reaches `--limit`."""
    try:
        text = limit_text((name,))
    except errors.InventoryError:
        return
    assert f"{name}\n" == text
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:[]-")


def test_run_files_are_private_and_gone_afterwards():
    """Variables are for the run's user alone, and only as long as it lasts."""
    with private_data("b" * 24) as directory:
        write_run_files(directory, hosts=("h1",), variables={"x": 1})
        modes = {oct(path.stat().st_mode & 0o777) for path in directory.rglob("*") if path.is_file()}
        assert "0o700" == oct(directory.stat().st_mode & 0o777)
        assert {"x": 1} == json.loads((directory / "env" / "extravars").read_text())
    assert {"0o600"} == modes
    assert not directory.exists()


def test_what_a_killed_agent_left_behind_is_removed_and_what_is_in_use_stays():
    """Variables of a dead run do not outlive the next start."""
    with private_data("b" * 24) as used:
        left = used.with_name(used.name + "-left")
        left.mkdir()
        (left / "lock").touch()

        assert left in list(unused_directories())
        assert (True, False) == (used.exists(), left.exists())


def make_home(folder: Path, *roles: str) -> Path:
    (folder / "playbooks" / "module_utils").mkdir(parents=True)
    (folder / "playbooks" / "deployment_stop.yml").write_text(f"# {folder.name}\n")
    for role in roles:
        (folder / "roles" / role / "tasks").mkdir(parents=True)
        (folder / "roles" / role / "tasks" / "main.yml").write_text(f"# {folder.name}\n")
    return folder


def test_the_users_role_of_the_same_name_wins(tmp_path):
    """Theirs first, ours for the rest."""
    ours = make_home(tmp_path / "ours", "deployment", "package")
    theirs = make_home(tmp_path / "theirs", "deployment", "extra")

    assemble_project(
        tmp_path / "project", REQUEST, replace(BINDING, content_path=theirs), content_path=ours, archive=None
    )

    roles = tmp_path / "project" / "roles"
    assert {"deployment": "# theirs\n", "extra": "# theirs\n", "package": "# ours\n"} == {
        role.name: (role / "tasks" / "main.yml").read_text() for role in roles.iterdir()
    }


def test_archive_and_wheelhouse_travel_as_links(tmp_path):
    """A gigabyte is not copied for every run."""
    ours = make_home(tmp_path / "ours")
    (tmp_path / "wheels").mkdir()
    (tmp_path / "archive").write_bytes(b"x")
    binding = replace(BINDING, wheelhouse=tmp_path / "wheels")

    assemble_project(tmp_path / "project", REQUEST, binding, content_path=ours, archive=tmp_path / "archive")

    files = tmp_path / "project" / "files"
    assert (True, True) == ((files / "package").is_symlink(), (files / "wheelhouse").is_symlink())


def test_groups_hold_the_hosts_of_their_children():
    """What people call a group is its whole tree; `all` and `ungrouped` tell nothing."""
    listed = {
        "_meta": {"hostvars": {}},
        "all": {"children": ["ungrouped", "serving"]},
        "serving": {"children": ["web"]},
        "web": {"hosts": ["h1"]},
    }

    assert {"h1": {"serving", "web"}} == groups_of_hosts(json.dumps(listed))


def test_groups_in_a_circle_end():
    """Outside data may be a loop."""
    listed = {"a": {"children": ["b"], "hosts": ["h1"]}, "b": {"children": ["a"]}}

    assert {"h1": {"a", "b"}} == groups_of_hosts(json.dumps(listed))


@pytest.mark.parametrize("text", ["", "[]", "1", "{"])
def test_an_inventory_of_another_shape_is_refused(text):
    """Only the JSON that Ansible prints is read."""
    with pytest.raises(errors.InventoryError):
        groups_of_hosts(text)
