"""The contract page, the playbooks' mapping and the roles' argument specs say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from mgmt_ansible.domain.actions import ActionType

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "reference" / "host-contract.md").read_text()
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
ROLES = ("package", "deployment")


def spec_of(role):
    """Return a role's inputs by its argument specs."""
    spec = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    return spec["argument_specs"]["main"]["options"]


def roles_of(playbook):
    """Return role -> variables of a playbook's one play."""
    (play,) = yaml.safe_load(playbook.read_text())
    return {role["role"]: role["vars"] for role in play["roles"]}


def documented_inputs():
    """Return the role inputs that the contract page maps."""
    table = PAGE.partition("| role input |")[2].partition("## Output")[0]
    return set(re.findall(r"`((?:package|deployment)_[a-z0-9_]+)`", table))


def documented_keys():
    """Return `a.b` for the keys of `mgmt_event` that the contract page lists."""
    rows = re.findall(r"^\| `([a-z_]+)` \| (.*) \|$", PAGE.partition("## Output")[0], re.MULTILINE)
    keys = set()
    for name, value in rows:
        inner = re.search(r"^`\{(.*?)\}`", value)
        keys |= {f"{name}.{key.strip()}" for key in inner[1].split(",")} if inner else {name}
    return keys


def test_there_is_a_playbook_for_every_action_type():
    """The word is the same; cancel is the one that nobody asks for, and a dry run plays that of what it tries."""
    assert {*ActionType, "deployment_cancel"} - {ActionType.DEPLOYMENT_DRY_RUN} == {path.stem for path in PLAYBOOKS}


def test_the_page_lists_every_input_of_the_roles():
    """No input without its line, no line without its input."""
    assert documented_inputs() == {name for role in ROLES for name in spec_of(role)}


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_gives_only_inputs_that_exist_and_all_that_are_required(playbook):
    """A typo would be silent otherwise."""
    for role, variables in roles_of(playbook).items():
        spec = spec_of(role)
        assert set(variables) <= set(spec)
        assert {name for name, option in spec.items() if option.get("required")} <= set(variables)


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_reads_only_documented_keys(playbook):
    """`mgmt_event` has a schema."""
    read = set(re.findall(r"mgmt_event\.([a-z_]+(?:\.[a-z0-9_]+)?)", playbook.read_text()))

    assert read <= documented_keys() | {"package", "deployments"}


@pytest.mark.parametrize("role", ROLES)
def test_the_defaults_are_those_of_the_argument_specs(role):
    """One default, said twice, is one default."""
    defaults = yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text())

    assert {name: option["default"] for name, option in spec_of(role).items() if "default" in option} == defaults
