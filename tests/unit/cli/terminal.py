"""The command line in this process, with a scripted control plane behind it."""

from __future__ import annotations

from dataclasses import dataclass

import requests
from typer.testing import CliRunner, Result

from mgmt_ansible.cli.program import app
from tests.unit.client.scripted_answers import URL, ScriptedAdapter

TOKEN_VARIABLES = {"MGMT_ANSIBLE_URL": URL, "MGMT_ANSIBLE_TOKEN": "mga_secret"}


@dataclass(frozen=True)
class Terminal:
    """Runs commands.

    Attributes:
        adapter: What answers, and what was asked.
    """

    adapter: ScriptedAdapter

    def run(self, *arguments: str, typed: str = "") -> Result:
        """Run one command line."""
        return CliRunner().invoke(app, list(arguments), input=typed, env=TOKEN_VARIABLES, catch_exceptions=False)

    @property
    def asked(self) -> list[str]:
        """Method and path of each request, without the query."""
        return [f"{one.method} {one.path_url.partition('?')[0]}" for one in self.adapter.requests]


def open_terminal(monkeypatch, answer) -> Terminal:
    """Return a terminal whose requests go to a function, at the seam where requests picks its transport."""
    adapter = ScriptedAdapter(answer)
    monkeypatch.setattr(requests.Session, "get_adapter", lambda session, url: adapter)
    return Terminal(adapter)


def by_path(answers: dict[str, object]):
    """Return a function that answers by `METHOD path`, without `/api/v2/` and query; 404 else."""

    def answer(request):
        key = f"{request.method} {request.path_url.partition('?')[0].removeprefix('/api/v2/')}"
        found = answers.get(key, (404, {"code": "not_found", "message": f"nothing at {key}", "requestId": "r"}))
        return found if isinstance(found, (tuple, Exception)) else (200, found)

    return answer
