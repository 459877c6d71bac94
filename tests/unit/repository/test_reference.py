"""What can be used is described: docs/reference names every setting, action type, error, route and command."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from mgmt_ansible import errors
from mgmt_ansible.cli.program import app as program
from mgmt_ansible.control_plane.api import create_app
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.settings import agent as agent_settings
from mgmt_ansible.settings.control_plane import ControlPlaneSettings
from mgmt_ansible.wire import agent_v1
from tests.unit.pages.scripted_services import Scripted

ROOT = Path(__file__).parents[3]
REFERENCE = "\n".join(path.read_text() for path in sorted((ROOT / "docs" / "reference").glob("*.md")))
TEMPLATES = ROOT / "mgmt_ansible" / "control_plane" / "pages" / "templates"


def error_codes(family: type[errors.MgmtAnsibleError] = errors.MgmtAnsibleError) -> Iterator[str]:
    yield family.code
    for child in family.__subclasses__():
        yield from error_codes(child)


def setting_names() -> Iterator[str]:
    yield from ControlPlaneSettings.model_fields
    for _, one in inspect.getmembers(agent_settings, inspect.isclass):
        if issubclass(one, BaseModel) and one.__module__ == agent_settings.__name__:
            yield from one.model_fields


def commands(group: object = None, words: tuple[str, ...] = ()) -> Iterator[str]:
    group = group or typer.main.get_command(program)
    for name, command in getattr(group, "commands", {}).items():
        below = tuple(commands(command, (*words, name)))
        yield from below or (" ".join((*words, name)),)


def routes() -> Iterator[str]:
    return iter(create_app(Scripted().services()).openapi()["paths"])


def without_names(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def described_in(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


def test_every_setting_is_described():
    """Also those of sections inside sections."""
    assert [] == sorted({name for name in setting_names() if not described_in(REFERENCE, name)})


def test_every_action_type_is_described():
    """The word is the playbook's and the API's."""
    assert [] == [word for word in ActionType if not described_in(REFERENCE, word)]


def test_every_error_code_is_described():
    """A code in an answer can be looked up."""
    assert [] == sorted({code for code in error_codes() if not described_in(REFERENCE, code)})


def test_every_route_of_the_api_is_described():
    """As the table writes it, without its prefix and with any name in braces."""
    table = without_names(REFERENCE)
    paths = [path for path in routes() if not path.startswith("/agent/")]
    assert [] == [path for path in paths if without_names(path).removeprefix("/api/v2/") not in table]


def test_every_route_of_agents_is_described():
    """The reference sends readers to the module that has the shapes."""
    described = without_names(agent_v1.__doc__)
    assert [] == [path for path in routes() if path.startswith("/agent/") and without_names(path) not in described]


def test_every_command_is_described():
    """Nouns with their verbs, and the programs, as the tables of the command line write them."""
    table = (ROOT / "docs" / "reference" / "cli.md").read_text()
    assert [] == [command for command in commands() if not re.search(rf"`{command}[ `]", table)]


def test_every_command_on_a_page_exists():
    """What a page tells people to type can be typed."""
    known = set(commands())
    texts = "\n".join(path.read_text() for path in TEMPLATES.glob("*.html"))
    told = re.findall(r"(?<=[\"(>])mgmt-ansible ((?:[a-z]+ ?){1,3})", texts)
    assert told
    assert [] == [words for words in told if known.isdisjoint(" ".join(words.split()[:count]) for count in (1, 2, 3))]


@pytest.mark.parametrize("playbook", sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml")))
def test_every_playbook_is_an_action_type(playbook):
    """One word from the request to the file; cancel is the one thing that is not asked for by itself."""
    assert playbook in {*ActionType, "deployment_cancel"}


def test_every_action_type_has_its_playbook():
    """Nothing is accepted that cannot be rendered; a dry run has the playbook of what it would do."""
    assert [ActionType.DEPLOYMENT_DRY_RUN] == [
        word for word in ActionType if not (ROOT / "playbooks" / f"{word}.yml").is_file()
    ]
