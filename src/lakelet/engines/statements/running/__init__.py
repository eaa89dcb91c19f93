"""Statements run: each record of `syntax` has the function that carries it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lakelet.engines.statements.running.altering import run_alter
from lakelet.engines.statements.running.changing import run_delete, run_merge, run_update
from lakelet.engines.statements.running.context import Answer, Context, Lent
from lakelet.engines.statements.running.creating import run_create_table
from lakelet.engines.statements.running.inserting import run_insert
from lakelet.engines.statements.running.listing import run_describe, run_show
from lakelet.engines.statements.running.upkeep import (
    run_copy,
    run_create_schema,
    run_drop,
    run_optimize,
    run_restore,
    run_undrop,
    run_vacuum,
)
from lakelet.engines.statements.syntax import alter, create, listing, merge, rows, upkeep

__all__ = ("Answer", "Context", "Lent", "run_record")

_RUNNERS: dict[type, Callable[[Context, Any], Answer]] = {
    rows.Insert: run_insert,
    rows.Update: run_update,
    rows.Delete: run_delete,
    merge.MergeInto: run_merge,
    create.CreateTable: run_create_table,
    upkeep.CreateSchema: run_create_schema,
    upkeep.DropTable: run_drop,
    upkeep.UndropTable: run_undrop,
    upkeep.Restore: run_restore,
    upkeep.Optimize: run_optimize,
    upkeep.Vacuum: run_vacuum,
    upkeep.CopyInto: run_copy,
    listing.Describe: run_describe,
    listing.ShowTables: run_show,
    listing.ShowOf: run_show,
}


_READING = (listing.Describe, listing.ShowTables, listing.ShowOf, upkeep.CreateSchema)
_WORDS = {
    rows.Insert: "INSERT",
    rows.Update: "UPDATE",
    rows.Delete: "DELETE",
    merge.MergeInto: "MERGE",
    upkeep.DropTable: "DROP TABLE",
    upkeep.UndropTable: "UNDROP TABLE",
    upkeep.Restore: "RESTORE",
    upkeep.Optimize: "OPTIMIZE",
    upkeep.Vacuum: "VACUUM",
    upkeep.CopyInto: "a load",
    alter.RenameTable: "ALTER TABLE … RENAME TO",
    alter.CommentOn: "COMMENT ON",
    alter.SetTags: "SET TAGS",
    alter.UnsetTags: "UNSET TAGS",
}


def _word(record: Any) -> str:
    """What a statement does, as accounts of changes name it."""
    if isinstance(record, create.CreateTable):
        return "CREATE OR REPLACE TABLE" if record.replace else "CREATE TABLE"
    return _WORDS.get(type(record), "ALTER TABLE")


def run_record(context: Context, record: Any) -> Answer:
    """Carry out a statement that was read."""
    runner = _RUNNERS.get(type(record), run_alter)
    if isinstance(record, _READING):
        return runner(context, record)
    with context.lent.changing(record.table, _word(record)):
        return runner(context, record)
