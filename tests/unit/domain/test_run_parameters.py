"""Run parameters: what of key-values a run gets, and what they may override."""

from __future__ import annotations

import pytest

from mgmt_ansible.domain.run_parameters import (
    ALL_CHARACTERS,
    RunParameter,
    complaint_about,
    merged,
    number_of,
    overrides,
)


def one(name: str, value: str | float | bool = "x") -> RunParameter:
    return RunParameter(name=name, value=value)


def test_the_deployments_beat_the_environments():
    """By name; the others of both are there."""
    got = merged([one("a", 1.0), one("b", "theirs")], [one("b", "ours"), one("c", True)])

    assert (one("a", 1.0), one("b", "ours"), one("c", True)) == got


@pytest.mark.parametrize(
    "name",
    ["base_dir", "inventory", "bind_address", "become", "become_password_file", "pip_arguments", "ansible_cfg", "port"],
)
def test_what_is_the_agents_own_is_refused(name: str):
    """With what is allowed; if it is stored all the same, no run gets it."""
    assert complaint_about(name, "x").startswith(f"name: {name}")
    assert "stop_timeout_seconds" in complaint_about(name, "x")
    assert () == merged([one(name)], [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ready_timeout_seconds", "0"),
        ("ready_timeout_seconds", "3601"),
        ("minimum_healthy_seconds", "-1"),
        ("stop_timeout_seconds", "nan"),
        ("timeout_seconds", "inf"),
        ("timeout_seconds", "{{ 5 }}"),
        ("timeout_seconds", "true"),
        ("any", "x" * 4_097),
    ],
)
def test_a_value_out_of_its_limits_is_refused(name: str, value: str):
    """The message names the field."""
    assert complaint_about(name, value).startswith("value: ")


def test_four_names_override_settings():
    """Text or number; all others are data only."""
    told = [one("timeout_seconds", "90"), one("ready_timeout_seconds", 5.0), one("LD_PRELOAD", "/tmp/x"), one("a", 3.0)]

    assert {"timeout_seconds": 90.0, "ready_timeout_seconds": 5.0} == overrides(told)
    assert number_of("timeout_seconds", True) is None


def test_too_much_is_cut_by_name():
    """What overrides comes first; a run has one size."""
    many = [one(f"n{number:03}", "x" * 4_000) for number in range(40)]

    got = merged(many, [one("timeout_seconds", 9.0)])

    assert one("timeout_seconds", 9.0) in got
    assert ALL_CHARACTERS >= sum(len(each.name) + len(str(each.value)) for each in got) > ALL_CHARACTERS - 4_100
