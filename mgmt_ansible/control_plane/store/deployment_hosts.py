"""What each host last made of each deployment; a row changes only when that does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.any_of import any_of
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.control_plane.store.schema import DEPLOYMENT_HOSTS, DEPLOYMENTS, PACKAGES
from mgmt_ansible.domain.outcomes import FINE, HostOutcome, Outcome
from mgmt_ansible.wire.api_v2 import Page
from mgmt_ansible.wire.deployment_hosts import DeploymentHost

_NOT_SEEN = (Outcome.UNREACHABLE, Outcome.UNKNOWN, Outcome.NOT_RUN)
_MESSAGE_CHARACTERS = 1_000
_GENERATIONS = range(2**53)


class Standing(NamedTuple):
    """What a host last made of a deployment, and whether it serves what is wanted."""

    deployment_id: str
    host: str
    outcome: Outcome
    in_step: bool


class DeploymentHostRows:
    """Hosts' newest results in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def tell(
        self,
        deployment_id: str,
        hosts: Sequence[HostOutcome],
        *,
        environment_id: str,
        action_id: str,
        at: datetime,
        complete: bool = True,
    ) -> None:
        """Take what hosts said of a deployment.

        Args:
            deployment_id: Of which one.
            hosts: Each host's outcome; with none nothing is taken.
            environment_id: Where they are.
            action_id: In which action.
            at: When it was stored.
            complete: These are all hosts there are: others are forgotten.
        """
        if hosts:
            told = {"environment_id": environment_id, "action_id": action_id, "changed_at": at}
            self._tell({deployment_id: hosts}, told, complete=complete)

    def tell_all(
        self, hosts: Mapping[str, Sequence[HostOutcome]], *, environment_id: str, action_id: str, at: datetime
    ) -> None:
        """Take what all hosts of an environment said of several deployments: id -> each host's outcome."""
        spoken_of = {deployment_id: outcomes for deployment_id, outcomes in hosts.items() if outcomes}
        told = {"environment_id": environment_id, "action_id": action_id, "changed_at": at}
        self._tell(spoken_of, told, complete=True)

    def forget(self, deployment_id: str) -> None:
        """Remove a deployment's rows."""
        self._connection.execute(DEPLOYMENT_HOSTS.delete().where(DEPLOYMENT_HOSTS.c.deployment_id == deployment_id))

    def of(self, deployment_id: str) -> tuple[DeploymentHost, ...]:
        """Return a deployment's hosts by name."""
        query = _JOINED.where(DEPLOYMENT_HOSTS.c.deployment_id == deployment_id).order_by(DEPLOYMENT_HOSTS.c.host)
        return tuple(_to_wire(row) for row in self._connection.execute(query))

    def list(
        self,
        *,
        deployment_id: str | None = None,
        environment_id: str | None = None,
        host: str | None = None,
        outcome: Outcome | None = None,
        limit: int,
        offset: int,
    ) -> Page[DeploymentHost]:
        """Return results by deployment, then host."""
        table = DEPLOYMENT_HOSTS
        wanted = (
            (table.c.deployment_id, deployment_id),
            (table.c.environment_id, environment_id),
            (table.c.host, host),
            (table.c.outcome, outcome),
        )
        query = _JOINED.where(*(column == value for column, value in wanted if value is not None))
        query = query.order_by(table.c.deployment_id, table.c.host)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)

    def of_all(self, deployment_ids: Sequence[str]) -> tuple[DeploymentHost, ...]:
        """Return the hosts of several deployments, in no order."""
        query = _JOINED.where(any_of(DEPLOYMENT_HOSTS.c.deployment_id, deployment_ids))
        return tuple(_to_wire(row) for row in self._connection.execute(query))

    def standings(self, deployment_ids: Sequence[str]) -> Iterator[Standing]:
        """Yield, of several deployments, what thousands of hosts last said, without more."""
        rows = self._connection.execute(_STANDINGS.where(any_of(DEPLOYMENT_HOSTS.c.deployment_id, deployment_ids)))
        for deployment_id, host, outcome, digest, running, wanted in rows:
            yield Standing(deployment_id, host, Outcome(outcome), digest == (wanted if running else None))

    def _tell(self, hosts: Mapping[str, Sequence[HostOutcome]], told: Mapping[str, object], *, complete: bool) -> None:
        known = {(row.deployment_id, row.host): row for row in self._connection.execute(_KNOWN, {"ids": tuple(hosts)})}
        new: list[dict[str, object]] = []
        changed: list[dict[str, object]] = []
        for deployment_id, outcomes in hosts.items():
            for host in outcomes:
                former = known.pop((deployment_id, host.host), None)
                values = _said(host, former)
                row = {"of_deployment": deployment_id, "on_host": host.host, **values, **told}
                if former is None:
                    new.append(row)
                elif any(getattr(former, name) != value for name, value in values.items()):
                    changed.append(row)
        gone = [{"of_deployment": deployment_id, "on_host": host} for deployment_id, host in known] if complete else []
        for statement, rows in ((_NEW, new), (_CHANGED, changed), (_GONE, gone)):
            if rows:
                self._connection.execute(statement, rows)


