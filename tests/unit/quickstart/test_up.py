"""What `up` says when everything is there."""

from __future__ import annotations

import pytest

from mgmt_ansible.quickstart import up
from mgmt_ansible.wire.api_v2 import Deployment
from tests.unit.client.scripted_answers import deployment


def wine(version="1", **fields):
    known = deployment(**fields)
    return Deployment.model_validate({**known, "modelPackage": {**known["modelPackage"], "version": version}})


@pytest.mark.parametrize(("serving", "offered"), [("1", "wine:2"), ("2", "wine:1"), ("mine", "wine:2")])
def test_the_other_model_is_offered(serving, offered):
    """A replacement by the same model would show nothing."""
    assert f"deployment replace wine --package {offered} --wait" in up.next_commands(wine(serving))


def test_a_stopped_deployment_can_be_launched_again():
    """Replacing or stopping it would be refused."""
    assert (
        "deployment show wine",
        "event list --watch",
        "deployment relaunch wine --wait",
        "login",
    ) == up.next_commands(wine(state="stopped"))


def test_a_deleted_deployment_is_not_named():
    """Every printed command works."""
    assert not any("wine" in command for command in up.next_commands(None))


def test_the_command_works_from_any_folder():
    """It is a whole path."""
    assert up.console_command().startswith("/")
