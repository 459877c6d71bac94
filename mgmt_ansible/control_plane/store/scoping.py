"""Scopes: whoever is for some environments only reads the rows of these, whatever asks for them.

The one seam is the engine: while a scoped request is at hand, every SELECT, also inside of others, gets the condition that its
tables' rows are of these environments. So a query that somebody adds is scoped without knowing of it, and a change of something
out of scope ends at its first read: not found. A test wants every table in `CONDITIONS` or in `FOR_ALL`; one that is in neither
is narrowed by its column `environment_id`, or else `deployment_id`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import AliasedReturnsRows, FromClause, Join

from mgmt_ansible.control_plane.store import notification_tables, schema
from mgmt_ansible.control_plane.store.hook_tables import WEBHOOKS
from mgmt_ansible.domain.key_values import EntityType
from mgmt_ansible.domain.notifications import ScopeType

Scope = tuple[str, ...]
"""Ids of environments; empty is no scope: everything."""

_Columns = Any  # a read-only collection, whose type SQLAlchemy has under several names
_Condition = Callable[[_Columns, Scope], sa.ColumnElement[bool]]

OPTION = "scope"
"""Of a connection's `info`."""

EVERYWHERE = {"everywhere": True}
"""Execution options of a question whose answer must not depend on who asks, as whether something is in use."""


def install(engine: sa.Engine) -> None:
    """Scope every SELECT of an engine's connections whose `info` has a scope."""
    sa.event.listen(engine, "before_execute", _scoped_execution, retval=True)


def scoped(statement: object, scope: Scope) -> object:
    """Return a SELECT that reads the rows of some environments only; anything else as it is."""
    if not isinstance(statement, sa.Select | sa.CompoundSelect):
        return statement

    def narrow(select: sa.Select[Any]) -> None:
        conditions = tuple(_conditions(select, scope))
        select._where_criteria += conditions  # as SQLAlchemy's own `with_loader_criteria` does it

    return visitors.cloned_traverse(statement, {}, {"select": narrow})


def _scoped_execution(
    connection: sa.Connection, statement: object, multiparams: object, params: object, options: Mapping[str, Any]
) -> tuple[object, object, object]:
    scope = () if options.get("everywhere") else connection.info.get(OPTION)
    return (scoped(statement, scope) if scope else statement), multiparams, params


def _conditions(select: sa.Select[Any], scope: Scope) -> Iterator[sa.ColumnElement[bool]]:
    for table, optional in _tables(select.get_final_froms(), optional=False):
        condition = CONDITIONS.get(_name_of(table)) or _by_its_columns(table)
        if condition is None:
            continue
        narrowed = condition(table.c, scope)
        missed = next(iter(table.primary_key), None) if optional else None
        yield narrowed if missed is None else sa.or_(missed.is_(None), narrowed)


def _tables(froms: Iterable[FromClause], *, optional: bool) -> Iterator[tuple[FromClause, bool]]:
    """Yield tables and their aliases, and whether a row of theirs may be missing (outer joins)."""
    for one in froms:
        if isinstance(one, Join):
            yield from _tables([one.left], optional=optional or one.full)
            yield from _tables([one.right], optional=optional or one.isouter or one.full)
        else:
            yield one, optional


def _name_of(table: FromClause) -> str:
    element = table.element if isinstance(table, AliasedReturnsRows) else table
    return element.name if isinstance(element, sa.TableClause) else ""


def _by_its_columns(table: FromClause) -> _Condition | None:
    """Return the condition for a table that is not named here: by its environment, else by its deployment, if it has one."""
    element = table.element if isinstance(table, AliasedReturnsRows) else table
    if not isinstance(element, sa.Table) or element.name in FOR_ALL:
        return None
    if "environment_id" in table.c:
        return _by_environment_or_none
    return _by_deployment_or_none if "deployment_id" in table.c else None


def _within(column: sa.ColumnElement[Any], values: Scope | sa.Select[Any]) -> sa.ColumnElement[bool]:
    return column.in_(values)


def _by_environment(columns: _Columns, scope: Scope) -> sa.ColumnElement[bool]:
    return _within(columns["environment_id"], scope)


def _by_environment_or_none(columns: _Columns, scope: Scope) -> sa.ColumnElement[bool]:
    return sa.or_(columns["environment_id"].is_(None), columns["environment_id"].in_(scope))


def _by_id(columns: _Columns, scope: Scope) -> sa.ColumnElement[bool]:
    return _within(columns["id"], scope)


def _by_deployment(columns: _Columns, scope: Scope) -> sa.ColumnElement[bool]:
    deployments = schema.DEPLOYMENTS.alias()
    found = sa.select(deployments.c.id).where(deployments.c.environment_id.in_(scope))
    return _within(columns["deployment_id"], found)


def _by_deployment_or_none(columns: _Columns, scope: Scope) -> sa.ColumnElement[bool]:
    return sa.or_(columns["deployment_id"].is_(None), _by_deployment(columns, scope))


