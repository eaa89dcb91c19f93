"""Running INSERT: rows of a query into a table, in one commit."""

from __future__ import annotations

import duckdb

from lakelet.engines.dialect import Translation
from lakelet.engines.engine import duckdb_errors
from lakelet.engines.rewrite import Target
from lakelet.engines.routes.file_source import PLACE_FILE
from lakelet.engines.statements.running.assignment import Assignment, macros_of
from lakelet.engines.statements.running.context import Answer, Context
from lakelet.engines.statements.running.values import (
    SERVICE_COLUMNS,
    boolean,
    column_named,
    refuse_chance,
    stored,
)
from lakelet.engines.statements.syntax.rows import Insert
from lakelet.errors import ConstraintError, SchemaError
from lakelet.lake import LakeTable
from lakelet.lake.delta import retry_conflicts
from lakelet.lake.names import quote
from lakelet.lake.types import Column
from lakelet.workspace.quantities import counted

__all__ = ("run_insert",)

ROWS = '"lakelet rows"'


def run_insert(context: Context, statement: Insert) -> Answer:
    """Add the rows, or put them in the place of others.

    Raises:
        SchemaError: too many or too few columns, or one of a type its column does not take.
        ConstraintError: a row breaks a constraint; nothing was written.
    """
    table = context.writable(statement.table)
    query = context.query(statement.query)
    if statement.overwrite:
        rows = _overwrite(context, table, query, statement)
    else:
        with duckdb_errors():
            connection = context.connection()
            context.attach(connection, query)
            rows = hold_rows(connection, query.sql, table, statement)
            if rows:
                metadata = {"lakelet.operation": "INSERT", "lakelet.rows": str(rows)}
                table.append(connection.sql(f"SELECT * FROM {ROWS}"), metadata=metadata)
    names = (("num_affected_rows", "BIGINT"), ("num_inserted_rows", "BIGINT"))
    return Answer(names, [(rows, rows)])


def hold_rows(
    connection: duckdb.DuckDBPyConnection, sql: str, table: LakeTable, statement: Insert
) -> int:
    """Hold the query's rows, fitted to the table, on the connection; how many they are.

    Held, not streamed, so that what fails in the query is told as it is, and a conflict costs no
    second run of it. They spill to disk.
    """
    relation = connection.sql(sql)
    given = [str(name) for name in relation.columns]
    kinds = [str(kind) for kind in relation.types]
    targets = _targets(table, statement, given)
    places = [quote(f"lakelet {index}") for index in range(len(given))]
    assignment, name = Assignment(), str(table.name)
    values = {
        column.name: assignment.convert(place, kind, column, table=name)
        for column, place, kind in zip(targets, places, kinds, strict=True)
    }
    for macro in macros_of(values.values()):
        connection.execute(macro)
    selected = ", ".join(
        f"{values.get(c.name, f'CAST(NULL AS {c.type.duckdb})')} AS {quote(c.name)}"
        for c in stored(table.columns())
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {ROWS} AS "
        f"SELECT {selected} FROM ({sql}) AS q({', '.join(places)})"
    )
    ((count,),) = connection.execute(f"SELECT count(*) FROM {ROWS}").fetchall()
    return int(count)


def _targets(table: LakeTable, statement: Insert, given: list[str]) -> list[Column]:
    columns, name = table.columns(), str(table.name)
    wanted = given if statement.by_name else statement.columns
    if wanted is not None:
        found = [column_named(one, columns, table=name) for one in wanted]
        if len(set(found)) < len(found):
            raise SchemaError(f"{name}: a column is named twice; nothing was written.")
    else:
        found = stored(columns)
        own = [column for column in found if column.name not in SERVICE_COLUMNS]
        found = own if len(given) == len(own) else found
    if len(found) != len(given):
        raise SchemaError(
            f"{name}: {counted(len(found), 'column is', 'columns are')} to be filled, the query "
            f"gives {len(given)}; nothing was written.",
            hint="list the columns, INSERT INTO t (a, b) …, or write BY NAME; what is left out "
            "is NULL.",
        )
    return found


def _overwrite(context: Context, table: LakeTable, query: Translation, statement: Insert) -> int:
    refuse_chance(statement.replaced, what="INSERT … REPLACE WHERE")
    where = None if statement.replaced is None else context.expression(statement.replaced)

    def run() -> int:
        with table.lock(), duckdb_errors():
            connection = context.connection()
            target = Target.attach(table, connection)
            context.attach(connection, *([query, where] if where else [query]))
            count = hold_rows(connection, query.sql, table, statement)
            alias = quote(table.name.table)
            condition = "true" if where is None else where.sql
            boolean(connection, condition, f"FROM {Target.VIEW} AS {alias}")
            _check_rows(connection, condition, alias, str(table.name))
            files = connection.execute(
                f"SELECT DISTINCT {PLACE_FILE} FROM {Target.VIEW} AS {alias} WHERE {condition}"
            ).fetchall()
            uris = [row[0] for row in files]
            target.narrow(uris)
            columns = ", ".join(quote(c.name) for c in target.stored_columns())
            keep = (
                f"SELECT {columns} FROM {Target.AFFECTED} AS {alias} "
                f"WHERE NOT coalesce({condition}, false)"
            )
            selects = [f"SELECT {columns} FROM {ROWS}"] if count else []
            if where is not None and uris:
                selects.append(keep)
            metadata = {"lakelet.operation": "OVERWRITE", "lakelet.rows": str(count)}
            target.replace(uris, selects, metadata=metadata)
            return count

    return retry_conflicts(run)


def _check_rows(
    connection: duckdb.DuckDBPyConnection, condition: str, alias: str, table: str
) -> None:
    ((outside,),) = connection.execute(
        f"SELECT count(*) FROM {ROWS} AS {alias} WHERE NOT coalesce({condition}, false)"
    ).fetchall()
    if outside:
        raise ConstraintError(
            f"{table}: {outside} of the new rows do not satisfy REPLACE WHERE; nothing was written."
        )
