"""Options that choose deployments, and what the client is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible.cli import references
from mgmt_ansible.domain.deployments import STATE_WORDS
from mgmt_ansible.domain.health import Health

if TYPE_CHECKING:
    from mgmt_ansible.client import Client
    from mgmt_ansible.client.deployments import DeploymentChoice


def _known_states(words: list[str] | None) -> list[str]:
    for word in words or ():
        if word not in STATE_WORDS:
            raise typer.BadParameter(f"{word!r} is not one of {', '.join(STATE_WORDS)}.")
    return words or []


StateOption = Annotated[
    list[str] | None,
    typer.Option(
        "--state", callback=_known_states, help=f"Only in this state, or one of several: {', '.join(STATE_WORDS)}."
    ),
]
HealthOption = Annotated[
    list[Health] | None, typer.Option("--health", help="Only of this health; several: one is enough.")
]
OwnerOption = Annotated[
    list[str] | None, typer.Option("--owner", help="Only of this user or service; several: one is enough.")
]
SearchOption = Annotated[
    str | None, typer.Option("--search", help="Only with this text in label, description, id or package name.")
]
HostOption = Annotated[str | None, typer.Option("--host", help="Only where this host is: its inventory name.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Only that want a package of this name.")]
ImportanceOption = Annotated[str | None, typer.Option("--importance", help="LOW, MODERATE, HIGH or CRITICAL.")]
SortOption = Annotated[
    str | None,
    typer.Option("--sort", help="label, serviceHealth, importance, createdAt or updatedAt; - before turns it round."),
]


def chosen(
    client: Client,
    *,
    environment: str | None,
    state: Sequence[str] | None,
    health: Sequence[Health] | None,
    search: str | None,
    host: str | None,
    model: str | None,
    owner: Sequence[str] | None,
    importance: str | None,
    sort: str | None,
) -> DeploymentChoice:
    """Return the filter of what was given; NotFoundError when there is no such environment."""
    return {
        "environment_id": references.find_environment(client, environment).id if environment else None,
        "state": state,
        "health": health,
        "search": search,
        "host": host,
        "package_name": model,
        "owners": owner or (),
        "importances": (importance.upper(),) if importance else (),
        "order_by": sort,
    }
