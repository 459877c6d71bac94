"""What needs a typed word, on pages and at the command line alike."""

from __future__ import annotations

import pytest

from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.confirmations import word_to_type


def word(action_type=ActionType.DEPLOYMENT_STOP, *, importance="LOW", environment_name="lab") -> str:
    return word_to_type(action_type, deployment_id="wine", importance=importance, environment_name=environment_name)


@pytest.mark.parametrize("importance", ["HIGH", "CRITICAL"])
def test_what_much_depends_on_needs_a_word(importance):
    """Its id."""
    assert "wine" == word(importance=importance)


@pytest.mark.parametrize("name", ["prod", "EU Production", "prod-eu", "eu_prod"])
def test_production_needs_a_word(name):
    """By the name of its environment."""
    assert "wine" == word(environment_name=name)


@pytest.mark.parametrize("name", ["products", "reproduction", "lab"])
def test_a_name_that_only_contains_it_does_not(name):
    """Words are compared whole."""
    assert "" == word(environment_name=name)


def test_only_what_ends_or_replaces_needs_it():
    """A rollback is the way out, and a relaunch serves the same model."""
    asked = {one for one in ActionType if word(one, importance="HIGH")}
    assert {ActionType.DEPLOYMENT_STOP, ActionType.DEPLOYMENT_REPLACE_MODEL} == asked
