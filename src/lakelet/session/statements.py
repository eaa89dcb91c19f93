"""Statements in a session: what they ask of loads and restores, and their results as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lakelet.engines.engine import duckdb_errors
from lakelet.engines.kept import kept_connection
from lakelet.engines.statements import run_statement
from lakelet.errors import SqlError
from lakelet.lake.names import quote
from lakelet.session.moments import parse_moment
from lakelet.session.pinning import tell_read
from lakelet.session.result import Result
from lakelet.session.traced import Traced
from lakelet.session.versions import restore

if TYPE_CHECKING:
    from lakelet.engines.dialect import TableFunctionCall, TableReference
    from lakelet.engines.engine import Attached, Dialect
    from lakelet.engines.statements.running import Answer
    from lakelet.engines.statements.syntax.upkeep import CopyInto
    from lakelet.lake import LakeTable, TableName
    from lakelet.session.queries import Recorder
    from lakelet.session.workspace import Workspace
    from lakelet.workspace import WorkspaceFolder

__all__ = ("run",)

_FORMATS = ("json", "csv", "parquet", "text", "jsonl", "tsv", "auto")


def run(
    workspace: Workspace,
    text: str,
    dialect: Dialect,
    recorder: Recorder,
    *,
    positional: Sequence[object],
    named: Mapping[str, object] | None,
) -> Result:
    """Run one statement on the tables of a workspace.

    Raises:
        SqlError: it is wrong, or refused by name; nothing was changed.
    """
    lent = _Lent(workspace, recorder)
    found = run_statement(workspace.lake, lent, text, dialect, positional=positional, named=named)
    lent.traced.note()
    counted = found.rows and found.columns[0][0] == "num_affected_rows"
    recorder.done(found.rows[0][0] if counted else None)
    return _result(found, workspace.folder, lent.warnings)


def _result(answer: Answer, folder: WorkspaceFolder, warnings: Sequence[str]) -> Result:
    with duckdb_errors():
        connection = kept_connection(folder, {}, ())
        declared = ", ".join(f"{quote(name)} {kind}" for name, kind in answer.columns)
        connection.execute(f"CREATE TEMP TABLE answer ({declared})")
        marks = ", ".join(f"CAST(? AS {kind})" for _, kind in answer.columns)
        for row in answer.rows:
            connection.execute(f"INSERT INTO answer VALUES ({marks})", [*map(_bound, row)])
        return Result(connection.sql("SELECT * FROM answer"), warnings=warnings)


def _bound(value: Any) -> Any:
    """A dictionary in the form DuckDB binds as a map."""
    if isinstance(value, dict):
        return {"key": list(value), "value": list(value.values())}
    return value


class _Lent:
    """What statements borrow from the session."""

    def __init__(self, workspace: Workspace, recorder: Recorder) -> None:
        self.workspace = workspace
        self.recorder = recorder
        self.traced = Traced(workspace)
        self.warnings: list[str] = []

    def pin(self, reference: TableReference) -> Attached:
        pinned = self.workspace.pin(reference)
        self.recorder.reads(reference, pinned)
        self.traced.reads(reference)
        tell_read(self.workspace, pinned, reference)
        return pinned

    def call(self, call: TableFunctionCall) -> Attached:
        from lakelet.session.calls import attach_call

        self.traced.calls(call)
        return attach_call(self.workspace, call, self._warn)

    def _warn(self, text: str) -> None:
        """Note a warning, once though the statement be run again on fresh data."""
        if text not in self.warnings:
            self.warnings.append(text)

    def restore(self, table: LakeTable, version: int | None, moment: str | None) -> int:
        if version is None:
            version = table.version_at(parse_moment(str(moment), self.workspace.time_zone))
        return restore(table, version)

    @contextmanager
    def changing(self, table: TableName, what: str) -> Iterator[None]:
        with self.workspace._changing(table, what), self.traced.making(table, what):
            yield
        if self.workspace.lake.exists(table):
            newest = self.workspace.lake.table(table).newest_version()
            self.recorder.written[str(table)] = newest

    def removing(self, table: TableName) -> None:
        self.workspace.learn_pins(table)

    def rename_table(self, table: LakeTable, name: TableName) -> None:
        from lakelet.session.renaming import rename_table

        rename_table(self.workspace.lake, table, name)
        self.traced.renamed(table.name, name)

    def copy(self, statement: CopyInto) -> dict[str, int]:
        if statement.format not in _FORMATS:
            raise SqlError(
                f"FILEFORMAT = {statement.format.upper()} is refused; nothing was loaded.",
                hint="JSON, CSV, PARQUET and TEXT work.",
            )
        source = statement.path
        if statement.pattern is not None:
            source = f"{source.rstrip('/')}/{statement.pattern}"
        self.traced.sources.append(f"files: {source}")
        options: dict[str, object] = dict(statement.format_options)
        merge = _flag(options, "mergeSchema")
        report = self.workspace.load(
            source,
            str(statement.table),
            options={**options, "format": statement.format},
            evolve=_evolve(statement.copy_options, merge),
        )
        return {
            "num_affected_rows": report.kept,
            "num_inserted_rows": report.kept,
            "num_rescued_rows": report.rescued,
            "num_rejected_rows": report.rejected,
            "num_skipped_corrupt_files": len(report.quarantined),
            "num_known_files": report.same,
        }

    @property
    def say(self) -> Callable[[str], None]:
        return self.workspace.say


def _flag(options: dict[str, object], name: str) -> bool | None:
    """Take an option that is true or false out of some."""
    for key in list(options):
        if key.lower() == name.lower():
            return str(options.pop(key)).lower() == "true"
    return None


def _evolve(given: Mapping[str, str], merge: bool | None) -> str | None:
    """What becomes of new fields: as the options say, else as the workspace does it."""
    options: dict[str, object] = dict(given)
    merged = _flag(options, "mergeSchema")
    if _flag(options, "force"):
        raise SqlError(
            "COPY_OPTIONS ('force' = 'true') is refused: each file is loaded exactly once; nothing "
            "was loaded.",
            hint="RESTORE TABLE makes later files count as not loaded.",
        )
    if options:
        raise SqlError(f"COPY_OPTIONS has no {next(iter(options))} here; nothing was loaded.")
    merge = merge if merged is None else merged
    return None if merge is None else ("add" if merge else "fail")
