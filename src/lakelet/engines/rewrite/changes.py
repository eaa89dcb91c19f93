"""DELETE, UPDATE and MERGE as SQL over places: which files are affected, and their new rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lakelet.engines.rewrite.target import Target
from lakelet.engines.routes.file_source import PLACE_FILE, PLACE_ROW
from lakelet.errors import SqlError
from lakelet.lake.names import quote

__all__ = ("Insert", "Matched", "Merge", "Outcome", "delete_rows", "merge_rows", "update_rows")

_CLAUSE = '"lakelet clause"'


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a change did.

    Attributes:
        version: the table's version afterwards.
        inserted: rows added.
        updated: rows changed.
        deleted: rows removed.
    """

    version: int
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class Matched:
    """A clause for target rows: update some columns, or delete.

    Attributes:
        condition: further condition in SQL, or None.
        update: SQL by column name; None deletes the row.
    """

    condition: str | None
    update: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Insert:
    """A clause for source rows without a match: SQL by column name; other columns are NULL."""

    condition: str | None
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Merge:
    """A MERGE over DuckDB SQL.

    Attributes:
        source: a SELECT.
        on: the condition, over the two aliases.
        target_alias: how the clauses call the target.
        source_alias: how they call the source.
        matched: tried in order for a pair; the first whose condition holds counts.
        inserts: tried in order for a source row without a match.
        missing: tried in order for a target row without a match.
    """

    source: str
    on: str
    target_alias: str = "target"
    source_alias: str = "source"
    matched: Sequence[Matched] = ()
    inserts: Sequence[Insert] = ()
    missing: Sequence[Matched] = field(default_factory=tuple)


def _metadata(operation: str, rows: int) -> dict[str, str]:
    return {"lakelet.operation": operation, "lakelet.rows": str(rows)}


def _affected(target: Target, query: str) -> list[str]:
    return [row[0] for row in target.connection.execute(query).fetchall()]


_ONE = Merge('SELECT 1 AS "lakelet one"', "true", source_alias="lakelet one")


def delete_rows(target: Target, condition: str, alias: str = "target") -> Outcome:
    """Remove the rows for which the condition is true; NULL keeps a row."""
    merge = replace(_ONE, on=condition, target_alias=alias, matched=[Matched(None, None)])
    return merge_rows(target, merge, metadata={"lakelet.operation": "DELETE"})


def update_rows(
    target: Target, assignments: Mapping[str, str], condition: str, alias: str = "target"
) -> Outcome:
    """Give columns new values in the rows for which the condition is true.

    The condition is asked once a row, so that what it says of the time or of other tables counts
    for finding the rows and for changing them alike.
    """
    merge = replace(_ONE, on=condition, target_alias=alias, matched=[Matched(None, assignments)])
    return merge_rows(target, merge, metadata={"lakelet.operation": "UPDATE"})


def merge_rows(
    target: Target,
    merge: Merge,
    *,
    metadata: Mapping[str, str] | None = None,
    transaction: tuple[str, int] | None = None,
) -> Outcome:
    """Merge a source into the table.

    Raises:
        SqlError: several source rows would change one target row.
    """
    connection = target.connection
    t, s = quote(merge.target_alias), quote(merge.source_alias)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE merge_source AS "
        f'SELECT *, row_number() OVER () AS "lakelet number" FROM ({merge.source})'
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE merge_pairs AS SELECT {t}.{PLACE_FILE} AS file, "
        f'{t}.{PLACE_ROW} AS row, {s}."lakelet number" AS number, '
        f"{_first([clause.condition for clause in merge.matched])} AS clause "
        f"FROM {target.VIEW} AS {t} JOIN merge_source AS {s} ON {merge.on}"
    )
    _refuse_ambiguous(target, merge)
    if merge.missing:
        connection.execute(
            "INSERT INTO merge_pairs SELECT t.file, t.row, NULL, t.clause FROM ("
            f"SELECT {PLACE_FILE} AS file, {PLACE_ROW} AS row, "
            f"{_first([m.condition for m in merge.missing], len(merge.matched))} AS clause "
            f"FROM {target.VIEW} AS {t}) AS t ANTI JOIN merge_pairs AS p "
            "ON p.file = t.file AND p.row = t.row WHERE t.clause > 0"
        )
    uris = _affected(target, "SELECT DISTINCT file FROM merge_pairs WHERE clause > 0")
    target.narrow(uris)
    selects = [_changed(target, merge)] if uris else []
    inserted = _prepare_inserts(target, merge)
    if inserted:
        columns = ", ".join(quote(c.name) for c in target.stored_columns())
        selects.append(f"SELECT {columns} FROM merge_inserts")
    clauses = dict(
        connection.execute(
            "SELECT clause, count(*) FROM merge_pairs WHERE clause > 0 GROUP BY clause"
        ).fetchall()
    )
    every = [*merge.matched, *merge.missing]
    updated = sum(n for i, n in clauses.items() if every[i - 1].update is not None)
    deleted = sum(n for i, n in clauses.items() if every[i - 1].update is None)
    said = {
        **_metadata("MERGE", inserted),
        "lakelet.updated": str(updated),
        "lakelet.deleted": str(deleted),
        **(metadata or {}),
    }
    version = target.replace(uris, selects, metadata=said, transaction=transaction)
    return Outcome(version, inserted, updated, deleted)


