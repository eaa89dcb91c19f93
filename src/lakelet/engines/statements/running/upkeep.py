"""Running DROP, UNDROP, CREATE SCHEMA, RESTORE, OPTIMIZE, VACUUM and COPY INTO."""

from __future__ import annotations

import math
from pathlib import Path

from lakelet.engines.bucket_files import plan_table
from lakelet.engines.routes import open_snapshot
from lakelet.engines.statements.running.context import Answer, Context
from lakelet.engines.statements.running.values import column_named
from lakelet.engines.statements.syntax.upkeep import (
    CopyInto,
    CreateSchema,
    DropTable,
    Optimize,
    Restore,
    UndropTable,
    Vacuum,
)
from lakelet.errors import SqlError, TableExistsError, UnsupportedTableError
from lakelet.lake import LakeTable, TableName
from lakelet.lake.delta import delta_errors, retry_conflicts
from lakelet.lake.names import SYSTEM_SCHEMA
from lakelet.lake.pins import pinned_versions
from lakelet.lake.storage import is_remote
from lakelet.workspace.steps import declare, make_folder, step

__all__ = (
    "run_copy", "run_create_schema", "run_drop", "run_optimize", "run_restore", "run_undrop",
    "run_vacuum",
)  # fmt: skip

_OPTIMIZE = declare("table.optimize", "the same rows lie in fewer or better ordered files")
_VACUUM = declare("table.vacuum", "files that only versions past the retention needed are gone")
_SCHEMA = declare("schema.create", "the schema's folder is there")


def run_create_schema(context: Context, statement: CreateSchema) -> Answer:
    """Make a schema's folder; in a bucket a schema is there as soon as a table is in it.

    Raises:
        TableExistsError: it is there already.
    """
    name = TableName.of(statement.name, "t").schema
    if name in (SYSTEM_SCHEMA, "delta"):
        raise SqlError(f"the schema {name} is reserved; nothing was made.")
    if name in context.lake.schemas():
        if statement.if_absent:
            return Answer()
        raise TableExistsError(f"the schema {name} is there already; it was left as it is.")
    if not is_remote(context.lake.root):
        make_folder(_SCHEMA, Path(context.lake.root) / name)
    return Answer()


def run_drop(context: Context, statement: DropTable) -> Answer:
    """Mark a table as dropped; UNDROP takes the mark away.

    Raises:
        TableNotFoundError: there is none.
    """
    statement.table.refuse_own()
    if statement.if_there and not context.lake.exists(statement.table):
        return Answer()
    context.lake.drop(statement.table)
    return Answer()


def run_undrop(context: Context, statement: UndropTable) -> Answer:
    """Bring a dropped table back.

    Raises:
        TableNotFoundError: no dropped table of that name.
    """
    context.lake.undrop(statement.table)
    return Answer()


def run_restore(context: Context, statement: Restore) -> Answer:
    """Make a table equal an earlier version.

    Raises:
        VersionNotFoundError: the version is not there, or not kept any more.
    """
    table = context.writable(statement.table)
    files = context.lent.restore(table, statement.version, statement.moment)
    snapshot = table.open()
    sizes = snapshot.get_add_actions().column("size_bytes").to_pylist()
    columns = (
        ("version", "BIGINT"), ("table_size_after_restore", "BIGINT"),
        ("num_of_files_after_restore", "BIGINT"), ("num_raw_files_to_load_again", "BIGINT"),
    )  # fmt: skip
    return Answer(columns, [(snapshot.version(), sum(sizes), len(sizes), files)])


def run_optimize(context: Context, statement: Optimize) -> Answer:
    """Merge small files, or put rows alike in some columns together; the rows stay the same.

    Raises:
        UnsupportedTableError: the table has features that a rewrite of its files might lose.
    """
    table = context.writable(statement.table)
    _refuse_special(table)
    names = [
        column_named(name, table.columns(), table=str(table.name)).name
        for name in statement.columns
    ]
    folders = set(table.open().metadata().partition_columns)
    if within := [name for name in names if name in folders]:
        raise SqlError(
            f"[ZORDERING_ON_PARTITION_COLUMN] {table.name} is partitioned by {within[0]}: rows "
            "alike in it are together already; nothing was changed.",
            hint="leave it out of ZORDER BY, or write OPTIMIZE alone to merge small files.",
        )

    def run() -> tuple[int, int]:
        optimizer = table.open().optimize
        with delta_errors(str(table.name)), step(_OPTIMIZE):
            metrics = optimizer.z_order(names) if names else optimizer.compact()
        return int(metrics.get("numFilesAdded", 0)), int(metrics.get("numFilesRemoved", 0))

    with table.lock():
        added, removed = retry_conflicts(run)
    columns = (
        ("path", "VARCHAR"), ("num_files_added", "BIGINT"), ("num_files_removed", "BIGINT"),
    )  # fmt: skip
    return Answer(columns, [(table.location, added, removed)])


def _refuse_special(table: LakeTable) -> None:
    snapshot = open_snapshot(table.location, storage_options=table.storage.options or None)
    route = plan_table(table, snapshot)
    if route.kind not in ("files", "empty"):
        raise UnsupportedTableError(
            f"{table.name} can be read but not rewritten here: {route.reason} Nothing was changed.",
            hint="CREATE TABLE … AS SELECT makes a plain copy.",
        )


def run_vacuum(context: Context, statement: Vacuum) -> Answer:
    """Remove files that only versions past the retention needed, and no run is pinned to.

    Raises:
        SqlError: the statement would keep less than the workspace's retention.
    """
    table = context.writable(statement.table)
    settings = context.lake.workspace.settings.lake
    least = math.ceil(settings.keep.total_seconds() / 3600)
    hours = least if statement.hours is None else statement.hours
    if hours < least:
        raise SqlError(
            f"VACUUM {table.name} RETAIN {hours} HOURS is refused: this workspace keeps "
            f"{settings.retention} ({least} hours) of versions; nothing was removed.",
            hint="change [lake] retention in lakelet.toml if fewer shall be kept.",
        )
    context.lent.removing(statement.table)
    with table.load_lock(), table.lock(), delta_errors(str(table.name)), step(_VACUUM):
        found = table.open().vacuum(
            retention_hours=hours, dry_run=statement.dry_run, enforce_retention_duration=False,
            full=True, keep_versions=list(pinned_versions(table)) or None,
        )  # fmt: skip
    if statement.dry_run:
        return Answer((("path", "VARCHAR"),), [(path,) for path in found])
    columns = (("path", "VARCHAR"), ("num_files_removed", "BIGINT"))
    return Answer(columns, [(table.location, len(found))])


def run_copy(context: Context, statement: CopyInto) -> Answer:
    """Load the files that are not loaded yet.

    Raises:
        LoadError: nothing at the path, or a load that cannot go on.
        SqlError: an option that is refused.
    """
    statement.table.refuse_own()
    counts = context.lent.copy(statement)
    columns = tuple((name, "BIGINT") for name in counts)
    return Answer(columns, [tuple(counts.values())])
