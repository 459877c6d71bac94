"""Which deployments a list has, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.deployment_tables import TAGS
from mgmt_ansible.control_plane.store.paging import contains
from mgmt_ansible.control_plane.store.schema import (
    DEPLOYMENT_HOSTS,
    DEPLOYMENTS,
    ENVIRONMENT_HOSTS,
    ENVIRONMENTS,
    PACKAGES,
)
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.key_values import EntityType

_WORST_FIRST = (Health.FAILING, Health.WARNING, Health.PASSING, Health.UNKNOWN)
"""Source: the vendor's public documentation of `orderBy`: ascending is failing, warning, passing, unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentFilters:
    """Which deployments: those that fulfil all that is given; of several values one is enough.

    Attributes:
        environment_id: In this environment.
        registered_model_id: That want a version of this model.
        package_id: That want this package.
        states: In one of these.
        healths: Whose shown health is one of these.
        importances: Of one of these.
        model_healths: Whose model's health, as monitors tell it, is one of these.
        accuracy_healths: The same for accuracy.
        fairness_healths: The same for fairness.
        tag_keys: With a tag of one of these names.
        tag_values: With a tag of one of these values.
        nothing: None at all: what is asked for is never here.
        owners: That one of these owns; names, whatever their case.
        created_by: That this user or service made, also by a token of the user.
        platforms: In an environment of one of these platforms.
        package_name: That want a package of this name.
        host: In an environment that has this host, or told of by it.
        search: With this text in label, description, id or package name.
        order_by: A name of `ORDERS`, `-` before it turns it round; None is by label.
    """

    environment_id: str | None = None
    registered_model_id: str | None = None
    package_id: str | None = None
    states: tuple[DeploymentState, ...] = ()
    healths: tuple[Health, ...] = ()
    importances: tuple[str, ...] = ()
    model_healths: tuple[Health, ...] = ()
    accuracy_healths: tuple[Health, ...] = ()
    fairness_healths: tuple[Health, ...] = ()
    tag_keys: tuple[str, ...] = ()
    tag_values: tuple[str, ...] = ()
    nothing: bool = False
    owners: tuple[str, ...] = ()
    created_by: str | None = None
    platforms: tuple[str, ...] = ()
    package_name: str | None = None
    host: str | None = None
    search: str | None = None
    order_by: str | None = None


_LABEL = sa.func.lower(DEPLOYMENTS.c.label)


def _rank(column: sa.ColumnElement[str], words: tuple[str, ...]) -> sa.ColumnElement[Any]:
    return sa.case({word: number for number, word in enumerate(words)}, value=column, else_=len(words))


ORDERS: Mapping[str, sa.ColumnElement[Any]] = {
    "label": _LABEL,
    "serviceHealth": _rank(DEPLOYMENTS.c.health, _WORST_FIRST),
    "modelHealth": _rank(DEPLOYMENTS.c.model_health, _WORST_FIRST),
    "accuracyHealth": _rank(DEPLOYMENTS.c.accuracy_health, _WORST_FIRST),
    "fairnessHealth": _rank(DEPLOYMENTS.c.fairness_health, _WORST_FIRST),
    "importance": _rank(DEPLOYMENTS.c.importance, ("CRITICAL", "HIGH", "MODERATE", "LOW")),
    "createdAt": DEPLOYMENTS.c.created_at,
    "updatedAt": DEPLOYMENTS.c.updated_at,
    "status": DEPLOYMENTS.c.state,
}
"""What a list can be ordered by; ties are by id."""


def conditions(filters: DeploymentFilters) -> Iterator[sa.ColumnElement[bool]]:
    """Yield the conditions on deployments joined with their environment and package."""
    exact: Mapping[sa.ColumnElement[Any], str | None] = {
        DEPLOYMENTS.c.environment_id: filters.environment_id,
        PACKAGES.c.registered_model_id: filters.registered_model_id,
        DEPLOYMENTS.c.package_id: filters.package_id,
        PACKAGES.c.name: filters.package_name,
    }
    yield from (column == value for column, value in exact.items() if value is not None)
    several: Mapping[sa.ColumnElement[Any], tuple[str, ...]] = {
        DEPLOYMENTS.c.state: filters.states,
        DEPLOYMENTS.c.health: filters.healths,
        DEPLOYMENTS.c.importance: filters.importances,
        DEPLOYMENTS.c.model_health: filters.model_healths,
        DEPLOYMENTS.c.accuracy_health: filters.accuracy_healths,
        DEPLOYMENTS.c.fairness_health: filters.fairness_healths,
        ENVIRONMENTS.c.platform: filters.platforms,
    }
    yield from (column.in_(values) for column, values in several.items() if values)
    for column, values in ((TAGS.c.name, filters.tag_keys), (TAGS.c.value, filters.tag_values)):
        if values:
            yield _tagged(column.in_(values))
    if filters.owners:
        yield sa.func.lower(DEPLOYMENTS.c.owner).in_([name.lower() for name in filters.owners])
    if filters.created_by is not None:
        makers = DEPLOYMENTS.c.created_by
        yield sa.or_(makers == filters.created_by, makers.startswith(f"{filters.created_by}/", autoescape=True))
    if filters.nothing:
        yield sa.false()
    if filters.host:
        inventory = sa.select(ENVIRONMENT_HOSTS.c.environment_id).where(ENVIRONMENT_HOSTS.c.name == filters.host)
        told = sa.select(DEPLOYMENT_HOSTS.c.deployment_id).where(DEPLOYMENT_HOSTS.c.host == filters.host)
        yield sa.or_(DEPLOYMENTS.c.environment_id.in_(inventory), DEPLOYMENTS.c.id.in_(told))
    if filters.search:
        columns = (DEPLOYMENTS.c.label, DEPLOYMENTS.c.description, DEPLOYMENTS.c.id, PACKAGES.c.name)
        yield sa.or_(*(contains(column, filters.search) for column in columns))


def _tagged(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    tagged = sa.select(TAGS.c.entity_id).where(TAGS.c.entity_type == EntityType.DEPLOYMENT.value, condition)
    return DEPLOYMENTS.c.id.in_(tagged)


def order(order_by: str | None) -> tuple[sa.ColumnElement[Any], ...]:
    """Return the order of a list; InvalidRequestError for one that is not known."""
    name = order_by or "label"
    column = ORDERS.get(name.removeprefix("-"))
    if column is None:
        raise errors.InvalidRequestError(f"orderBy: one of {', '.join(ORDERS)}, with - before it to turn it round")
    return (column.desc() if name.startswith("-") else column, _LABEL, DEPLOYMENTS.c.id)
