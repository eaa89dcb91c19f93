"""Running ALTER TABLE and COMMENT ON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from lakelet.engines.engine import duckdb_errors
from lakelet.engines.rewrite import Target
from lakelet.engines.rewrite.schema_change import (
    Rewritten,
    change_type,
    rewrite_columns,
    table_bytes,
)
from lakelet.engines.rewrite.target import GENERATED
from lakelet.engines.statements.running.checks import CONSTRAINT, mentions, stored_expression
from lakelet.engines.statements.running.context import Answer, Context
from lakelet.engines.statements.running.creating import check_names, new_columns
from lakelet.engines.statements.running.properties import allowed_properties
from lakelet.engines.statements.syntax import alter
from lakelet.errors import ConstraintError, SchemaError, SqlError, UnsupportedTableError, nearest
from lakelet.lake import LakeTable
from lakelet.lake.delta import delta_errors, retry_conflicts
from lakelet.lake.names import quote
from lakelet.lake.storage import is_remote
from lakelet.lake.tags import TAGS, with_tags, without_tags
from lakelet.lake.types import Column, Primitive
from lakelet.workspace.quantities import counted, format_bytes
from lakelet.workspace.steps import declare, step

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from deltalake.table import TableAlterer

__all__ = ("run_alter",)

_ALTER = declare("table.alter", "the table's log says what was altered, its files are the same")


def run_alter(context: Context, statement: alter.Alteration) -> Answer:
    """Alter a table.

    Raises:
        SchemaError: a column that is not there, or that something else needs.
        ConstraintError: rows that break a new constraint.
        SqlError: something that is refused.
    """
    table = context.writable(statement.table)
    if isinstance(statement, alter.RenameTable):
        return _rename_table(context, table, statement)
    if isinstance(statement, alter.AddColumns):
        return _add_columns(table, statement)
    if isinstance(statement, alter.DropColumns):
        return _drop_columns(context, table, statement)
    if isinstance(statement, alter.RenameColumn):
        return _rename_column(context, table, statement)
    if isinstance(statement, alter.AlterColumn):
        return _alter_column(context, table, statement)
    return _alter_log(context, table, statement)


def _alter_log(context: Context, table: LakeTable, statement: Any) -> Answer:
    """What one small commit does."""
    if isinstance(statement, alter.AddCheck):
        return _add_check(context, table, statement)
    if isinstance(statement, alter.DropCheck):
        return _drop_check(table, statement)
    if isinstance(statement, alter.CommentOn):
        return _comment(table, statement)
    if isinstance(statement, alter.SetTags | alter.UnsetTags):
        return _tag(table, statement)
    properties = allowed_properties(statement.properties, str(table.name))
    return _commit(
        table,
        lambda alterer: alterer.set_table_properties(properties, raise_if_not_exists=False),
    )


def _commit(
    table: LakeTable,
    change: Callable[[TableAlterer], object],
    *,
    check: Callable[[DeltaTable], None] = lambda _snapshot: None,
) -> Answer:
    """Change what the log says, after a look at the snapshot it is changed from."""

    def run() -> None:
        snapshot = table.open()
        check(snapshot)
        with delta_errors(str(table.name)), step(_ALTER):
            change(snapshot.alter)

    with table.lock():
        retry_conflicts(run)
    return Answer()


def _found(table: LakeTable, name: str) -> Column:
    columns = table.columns()
    for column in columns:
        if column.name.lower() == name.lower():
            return column
    close = nearest(name.lower(), [column.name.lower() for column in columns])
    raise SchemaError(
        f"{table.name} has no column {name!r}; nothing was changed.",
        hint=f"did you mean {close!r}?" if close else f"DESCRIBE {table.name} lists them.",
    )


def _refuse_needed(table: LakeTable, column: Column, what: str) -> None:
    """Refuse to take away what a constraint, a generated column or the partitioning names."""
    metadata = table.open().metadata()
    if column.name in metadata.partition_columns:
        raise SchemaError(
            f"{table.name} is partitioned by {column.name}, so {what} is refused; nothing was "
            "changed.",
            hint="CREATE OR REPLACE TABLE … PARTITIONED BY (…) AS SELECT … makes it anew.",
        )
    for name, check in metadata.configuration.items():
        if name.startswith(CONSTRAINT) and mentions(check, column.name):
            own = name.removeprefix(CONSTRAINT)
            raise SchemaError(
                f"{table.name}: the constraint {own} names {column.name}, so {what} is refused; "
                "nothing was changed.",
                hint=f"ALTER TABLE {table.name} DROP CONSTRAINT {own} first.",
            )
    for other in table.columns():
        expression = dict(other.metadata).get(GENERATED)
        if expression is not None and other != column and mentions(str(expression), column.name):
            raise SchemaError(
                f"{table.name}: {other.name} is computed from {column.name}, so {what} is refused; "
                "nothing was changed.",
                hint=f"drop the column {other.name} first.",
            )


def _say_bytes(context: Context, table: LakeTable) -> int:
    size = table_bytes(table.open())
    context.lent.say(f"{table.name}: rewriting {format_bytes(size)} in one commit.")
    return size


def _rewritten(size: int) -> Answer:
    return Answer((("status", "VARCHAR"), ("bytes_rewritten", "BIGINT")), [("rewritten", size)])


def _rewrite(
    context: Context, table: LakeTable, columns: Sequence[Rewritten], operation: str
) -> Answer:
    _say_bytes(context, table)
    connection = context.connection()
    return _rewritten(rewrite_columns(table, connection, columns, operation=operation))


def _rename_table(context: Context, table: LakeTable, statement: alter.RenameTable) -> Answer:
    statement.name.refuse_own()
    if is_remote(table.location):
        raise UnsupportedTableError(
            f"{table.name} lies in a bucket, where a folder cannot be renamed in one step; nothing "
            "was changed.",
            hint=f"CREATE TABLE {statement.name} AS SELECT * FROM {table.name}; then DROP TABLE "
            f"{table.name}.",
        )
    context.lent.rename_table(table, statement.name)
    return Answer()


def _add_columns(table: LakeTable, statement: alter.AddColumns) -> Answer:
    for one in statement.columns:
        if not one.nullable or one.checks or one.generated:
            raise SchemaError(
                f"{table.name}: the new column {one.name} is NULL in all rows so far, so NOT NULL, "
                "CHECK and GENERATED are refused; nothing was changed.",
                hint="add the column, UPDATE it, then ALTER COLUMN … SET NOT NULL or ADD "
                "CONSTRAINT.",
            )
    added = new_columns(statement.columns, str(table.name))
    there = [column.name for column in table.columns()]
    check_names([*there, *(column.name for column in added)], str(table.name))
    table.add_columns(list(added))
    return Answer()


def _drop_columns(context: Context, table: LakeTable, statement: alter.DropColumns) -> Answer:
    there = {column.name.lower() for column in table.columns()}
    names = [n for n in statement.names if n.lower() in there or not statement.if_there]
    if not names:
        return Answer()
    gone = [_found(table, name) for name in names]
    for column in gone:
        _refuse_needed(table, column, "dropping it")
    kept = [
        Rewritten(column, quote(column.name)) for column in table.columns() if column not in gone
    ]
    if not kept:
        raise SchemaError(f"{table.name} would have no column left; nothing was changed.")
    listed = ", ".join(column.name for column in gone)
    return _rewrite(context, table, kept, f"drop {listed}")


def _rename_column(context: Context, table: LakeTable, statement: alter.RenameColumn) -> Answer:
    column = _found(table, statement.old)
    _refuse_needed(table, column, "renaming it")
    others = [other.name for other in table.columns() if other != column]
    check_names([*others, statement.new], str(table.name))
    columns = [
        Rewritten(
            Column(statement.new, c.type, c.nullable, c.comment, c.metadata) if c == column else c,
            quote(c.name),
        )
        for c in table.columns()
    ]
    return _rewrite(context, table, columns, f"rename {column.name} to {statement.new}")


def _alter_column(context: Context, table: LakeTable, statement: alter.AlterColumn) -> Answer:
    column = _found(table, statement.name)
    if statement.type is not None:
        if statement.type == column.type:
            return Answer()
        _refuse_needed(table, column, "another type for it")
        _say_bytes(context, table)
        return _rewritten(change_type(table, context.connection(), column.name, statement.type))
    if statement.nullable:
        return _commit(table, lambda alterer: alterer.drop_column_not_null(column.name))
    if not column.nullable:
        return Answer()
    _count_breaking(context.connection(), table, f"{quote(column.name)} IS NOT NULL", "NOT NULL")
    columns = [
        Rewritten(
            Column(c.name, c.type, False, c.comment, c.metadata) if c == column else c,
            quote(c.name),
        )
        for c in table.columns()
    ]
    return _rewrite(context, table, columns, f"set {column.name} not null")


def _count_breaking(
    connection: duckdb.DuckDBPyConnection, table: LakeTable, condition: str, what: str
) -> None:
    with duckdb_errors():
        target = Target.attach(table, connection)
        ((count,),) = connection.execute(
            f"SELECT count(*) FROM {target.VIEW} WHERE NOT coalesce({condition}, false)"
        ).fetchall()
    if count:
        raise ConstraintError(
            f"{table.name}: {counted(count, 'row breaks', 'rows break')} {what}; nothing was "
            "changed.",
            hint="UPDATE or DELETE them first.",
        )


def _add_check(context: Context, table: LakeTable, statement: alter.AddCheck) -> Answer:
    name, key = str(table.name), CONSTRAINT + statement.name.lower()
    text = stored_expression(statement.condition, table.columns(), of=Primitive("BOOLEAN"))
    condition = context.expression(statement.condition)

    def check(snapshot: DeltaTable) -> None:
        if key in snapshot.metadata().configuration:
            raise SqlError(f"{name} has a constraint {statement.name}; nothing was changed.")
        if snapshot.protocol().min_writer_version < 3:
            raise UnsupportedTableError(
                f"{name} was made by a writer that need not keep to constraints; nothing was "
                "changed.",
                hint="CREATE TABLE … AS SELECT makes a copy that can have them.",
            )
        with duckdb_errors():
            connection = context.connection()
            for macro in condition.macros:
                connection.execute(macro)
        _count_breaking(connection, table, condition.sql, f"CHECK ({statement.condition})")

    # delta-rs' own way would store a text of its making, with parentheses missing.
    return _commit(
        table,
        lambda alterer: alterer.set_table_properties({key: text}, raise_if_not_exists=False),
        check=check,
    )


def _drop_check(table: LakeTable, statement: alter.DropCheck) -> Answer:
    key = CONSTRAINT + statement.name.lower()
    there = {n.lower(): n for n in table.open().metadata().configuration if CONSTRAINT in n}
    if key not in there:
        if statement.if_there:
            return Answer()
        close = nearest(key, there)
        raise SchemaError(
            f"{table.name} has no constraint {statement.name}; nothing was changed.",
            hint=f"did you mean {close.removeprefix(CONSTRAINT)}?" if close else None,
        )
    own = there[key].removeprefix(CONSTRAINT)
    return _commit(table, lambda alterer: alterer.drop_constraint(own))


def _tag(table: LakeTable, statement: alter.SetTags | alter.UnsetTags) -> Answer:
    name, made = str(table.name), ""

    def check(snapshot: DeltaTable) -> None:
        nonlocal made
        now = snapshot.metadata().configuration
        if isinstance(statement, alter.SetTags):
            made = with_tags(now, statement.tags, name)
        else:
            made = without_tags(now, statement.names, name)

    return _commit(
        table,
        lambda alterer: alterer.set_table_properties({TAGS: made}, raise_if_not_exists=False),
        check=check,
    )


def _comment(table: LakeTable, statement: alter.CommentOn) -> Answer:
    comment = statement.comment or ""
    if statement.column is None:
        return _commit(table, lambda alterer: alterer.set_table_description(comment))
    column = _found(table, statement.column)
    return _commit(
        table,
        lambda alterer: alterer.set_column_metadata(column.name, {"comment": comment}),
    )