_KNOWN = DEPLOYMENT_HOSTS.select().where(any_of(DEPLOYMENT_HOSTS.c.deployment_id, "ids"))
_HERE = (
    DEPLOYMENT_HOSTS.c.deployment_id == sa.bindparam("of_deployment"),
    DEPLOYMENT_HOSTS.c.host == sa.bindparam("on_host"),
)
_VALUES: dict[str, sa.BindParameter[Any]] = {
    column.name: sa.bindparam(column.name)
    for column in DEPLOYMENT_HOSTS.c
    if column not in (DEPLOYMENT_HOSTS.c.deployment_id, DEPLOYMENT_HOSTS.c.host)
}
_NEW = DEPLOYMENT_HOSTS.insert().values(
    deployment_id=sa.bindparam("of_deployment"), host=sa.bindparam("on_host"), **_VALUES
)
_CHANGED = DEPLOYMENT_HOSTS.update().where(*_HERE).values(**_VALUES)
_GONE = DEPLOYMENT_HOSTS.delete().where(*_HERE)


def _said(host: HostOutcome, known: sa.Row[Any] | None) -> dict[str, Any]:
    """Return what a host said; one that was not seen keeps the model that was proved there before."""
    values: dict[str, Any] = {
        "outcome": Outcome.OK.value if host.outcome in FINE else host.outcome.value,
        "cause": host.cause.value if host.cause else None,
        "drift": host.drift.value if host.drift else None,
        "message": host.message[:_MESSAGE_CHARACTERS],
        "digest": host.identity.digest if host.identity else None,
        "generation": host.identity.generation if host.identity and host.identity.generation in _GENERATIONS else None,
    }
    if host.identity is None and known is not None and (host.outcome in _NOT_SEEN or host.old_model_in_use):
        values.update(digest=known.digest, generation=known.generation)
    if known is not None and host.outcome in FINE and _serves_the_same(values, known):
        values["message"] = known.message  # "launched" and "serves" are the same state, told twice
    return values


def _serves_the_same(values: Mapping[str, Any], known: sa.Row[Any]) -> bool:
    return all(getattr(known, name) == values[name] for name in ("outcome", "digest", "generation"))


_JOINED = (
    sa.select(DEPLOYMENT_HOSTS, DEPLOYMENTS.c.wanted_running, PACKAGES.c.digest.label("wanted_digest"))
    .join(DEPLOYMENTS, DEPLOYMENTS.c.id == DEPLOYMENT_HOSTS.c.deployment_id)
    .join(PACKAGES, PACKAGES.c.id == DEPLOYMENTS.c.package_id)
)


_STANDINGS = (
    sa.select(
        DEPLOYMENT_HOSTS.c.deployment_id,
        DEPLOYMENT_HOSTS.c.host,
        DEPLOYMENT_HOSTS.c.outcome,
        DEPLOYMENT_HOSTS.c.digest,
        DEPLOYMENTS.c.wanted_running,
        PACKAGES.c.digest.label("wanted_digest"),
    )
    .join(DEPLOYMENTS, DEPLOYMENTS.c.id == DEPLOYMENT_HOSTS.c.deployment_id)
    .join(PACKAGES, PACKAGES.c.id == DEPLOYMENTS.c.package_id)
)


def _to_wire(row: sa.Row[Any]) -> DeploymentHost:
    wanted = row.wanted_digest if row.wanted_running else None
    return DeploymentHost(
        deployment_id=row.deployment_id,
        prediction_environment_id=row.environment_id,
        host=row.host,
        outcome=row.outcome,
        cause=row.cause,
        drift=row.drift,
        message=row.message,
        digest=row.digest,
        generation=row.generation,
        in_step=row.digest == wanted,
        action_id=row.action_id,
        since=row.changed_at,
    )
