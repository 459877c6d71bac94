"""`column IN (...)` for values whose number changes: as one parameter, so that the statement stays the same text.

Hundreds of parameters would be rendered, parsed and planned anew for each number of them.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType


class Values(sa.TypeDecorator[Collection[Any]]):
    """A collection of texts or numbers: an array of PostgreSQL's, JSON for SQLite.

    Args:
        of: A value's type.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, of: sa.types.TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return what the driver is given."""
        return dialect.type_descriptor(ARRAY(self.of) if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: Collection[Any] | None, dialect: sa.Dialect) -> object:
        """Return the collection as the driver takes it."""
        values = list(value or ())
        return values if dialect.name == "postgresql" else json.dumps(values)


class _AnyOf(FunctionElement[bool]):
    inherit_cache = True
    type = sa.Boolean()
    name = "any_of"

    def self_group(self, against: OperatorType | None = None) -> _AnyOf:  # noqa: ARG002 - SQLAlchemy names it
        """Return itself: `= 1`, as SQLAlchemy adds it for SQLite, would hide the column from the planner."""
        return self


def any_of(column: sa.ColumnElement[Any], values: Collection[Any] | str) -> sa.ColumnElement[bool]:
    """Tell whether a column of texts or numbers has one of these values; of none it has none.

    Args:
        column: Never JSON or a time.
        values: Or the name of the parameter with which a prepared statement gets them.
    """
    name, value = (values, None) if isinstance(values, str) else (None, values)
    return _AnyOf(column, sa.bindparam(name, value, Values(column.type), required=value is None))


@compiles(_AnyOf)
def _as_usual(element: _AnyOf, compiler: SQLCompiler, **options: object) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY ({values})"


@compiles(_AnyOf, "sqlite")
def _for_sqlite(element: _AnyOf, compiler: SQLCompiler, **options: object) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - both are SQL already
