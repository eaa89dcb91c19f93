"""Rejected rows tried again: `lakelet rejected TABLE --retry`.

A retry is a batch of its own. Of every file it takes on, all rejected rows are read again where the
file still is what it was; those that are records now become rows of the table, the others rejected
rows of the new batch. The old ones stay where they are and count no more (`counting`), so that a
restore to before the retry makes them count again by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakelet.engines.bucket_files import plan_table
from lakelet.errors import LoadError
from lakelet.lake import Lake, LakeTable
from lakelet.lake.types import Column
from lakelet.loading.batch import Batch, recover
from lakelet.loading.commit import HOW, RowsCommit, check_key
from lakelet.loading.connection import loading_connection
from lakelet.loading.counting import counting_condition
from lakelet.loading.discovery import FoundFile, discover
from lakelet.loading.given_hints import refuse_not_null
from lakelet.loading.inference.columns import hinted
from lakelet.loading.ledger import Entry, Ledger
from lakelet.loading.options import ReadOptions, check_mode, parse_options
from lakelet.loading.records.block import Bad
from lakelet.loading.rejected_lines import RejectedLines
from lakelet.loading.rejects import append_rejects
from lakelet.loading.restored import mark_restored
from lakelet.loading.shape import Shape
from lakelet.workspace.quantities import parse_bytes

__all__ = ("RetryReport", "RetryRequest", "retry_rejected")


@dataclass(frozen=True)
class RetryRequest:
    """How rejected rows are to be tried again.

    Attributes:
        options: how the files are read, by `read_files`' names; what is not given is as it was
            when they were loaded.
        hints: columns whose type is given.
        evolve: what becomes of new fields; None for the workspace's setting.
    """

    options: Mapping[str, object] = field(default_factory=dict)
    hints: tuple[Column, ...] = ()
    evolve: str | None = None
    stop: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        """Refuse a mode that there is not, and hints that say more than a type.

        Raises:
            SettingsError: a mode that there is not.
            SchemaError: a hint that says NOT NULL.
        """
        check_mode("evolve", self.evolve)
        refuse_not_null(self.hints)


@dataclass
class RetryReport:
    """The result of a retry.

    Attributes:
        table: its name.
        tried: rejected rows that were read again.
        kept: rows that are in the table now.
        rescued: rows of these with a value in ``_rescued_data``.
        rejected: rows that stay rejected, of those tried.
        gone: files that are not what they were when loaded, with their rejected rows; not tried.
        new_columns: columns the retry added.
        version: the table's version after it; None where nothing was committed.
    """

    table: str
    tried: int = 0
    kept: int = 0
    rescued: int = 0
    rejected: int = 0
    gone: dict[str, int] = field(default_factory=dict)
    new_columns: list[Column] = field(default_factory=list)
    version: int | None = None


def retry_rejected(lake: Lake, table: LakeTable, request: RetryRequest) -> RetryReport:
    """Try the rejected rows of a table again.

    Raises:
        LoadError: the table has no rejected rows.
        SchemaError: new fields that were to fail the retry, or a hint that cannot hold.
    """
    connection = loading_connection(lake.workspace)
    try:
        with table.load_lock():
            return _Retry(lake, table, request, Ledger(lake, connection)).run()
    finally:
        connection.close()


@dataclass(frozen=True)
class _File:
    """A raw file with its rejected rows, and how its batch was loaded, by which flow."""

    found: FoundFile
    rejected: list[Bad]
    options: ReadOptions
    key: tuple[str, ...]
    flow: str | None


@dataclass
class _Retry:
    lake: Lake
    table: LakeTable
    request: RetryRequest
    ledger: Ledger

    def run(self) -> RetryReport:
        self.report = RetryReport(str(self.table.name))
        last = recover(self.lake, self.ledger, self.table)
        mark_restored(self.ledger, self.table)
        rejected = self._rejected()
        if not rejected:
            raise LoadError(
                f"{self.table.name} has no rejected rows; there is nothing to try again.",
                hint=f"`lakelet files {self.table.name}` shows what was loaded.",
            )
        alike: dict[tuple[tuple[str, ...], ReadOptions, str | None], list[_File]] = {}
        for file in self._files(rejected):
            alike.setdefault((file.key, self._options(file), file.flow), []).append(file)
        for (key, _, _), files in alike.items():
            if self.request.stop():
                break
            last += self._batch(last + 1, key, files)
        return self.report

    def _rejected(self) -> dict[tuple[str, int], list[Bad]]:
        """The rejected rows that count, by file and batch."""
        name = self.table.name.rejected
        if not self.lake.exists(name):
            return {}
        companion = self.lake.table(name)
        connection = self.ledger.connection
        plan_table(companion, companion.open(), connection).attach(connection, "companion")
        rows = connection.execute(
            "SELECT file, batch, line, record, reason FROM companion "
            f"WHERE {counting_condition(self.lake, name) or 'true'} AND expectations IS NULL "
            "ORDER BY file, batch, line"
        ).fetchall()
        found: dict[tuple[str, int], list[Bad]] = {}
        for file, batch, line, record, reason in rows:
            found.setdefault((file, batch), []).append(Bad(line, record, reason))
        return found

    def _files(self, rejected: Mapping[tuple[str, int], list[Bad]]) -> list[_File]:
        """The files that are still what they were; the others are told in the report."""
        hows = {
            int(commit.parameters["lakelet.batch"]): json.loads(commit.parameters.get(HOW, "{}"))
            for commit in self.table.history()
            if "lakelet.batch" in commit.parameters
        }
        flows = self.ledger.flows(self.table.name)
        tags = {flow: self.ledger.tags(self.table.name, flow=flow) for flow in
                {None, *flows.values()}}  # fmt: skip
        files = []
        for (name, batch), rows in rejected.items():
            found = self._find(name)
            flow = flows.get(batch)
            now = None if found is None else f"{found.entry.size} {found.entry.etag}"
            if found is None or tags[flow].get(name) != now:
                self.report.gone[name] = len(rows)
                continue
            how: dict[str, Any] = hows.get(batch, {})
            options = ReadOptions(**how.get("options", {}))
            files.append(_File(found, rows, options, tuple(how.get("key", ())), flow))
        return files

    def _find(self, name: str) -> FoundFile | None:
        try:
            found = discover(self.lake.workspace, name, base=self.lake.workspace.root)
        except LoadError:
            return None
        return found[0] if len(found) == 1 else None

    def _batch(self, number: int, key: tuple[str, ...], files: Sequence[_File]) -> int:
        """Try files loaded with one key and read alike; 1 where that made a batch, else 0."""
        sources = [self._source(index, file) for index, file in enumerate(files)]
        settings = self.lake.workspace.settings
        batch = Batch(
            self.ledger.connection,
            list(sources),
            zone=settings.time_zone,
            tolerance=settings.loading.tolerance,
            hints=hinted(self.request.hints),
            evolve=self.request.evolve or settings.loading.evolve,
            lines=bool(key),
            widen_limit=parse_bytes(settings.loading.widen_limit),
            stop=self.request.stop,
        )
        key = check_key(self.table.name, self.table.columns(), key)
        staged, columns = batch.stage(self.table, number)
        self.report.new_columns += columns
        entries = []
        for entry in batch.entries(lambda source: files[source.index].found):
            index = next(s.index for s in sources if s.name == entry.found.name)
            rows = len(files[index].rejected)
            self.report.tried += rows
            self.report.kept += entry.kept
            self.report.rescued += entry.rescued
            self.report.rejected += entry.rejected if entry.kept else rows
            if entry.kept:
                entries.append(
                    Entry(
                        entry.found,
                        entry.kept,
                        entry.rescued,
                        entry.rejected,
                        "retried",
                        flow=files[index].flow,
                    )
                )
            else:  # its rejected rows stay those of the batch before
                self.ledger.connection.execute("DELETE FROM rejects WHERE file = $1", [index])
        for index in batch.changed:
            self.report.gone[sources[index].name] = len(files[index].rejected)
        if not entries:
            return 0
        self.ledger.append(self.table.name, number, entries)
        if any(entry.rejected for entry in entries):
            append_rejects(self.lake, self.table.name, number, self.ledger.connection)
        rows = sum(entry.kept for entry in entries)
        RowsCommit(
            self.table, self.ledger.connection, number, staged, rows, key=key,
            operation="RETRY", options=self._options(files[0]).said(),
        ).run()  # fmt: skip
        self.report.version = self.table.open().version()
        return 1

    def _options(self, file: _File) -> ReadOptions:
        return parse_options(self.request.options, over=file.options)

    def _source(self, index: int, file: _File) -> RejectedLines:
        found = file.found
        return RejectedLines(
            index, found.name, found.entry, found.storage, self._options(file),
            self.lake.workspace.temp, frozenset(Shape.of(self.table.columns()).by_folded),
            rejected=file.rejected, first=file.options,
        )  # fmt: skip
