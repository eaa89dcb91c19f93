"""Running UPDATE, DELETE and MERGE: files with changed rows are replaced, in one commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import duckdb

from lakelet.engines.dialect import Translation
from lakelet.engines.engine import duckdb_errors
from lakelet.engines.rewrite import (
    Insert,
    Matched,
    Merge,
    Outcome,
    Target,
    delete_rows,
    merge_rows,
    update_rows,
)
from lakelet.engines.statements.running.context import Answer, Context
from lakelet.engines.statements.running.values import (
    boolean,
    column_named,
    converted,
    refuse_chance,
    stored,
)
from lakelet.engines.statements.syntax.merge import Clause, MergeInto
from lakelet.engines.statements.syntax.rows import Delete, Update
from lakelet.errors import SchemaError, SqlError
from lakelet.lake import LakeTable
from lakelet.lake.delta import retry_conflicts
from lakelet.lake.names import quote
from lakelet.lake.types import Column

__all__ = ("run_delete", "run_merge", "run_update")

_Change = Callable[[Target], Outcome]


def _changed(
    context: Context, table: LakeTable, parts: Sequence[Translation], change: _Change
) -> Outcome:
    """Change a table's newest snapshot, again with fresh data when another writer was first."""

    def run() -> Outcome:
        with table.lock(), duckdb_errors():
            connection = context.connection()
            target = Target.attach(table, connection)
            context.attach(connection, *parts)
            return change(target)

    return retry_conflicts(run)


def run_update(context: Context, statement: Update) -> Answer:
    """Change columns of the rows for which the condition holds.

    Raises:
        SchemaError: a column that is not there, or a value of a type it does not take.
        ConstraintError: a changed row breaks a constraint; nothing was changed.
    """
    refuse_chance(statement.condition, what="UPDATE")
    table = context.writable(statement.table)
    values = [(name, context.expression(text)) for name, text in statement.assignments]
    where = context.expression(statement.condition or "true")

    def change(target: Target) -> Outcome:
        name = str(table.name)
        sources = f"FROM {Target.VIEW} AS {quote(statement.alias)}"
        pairs = [(column_named(n, target.columns, table=name), v.sql) for n, v in values]
        assigned = converted(target.connection, pairs, sources, table=name)
        boolean(target.connection, where.sql, sources)
        return update_rows(target, assigned, where.sql, statement.alias)

    parts = [where, *(value for _, value in values)]
    outcome = _changed(context, table, parts, change)
    return Answer((("num_affected_rows", "BIGINT"),), [(outcome.updated,)])


def run_delete(context: Context, statement: Delete) -> Answer:
    """Remove the rows for which the condition holds."""
    refuse_chance(statement.condition, what="DELETE")
    table = context.writable(statement.table)
    where = context.expression(statement.condition or "true")

    def change(target: Target) -> Outcome:
        sources = f"FROM {Target.VIEW} AS {quote(statement.alias)}"
        boolean(target.connection, where.sql, sources)
        return delete_rows(target, where.sql, statement.alias)

    outcome = _changed(context, table, [where], change)
    return Answer((("num_affected_rows", "BIGINT"),), [(outcome.deleted,)])


class _Clauses:
    """A MERGE's clauses for DuckDB."""

    def __init__(self, context: Context, statement: MergeInto) -> None:
        self.statement = statement
        self.source = context.query(statement.source)
        self.on = context.expression(statement.on)
        self.read: list[tuple[Clause, Translation | None, list[Translation]]] = [
            (
                clause,
                None if clause.condition is None else context.expression(clause.condition),
                [context.expression(text) for _, text in clause.values],
            )
            for clause in statement.clauses
        ]
        self.target_from = f"{Target.VIEW} AS {quote(statement.alias)}"
        self.source_from = f"({self.source.sql}) AS {quote(statement.source_alias)}"

    def parts(self) -> list[Translation]:
        found = [self.source, self.on]
        for _, condition, values in self.read:
            found += [condition, *values] if condition else values
        return found

    def merge(self, target: Target) -> Merge:
        connection = target.connection
        both = f"FROM {self.target_from}, {self.source_from}"
        boolean(connection, self.on.sql, both)
        sources = {
            "matched": both,
            "not matched": f"FROM {self.source_from}",
            "missing": f"FROM {self.target_from}",
        }
        matched: list[Matched] = []
        missing: list[Matched] = []
        inserts: list[Insert] = []
        for clause, condition, values in self.read:
            where = sources[clause.when]
            said = None if condition is None else condition.sql
            if said is not None:
                boolean(connection, said, where)
            if clause.action == "delete":
                (matched if clause.when == "matched" else missing).append(Matched(said, None))
                continue
            pairs = self._pairs(target, clause, values)
            assigned = converted(connection, pairs, where, table=str(target.table.name))
            if clause.action == "insert":
                inserts.append(Insert(said, assigned))
            else:
                (matched if clause.when == "matched" else missing).append(Matched(said, assigned))
        return Merge(
            self.source.sql, self.on.sql, self.statement.alias, self.statement.source_alias,
            matched, inserts, missing,
        )  # fmt: skip

    def _pairs(
        self, target: Target, clause: Clause, values: list[Translation]
    ) -> list[tuple[Column, str]]:
        name = str(target.table.name)
        if not clause.star:
            columns = [column_named(n, target.columns, table=name) for n, _ in clause.values]
            return list(zip(columns, [value.sql for value in values], strict=True))
        given = _names(target.connection, self.source_from)
        alias = quote(self.statement.source_alias)
        pairs = []
        for column in stored(target.columns):
            own = given.get(column.name.lower())
            if own is None:
                raise SchemaError(
                    f"{name}: the source has no column {column.name} for {clause.action.upper()} "
                    "*; nothing was changed.",
                    hint="name the columns, or select them in the source.",
                )
            pairs.append((column, f"{alias}.{quote(own)}"))
        return pairs


def _names(connection: duckdb.DuckDBPyConnection, source: str) -> dict[str, str]:
    return {str(n).lower(): str(n) for n in connection.sql(f"SELECT * FROM {source}").columns}


def run_merge(context: Context, statement: MergeInto) -> Answer:
    """Merge a source into a table.

    Raises:
        SqlError: several source rows would change one target row.
        SchemaError: a column that is not there, or a value of a type it does not take.
        ConstraintError: a row breaks a constraint; nothing was changed.
    """
    refuse_chance(statement.on, *(c.condition for c in statement.clauses), what="MERGE")
    if statement.alias.lower() == statement.source_alias.lower():
        raise SqlError(
            f"target and source are both called {statement.alias}; nothing was changed.",
            hint="give one of them another alias: USING … AS source.",
        )
    table = context.writable(statement.table)
    clauses = _Clauses(context, statement)
    found = _changed(
        context, table, clauses.parts(), lambda target: merge_rows(target, clauses.merge(target))
    )
    names = ("num_affected_rows", "num_updated_rows", "num_deleted_rows", "num_inserted_rows")
    everything = found.updated + found.deleted + found.inserted
    return Answer(
        tuple((name, "BIGINT") for name in names),
        [(everything, found.updated, found.deleted, found.inserted)],
    )