def _first(conditions: Sequence[str | None], offset: int = 0) -> str:
    """The number, from 1 on, of the first condition that holds; 0 for none."""
    whens = [
        f"WHEN {'true' if condition is None else condition} THEN {offset + index}"
        for index, condition in enumerate(conditions, 1)
    ]
    return f"CASE {' '.join(whens)} ELSE 0 END" if whens else "0"


def _refuse_ambiguous(target: Target, merge: Merge) -> None:
    """Databricks: "Multiple source rows matched" is an error unless all they do is delete."""
    deletes_only = all(m.update is None and m.condition is None for m in merge.matched)
    if merge.matched and deletes_only:
        target.connection.execute(
            "CREATE OR REPLACE TEMP TABLE merge_pairs AS "
            "SELECT file, row, any_value(number) AS number, max(clause) AS clause "
            "FROM merge_pairs GROUP BY file, row"
        )
        return
    twice = target.connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM merge_pairs WHERE clause > 0 "
        "GROUP BY file, row HAVING count(*) > 1)"
    ).fetchall()[0][0]
    if twice:
        raise SqlError(
            f"{target.table.name}: {twice} row{' is' if twice == 1 else 's are'} matched by "
            "several source rows, so what becomes of it is not clear; nothing was changed.",
            hint="make the source unique by the columns of ON, for example with QUALIFY "
            "row_number() OVER (PARTITION BY … ORDER BY …) = 1.",
        )


def _changed(target: Target, merge: Merge) -> str:
    """The affected files' rows: changed by their clause, kept, or left out."""
    t, s = quote(merge.target_alias), quote(merge.source_alias)
    every = [*merge.matched, *merge.missing]
    columns = []
    for column in target.stored_columns():
        old = f"{t}.{quote(column.name)}"
        whens = [
            f"WHEN {index} THEN CAST({clause.update[column.name]} AS {column.type.duckdb})"
            for index, clause in enumerate(every, 1)
            if clause.update is not None and column.name in clause.update
        ]
        value = f"CASE {_CLAUSE} {' '.join(whens)} ELSE {old} END" if whens else old
        columns.append(f"{value} AS {quote(column.name)}")
    gone = [index for index, clause in enumerate(every, 1) if clause.update is None]
    where = f" WHERE coalesce({_CLAUSE}, 0) NOT IN ({', '.join(map(str, gone))})" if gone else ""
    # Names that no column of the user's can have, since the clauses may name columns bare.
    return (
        f"SELECT {', '.join(columns)} FROM {target.AFFECTED} AS {t} LEFT JOIN ("
        f'SELECT file AS "lakelet pair file", row AS "lakelet pair row", '
        f'number AS "lakelet pair number", clause AS {_CLAUSE} FROM merge_pairs WHERE clause > 0'
        f') AS "lakelet pair" ON "lakelet pair file" = {t}.{PLACE_FILE} '
        f'AND "lakelet pair row" = {t}.{PLACE_ROW} '
        f'LEFT JOIN merge_source AS {s} ON {s}."lakelet number" = "lakelet pair number"{where}'
    )


def _prepare_inserts(target: Target, merge: Merge) -> int:
    """Fill ``merge_inserts`` with the new rows; their number."""
    if not merge.inserts:
        return 0
    s = quote(merge.source_alias)
    columns = []
    for column in target.stored_columns():
        whens = [
            f"WHEN {index} THEN CAST({clause.values[column.name]} AS {column.type.duckdb})"
            for index, clause in enumerate(merge.inserts, 1)
            if column.name in clause.values
        ]
        value = f"CASE {_CLAUSE} {' '.join(whens)} END" if whens else "NULL"
        columns.append(f"CAST({value} AS {column.type.duckdb}) AS {quote(column.name)}")
    chosen = _first([clause.condition for clause in merge.inserts])
    target.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE merge_inserts AS SELECT {', '.join(columns)} FROM ("
        f"SELECT {s}.*, {chosen} AS {_CLAUSE} FROM merge_source AS {s} ANTI JOIN merge_pairs AS "
        f'"lakelet pair" ON "lakelet pair".number = {s}."lakelet number") AS {s} '
        f"WHERE {_CLAUSE} > 0"
    )
    return int(target.connection.execute("SELECT count(*) FROM merge_inserts").fetchall()[0][0])
