"""Running CREATE TABLE: one commit makes the table, with the query's rows where there is one."""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

from lakelet.engines.duckdb_types import from_duckdb, has_null
from lakelet.engines.engine import duckdb_errors
from lakelet.engines.rewrite.target import GENERATED
from lakelet.engines.statements.running.checks import CONSTRAINT, stored_expression
from lakelet.engines.statements.running.context import Answer, Context
from lakelet.engines.statements.running.inserting import ROWS
from lakelet.engines.statements.running.properties import allowed_properties
from lakelet.engines.statements.syntax.create import CreateTable, NewColumn
from lakelet.errors import InvalidNameError, SchemaError, SqlError, TableExistsError
from lakelet.lake.creation import partition_names
from lakelet.lake.handover import handed_over_stream
from lakelet.lake.names import quote
from lakelet.lake.types import Column, Primitive

__all__ = ("new_columns", "run_create_table")

_FORBIDDEN = re.compile(r"[ ,;{}()\n\t=]")


def run_create_table(context: Context, statement: CreateTable) -> Answer:
    """Make the table, or a new version of it on the same log.

    Raises:
        TableExistsError: it is there already and was not to be replaced.
        SchemaError: columns that cannot be, or an expression that delta-rs might read otherwise.
    """
    name = statement.table
    name.refuse_own()
    if context.lake.exists(name):
        if statement.if_absent:
            return Answer()
        if not statement.replace:
            raise TableExistsError(
                f"the table {name} is there already; it was left as it is.",
                hint=f"CREATE OR REPLACE TABLE {name} makes a new version of it.",
            )
    if statement.query is not None:
        return _with_rows(context, statement, statement.query)
    if statement.like is not None:
        source = context.lake.table(statement.like)
        columns: Sequence[Column] = source.columns()
        partition_by = statement.partition_by or tuple(source.open().metadata().partition_columns)
    else:
        columns, partition_by = new_columns(statement.columns, str(name)), statement.partition_by
    checks = _checks(statement, columns)
    properties = allowed_properties(statement.properties, str(name))
    if checks and properties.get("delta.enableChangeDataFeed", "true") != "true":
        raise SqlError(
            f"{name}: CHECK needs the change data feed, which raises the table's protocol far "
            "enough for other writers to keep to it; no table was made.",
            hint="leave delta.enableChangeDataFeed as it is.",
        )
    context.lake.create(
        name, columns, partition_by=partition_names(partition_by, columns, str(name)),
        comment=statement.comment, properties={**properties, **checks},
        if_absent=statement.if_absent, replace=statement.replace,
    )  # fmt: skip
    return Answer()


def new_columns(declared: Sequence[NewColumn], table: str) -> tuple[Column, ...]:
    """Columns as the Delta schema has them.

    Raises:
        InvalidNameError: a name that Delta cannot store.
        SchemaError: two columns of one name, or a generated column that cannot be computed.
    """
    plain = [
        Column(one.name, one.type, one.nullable, one.comment)
        for one in declared
        if one.generated is None
    ]
    columns = []
    for one in declared:
        metadata: tuple[tuple[str, str], ...] = ()
        if one.generated is not None:
            text = stored_expression(one.generated, plain, of=one.type)
            metadata = ((GENERATED, text),)
        columns.append(Column(one.name, one.type, one.nullable, one.comment, metadata))
    check_names([column.name for column in columns], table)
    return tuple(columns)


def check_names(names: Sequence[str], table: str) -> None:
    """Make sure that a table can have columns of these names.

    Raises:
        InvalidNameError: a name that Delta cannot store.
        SchemaError: two names that differ in case at most.
    """
    lowered = [name.lower() for name in names]
    for name in names:
        if _FORBIDDEN.search(name) or not name:
            raise InvalidNameError(
                f"{table}: {name!r} cannot name a column; nothing was changed.",
                hint="no blanks and none of ,;{}()= in it; in a query, AS gives another name.",
            )
        if lowered.count(name.lower()) > 1:
            raise SchemaError(
                f"{table}: two columns are called {name}; nothing was changed.",
                hint="names differ by more than their case; in a query, AS gives another name.",
            )


def _checks(statement: CreateTable, columns: Sequence[Column]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, (name, condition) in enumerate(statement.checks, 1):
        key = f"{CONSTRAINT}{(name or f'check_{number}').lower()}"
        if key in found:
            raise SqlError(f"two constraints are called {name}; no table was made.")
        found[key] = stored_expression(condition, columns, of=Primitive("BOOLEAN"))
    return found


def _with_rows(context: Context, statement: CreateTable, text: str) -> Answer:
    query, name = context.query(text), str(statement.table)
    if statement.checks:
        raise SqlError(
            f"{name}: a constraint beside AS query is refused; no table was made.",
            hint=f"ALTER TABLE {name} ADD CONSTRAINT adds it afterwards.",
        )
    properties = allowed_properties(statement.properties, name)
    with duckdb_errors():
        connection = context.connection()
        context.attach(connection, query)
        columns = _columns_of(connection, query.sql, name)
        selected = ", ".join(
            f"CAST({quote(f'lakelet {i}')} AS {c.type.duckdb}) AS {quote(c.name)}"
            for i, c in enumerate(columns)
        )
        places = ", ".join(quote(f"lakelet {i}") for i in range(len(columns)))
        connection.execute(
            f"CREATE TEMP TABLE {ROWS} AS SELECT {selected} FROM ({query.sql}) AS q({places})"
        )
        ((count,),) = connection.execute(f"SELECT count(*) FROM {ROWS}").fetchall()
        context.lake.create(
            statement.table, columns,
            partition_by=partition_names(statement.partition_by, columns, name),
            comment=statement.comment, properties=properties, if_absent=statement.if_absent,
            replace=statement.replace,
            rows=handed_over_stream(connection.sql(f"SELECT * FROM {ROWS}")),
        )  # fmt: skip
    names = (("num_affected_rows", "BIGINT"), ("num_inserted_rows", "BIGINT"))
    return Answer(names, [(count, count)])


def _columns_of(connection: duckdb.DuckDBPyConnection, sql: str, table: str) -> list[Column]:
    relation = connection.sql(sql)
    names = [str(name) for name in relation.columns]
    check_names(names, table)
    columns = []
    for name, kind in zip(names, map(str, relation.types), strict=True):
        if has_null(kind):
            where = "" if kind.startswith('"') else ", or a field of it,"
            raise SchemaError(
                f"{table}: the column {name}{where} is always "
                "NULL, so it has no type; no table was made.",
                hint=f"write CAST(NULL AS STRING) AS {name}, or another type.",
            )
        columns.append(Column(name, from_duckdb(kind)))
    return columns
