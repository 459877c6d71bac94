"""Plans: who is meant."""

from __future__ import annotations

from mgmt_ansible.domain.plans import plan_action
from tests.unit.agent.scripted import make_spec


def test_an_action_that_is_limited_is_for_these_hosts_only():
    """In the inventory's order; names that it does not have are nobody."""
    assert ("h1", "h3") == plan_action(make_spec(limit=("h3", "h1", "gone")), ("h1", "h2", "h3")).hosts


def test_a_limit_to_nobody_gives_no_waves():
    """Never all hosts instead."""
    assert () == plan_action(make_spec(limit=("gone",)), ("h1",)).waves