def _by_run(columns: _Columns, scope: Scope) -> sa.ColumnElement[bool]:
    runs = schema.RUNS.alias()
    return _within(columns["run_id"], sa.select(runs.c.id).where(runs.c.environment_id.in_(scope)))


def _by_webhook(columns: _Columns, scope: Scope) -> sa.ColumnElement[bool]:
    webhooks = WEBHOOKS.alias()
    return _within(columns["webhook_id"], sa.select(webhooks.c.id).where(webhooks.c.environment_id.in_(scope)))


def _by_row(columns: _Columns, scope: Scope) -> sa.ColumnElement[bool]:
    entries = schema.DEPLOYMENT_EVENTS.alias()
    return _within(columns["rowid"], sa.select(entries.c.sequence).where(entries.c.environment_id.in_(scope)))


def _by_listed_environments(columns: _Columns, scope: Scope) -> sa.ColumnElement[bool]:
    text = sa.cast(columns["environment_ids"], sa.Text)
    return sa.or_(*(text.contains(f'"{environment_id}"', autoescape=True) for environment_id in scope))


def _by_what_it_is_for(columns: _Columns, scope: Scope) -> sa.ColumnElement[bool]:
    deployments = schema.DEPLOYMENTS.alias()
    found = sa.select(deployments.c.id).where(deployments.c.environment_id.in_(scope))
    return sa.or_(
        sa.and_(columns["scope"] == ScopeType.ENVIRONMENT.value, columns["scope_id"].in_(scope)),
        sa.and_(columns["scope"] == ScopeType.DEPLOYMENT.value, columns["scope_id"].in_(found)),
    )


def _by_what_it_mutes(columns: _Columns, scope: Scope) -> sa.ColumnElement[bool]:
    """Return whether a mute holds only what is told of these environments."""
    policies = notification_tables.POLICIES.alias()
    found = sa.select(policies.c.id).where(_by_what_it_is_for(policies.c, scope))
    whole = sa.and_(columns["deployment_id"].is_(None), columns["policy_id"].in_(found))
    return sa.or_(_by_deployment(columns, scope), whole)


def _by_entity(columns: _Columns, scope: Scope) -> sa.ColumnElement[bool]:
    """Return whether a row is about one of these environments, a deployment there, or a package or model, which are for all."""
    deployments = schema.DEPLOYMENTS.alias()
    found = sa.select(deployments.c.id).where(deployments.c.environment_id.in_(scope))
    kind, entity_id = columns["entity_type"], columns["entity_id"]
    return sa.or_(
        kind.not_in((EntityType.DEPLOYMENT.value, EntityType.ENVIRONMENT.value)),
        sa.and_(kind == EntityType.DEPLOYMENT.value, entity_id.in_(found)),
        sa.and_(kind == EntityType.ENVIRONMENT.value, entity_id.in_(scope)),
    )


def _never(_columns: _Columns, _scope: Scope) -> sa.ColumnElement[bool]:
    return sa.false()


CONDITIONS: Mapping[str, _Condition] = {
    "actions": _by_environment,
    "agent_invitations": _by_environment,
    "agents": _by_listed_environments,
    "deleted_environments": _never,
    "deployment_events": _by_environment,
    "deployment_events_search": _by_row,
    "deployment_history": _by_environment,
    "deployment_hosts": _by_environment,
    "deployments": _by_environment,
    "environment_hosts": _by_environment,
    "environments": _by_id,
    "host_checks": _by_environment,
    "key_values": _by_entity,
    "legal_holds": _by_environment,
    "monitor_words": _by_deployment,
    "notification_channels": _by_what_it_is_for,
    "notification_deliveries": _by_environment,
    "notification_memories": _by_deployment,
    "notification_mutes": _by_what_it_mutes,
    "notification_policies": _by_what_it_is_for,
    "orphans": _by_environment,
    "prediction_usage": _by_deployment,
    "removed_events": _never,
    "response_hours": _by_deployment,
    "retention_policies": _by_environment_or_none,
    "run_logs": _by_run,
    "runs": _by_environment,
    "tags": _by_entity,
    "webhook_deliveries": _by_webhook,
    "webhooks": _by_environment,
}
"""Table -> which of its rows are of a scope."""

FOR_ALL = frozenset(
    {
        "access_tokens",  # for administrators, and to know who asks
        "audit_entries",  # for administrators
        "audit_head",
        "deployment_event_hours",  # where in the feed an hour is: numbers only
        "deployment_generations",  # an id that was used in another environment goes on counting
        "deployment_history_begin",  # a time
        "login_links",  # to know who asks
        "model_aliases",  # models and packages are for all environments
        "notification_cursor",  # a number
        "packages",
        "registered_models",
        "reports",  # ids of what agents told
        "saved_views",  # read by their owner only
        "sessions",  # to know who asks
        "users",
    }
)
"""Tables without an environment's data, or read for administrators and for signing in only."""
