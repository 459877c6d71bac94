"""Options that choose entries of the feed, and the filter that they make."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible.cli import references
from mgmt_ansible.cli.moments import parse_moment
from mgmt_ansible.domain.event_filters import EventCategory, EventFilters
from mgmt_ansible.domain.health import Health

if TYPE_CHECKING:
    from mgmt_ansible.client import Client

TypeOption = Annotated[list[str] | None, typer.Option("--type", help="Only of this type, in full; may come again.")]
CategoryOption = Annotated[
    list[EventCategory] | None, typer.Option("--category", help="Only about this; may come again.")
]
HealthOption = Annotated[list[Health] | None, typer.Option("--health", help="Only of this health; may come again.")]
HostOption = Annotated[list[str] | None, typer.Option("--host", help="Only of this host; may come again.")]
ActorOption = Annotated[str | None, typer.Option("--actor", help="Only caused by this user or agent.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="From then on: 90min, 12h, 7d, 2w ago, or an ISO time.")
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Before then, spelled as --since.")]

SearchOption = Annotated[
    str, typer.Option("--search", metavar="WORDS", help="Only with all these words, or what begins so.")
]


def chosen(
    client: Client,
    *,
    deployment: str | None,
    environment: str | None,
    host: Sequence[str] | None,
    event_type: Sequence[str] | None,
    category: Sequence[EventCategory] | None,
    health: Sequence[Health] | None,
    actor: str | None,
    since: str | None,
    until: str | None,
    search: str,
) -> EventFilters:
    """Return the filter of what was given.

    Raises:
        NotFoundError: There is no such deployment or environment.
        ConflictError: Several have this name.
        InvalidRequestError: A time is none.
    """
    now = datetime.now(UTC)
    return EventFilters(
        deployment_id=references.find_deployment(client, deployment).id if deployment else None,
        environment_id=references.find_environment(client, environment).id if environment else None,
        hosts=tuple(host or ()),
        types=tuple(event_type or ()),
        categories=tuple(category or ()),
        healths=tuple(health or ()),
        actor=actor,
        since=parse_moment("--since", since, now=now) if since else None,
        until=parse_moment("--until", until, now=now) if until else None,
        search=search,
    )
