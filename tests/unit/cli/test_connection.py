"""Where the control plane is: an option, the environment, or the user's file."""

from __future__ import annotations

import json

import pytest

from mgmt_ansible import errors
from mgmt_ansible.settings.client import find_folder, load_connection


def write_client(folder, url="http://here.test", token="t", mode=0o600, **more):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "client.yaml"
    path.write_text(json.dumps({"url": url, "token": token, **more}))
    path.chmod(mode)


def test_the_folder_of_up_is_enough(tmp_path):
    """`--data` looks nowhere else."""
    write_client(tmp_path)

    found = load_connection(tmp_path, variables={"MGMT_ANSIBLE_URL": "http://other.test", "MGMT_ANSIBLE_TOKEN": "o"})

    assert ("http://here.test", "t") == (found.url, found.token.get_secret_value())


def test_the_folder_of_serve_is_enough(tmp_path):
    """Its first token opens it."""
    (tmp_path / "control-plane.json").write_text(json.dumps({"url": "http://serve.test", "pid": 1}))
    (tmp_path / "admin.token").write_text("first\n")
    (tmp_path / "admin.token").chmod(0o600)

    found = load_connection(tmp_path, variables={})

    assert ("http://serve.test", "first") == (found.url, found.token.get_secret_value())


def test_the_environment_goes_before_the_users_file(tmp_path):
    """Both variables together."""
    write_client(tmp_path / "mgmt-ansible")
    variables = {"XDG_CONFIG_HOME": str(tmp_path), "MGMT_ANSIBLE_URL": "http://env.test", "MGMT_ANSIBLE_TOKEN": "e"}

    assert "http://env.test" == load_connection(variables=variables).url


def test_a_url_without_a_token_never_takes_the_files_token(tmp_path):
    """A token goes only where it was meant to go."""
    write_client(tmp_path / "mgmt-ansible")

    with pytest.raises(errors.ConfigError, match="MGMT_ANSIBLE_TOKEN: is not set"):
        load_connection(variables={"XDG_CONFIG_HOME": str(tmp_path), "MGMT_ANSIBLE_URL": "http://env.test"})


def test_the_users_file_comes_before_the_folder_of_up(tmp_path):
    """Below XDG_CONFIG_HOME."""
    write_client(tmp_path / ".local/share/mgmt-ansible/up", url="http://up.test")
    write_client(tmp_path / "mgmt-ansible", url="http://file.test")
    variables = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}

    assert "http://file.test" == load_connection(variables=variables).url


def test_the_usual_folder_of_up_comes_last(tmp_path):
    """So that README's commands need no option."""
    write_client(tmp_path / ".local/share/mgmt-ansible/up", url="http://up.test")

    assert "http://up.test" == load_connection(variables={"HOME": str(tmp_path)}).url


def test_the_usual_folder_of_up_is_known_as_if_it_was_named(tmp_path):
    """What lies beside it, such as the agent's configuration, is found without `--data`; nothing is said for another place."""
    folder = tmp_path / ".local/share/mgmt-ansible/up"
    write_client(folder, url="http://up.test")
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}

    assert folder == find_folder(variables=home)
    assert find_folder(variables={**home, "MGMT_ANSIBLE_URL": "http://other.test"}) is None


def test_nothing_known_says_what_to_do(tmp_path):
    """All three ways are named."""
    with pytest.raises(errors.ConfigError, match=r"--data DIR.*MGMT_ANSIBLE_URL.*client\.yaml"):
        load_connection(variables={"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)})


def test_an_empty_folder_says_what_it_should_be(tmp_path):
    """The folder is named."""
    with pytest.raises(errors.ConfigError, match="is it the folder of `mgmt-ansible up`"):
        load_connection(tmp_path, variables={})


def test_a_token_that_others_may_read_is_refused(tmp_path):
    """The command that mends it is in the message."""
    write_client(tmp_path, mode=0o644)

    with pytest.raises(errors.ConfigError, match="chmod 600"):
        load_connection(tmp_path, variables={})


@pytest.mark.parametrize("more", [{"tokn": "x"}, {"url": 5}, {"token": None}])
def test_a_wrong_file_names_the_setting(tmp_path, more):
    """And never prints the token."""
    write_client(tmp_path, **{"token": "s3cret", **more})

    with pytest.raises(errors.ConfigError, match=next(iter(more))) as caught:
        load_connection(tmp_path, variables={})

    assert "s3cret" not in str(caught.value)


def test_a_token_is_not_in_the_repr(tmp_path):
    """Logs and tracebacks stay clean."""
    write_client(tmp_path, token="s3cret")

    assert "s3cret" not in repr(load_connection(tmp_path, variables={}))


def test_a_folder_of_serve_whose_control_plane_has_ended_is_not_reached(tmp_path):
    """Its token is there, its address is not; the command that starts it is in the message."""
    (tmp_path / "admin.token").write_text("first\n")
    (tmp_path / "admin.token").chmod(0o600)

    with pytest.raises(errors.ControlPlaneUnavailableError, match="mgmt-ansible serve --data"):
        load_connection(tmp_path, variables={})
