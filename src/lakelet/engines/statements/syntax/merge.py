"""MERGE INTO as it is written (Databricks SQL reference, "MERGE INTO")."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from lakelet.engines.dialect.tokens import name_of
from lakelet.engines.statements.cursor import Cursor
from lakelet.engines.statements.syntax.qualified import without_schema
from lakelet.engines.statements.syntax.rows import assignments
from lakelet.errors import SqlError
from lakelet.lake import TableName
from lakelet.workspace.quantities import counted

__all__ = ("Clause", "MergeInto", "read_merge")

When = Literal["matched", "not matched", "missing"]


@dataclass(frozen=True, slots=True)
class Clause:
    """A WHEN clause.

    Attributes:
        when: for pairs, for source rows without a match, or for target rows without one.
        condition: what must hold besides, or None.
        action: what is done.
        values: column and value; empty with ``star``.
        star: whether it says ``*``.
    """

    when: When
    condition: str | None
    action: Literal["update", "insert", "delete"]
    values: tuple[tuple[str, str], ...] = ()
    star: bool = False


@dataclass(frozen=True, slots=True)
class MergeInto:
    """MERGE INTO; ``source`` is a query."""

    table: TableName
    alias: str
    source: str
    source_alias: str
    on: str
    clauses: tuple[Clause, ...]


def read_merge(cursor: Cursor) -> MergeInto:
    """MERGE INTO t [AS a] USING source [AS b] ON … WHEN …."""
    cursor.expect("MERGE")
    if cursor.accept("WITH", "SCHEMA", "EVOLUTION"):
        raise SqlError(
            "MERGE WITH SCHEMA EVOLUTION is refused; nothing was changed.",
            hint="ALTER TABLE … ADD COLUMN first.",
        )
    cursor.expect("INTO")
    table = cursor.table()
    alias = table.table
    if cursor.accept("AS") or cursor.word != "USING":
        alias = cursor.name("an alias")
    cursor.expect("USING")
    source, source_alias, known = _source(cursor)
    if alias == table.table:
        known.append((table.schema, table.table))

    def own(text: str) -> str:
        return without_schema(text, known, cursor.dialect)

    cursor.expect("ON")
    on = cursor.until("WHEN")
    if not on:
        raise cursor.wrong("a condition")
    clauses: list[Clause] = []
    while cursor.accept("WHEN"):
        one = _clause(cursor)
        values = tuple((name, own(value)) for name, value in one.values)
        said = None if one.condition is None else own(one.condition)
        clauses.append(replace(one, condition=said, values=values))
    if not clauses:
        raise cursor.wrong("WHEN")
    cursor.end()
    _check_order(clauses)
    return MergeInto(table, alias, source, source_alias, own(on), tuple(clauses))


def _source(cursor: Cursor) -> tuple[str, str, list[tuple[str, str]]]:
    """The source as a query, its alias, and schema and name of a table that has no other alias."""
    token = cursor.peek()
    parts: tuple[str, ...] = ()
    if token and token.text == "(":
        source, default = cursor.parenthesised(), ""
        if source.lstrip()[:1] and not source.lstrip()[0].isalpha():
            source = f"SELECT * FROM ({source})"
    else:
        text = cursor.until("AS", "ON")
        words = Cursor(text, cursor.dialect)
        parts = tuple(words.names("the source"))
        default = parts[-1]
        if words.accept("@"):
            words.name()
        # What follows the name may be a moment (VERSION AS OF …), or an alias without AS.
        source = f"SELECT * FROM {text}"
        alias = words.peek()
        timed = (following := cursor.peek(1)) is not None and following.word == "OF"
        last = words.peek(1) is None and not timed
        if alias is not None and last and alias.kind in ("word", "name"):
            source = f"SELECT * FROM {text[: alias.start]}"
            default = words.name()
        while cursor.accept("AS", "OF"):
            moment = cursor.until("AS", "ON")
            *before, end = Cursor(moment, cursor.dialect).solid()
            named = bool(before) and end.kind in ("word", "name")
            source += f" AS OF {moment[: end.start] if named else moment}"
            default = name_of(end) if named else default
    if cursor.accept("AS") or cursor.word != "ON":
        default = cursor.name("an alias")
        if (token := cursor.peek()) and token.text == "(":
            raise SqlError("a list of columns after the source's alias is refused.")
    known = [(parts[0], parts[1])] if len(parts) == 2 and default == parts[1] else []
    return source, default or "source", known


def _clause(cursor: Cursor) -> Clause:
    when: When = "matched"
    if cursor.accept("NOT", "MATCHED"):
        when = "not matched"
        if cursor.accept("BY", "SOURCE"):
            when = "missing"
        else:
            cursor.accept("BY", "TARGET")
    else:
        cursor.expect("MATCHED")
    condition = cursor.until("THEN") if cursor.accept("AND") else None
    cursor.expect("THEN")
    if when == "not matched":
        return _insert(cursor, condition)
    if cursor.accept("DELETE"):
        return Clause(when, condition, "delete")
    cursor.expect("UPDATE", "SET")
    if cursor.accept("*"):
        if when == "missing":
            raise SqlError(
                "WHEN NOT MATCHED BY SOURCE has no source row for UPDATE SET *; nothing was run."
            )
        return Clause(when, condition, "update", star=True)
    return Clause(when, condition, "update", assignments(cursor, "WHEN"))


def _insert(cursor: Cursor, condition: str | None) -> Clause:
    cursor.expect("INSERT")
    if cursor.accept("*"):
        return Clause("not matched", condition, "insert", star=True)
    cursor.expect("(")
    columns: list[str] = []
    while not columns or cursor.accept(","):
        columns.append(cursor.names("a column")[-1])
    cursor.expect(")")
    cursor.expect("VALUES", "(")
    values: list[str] = []
    while not values or cursor.accept(","):
        values.append(cursor.until(","))
    cursor.expect(")")
    if len(values) != len(columns):
        raise SqlError(
            f"INSERT names {counted(len(columns), 'column')} and gives "
            f"{counted(len(values), 'value')}; nothing was run."
        )
    return Clause("not matched", condition, "insert", tuple(zip(columns, values, strict=True)))


def _check_order(clauses: list[Clause]) -> None:
    """Only the last clause of a kind may lack a condition; the later ones would never be tried."""
    for when in ("matched", "not matched", "missing"):
        own = [clause for clause in clauses if clause.when == when]
        if any(clause.condition is None for clause in own[:-1]):
            said = {"missing": "not matched by source"}.get(when, when).upper()
            raise SqlError(
                f"only the last WHEN {said} may lack a condition; nothing was run.",
                hint="put the clause without AND last.",
            )
