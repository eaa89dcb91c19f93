"""The ledger: which raw file went into which table, as which batch, with what result.

It is the Delta table ``system.loaded_files``. An entry counts only when the log of the table it
speaks of holds its batch: the batch's number is committed there as an application transaction,
together with the rows (Delta Transaction Log Protocol, "Transaction Identifiers"). A batch of a
pipeline belongs to one flow, and each flow of a table takes each file once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from lakelet.engines.bucket_files import plan_table
from lakelet.lake import Lake, LakeTable, TableName
from lakelet.lake.delta import delta_errors, retry_conflicts
from lakelet.lake.names import literal
from lakelet.lake.table import columns_of
from lakelet.lake.type_text import parse_columns
from lakelet.loading.arrow_rows import arrow_rows
from lakelet.workspace.steps import declare, step

if TYPE_CHECKING:
    from lakelet.loading.discovery import FoundFile

__all__ = ("LEDGER", "TRANSACTION", "Entry", "Known", "Ledger", "Standing")

LEDGER = TableName("system", "loaded_files")
TRANSACTION = "lakelet-load"
"""The application id under which batches stand in a table's log."""

_DISCARD = declare("ledger.discard", "entries of a batch that never counted are gone")
_UNDO = declare("ledger.undo", "entries of batches say whether their rows were taken back")
_COMPACT = declare("ledger.compact", "the ledger's many small files are few")
_MANY_FILES = 64

_ENTRY = {
    "t": "string", "f": "string", "s": "int64", "m": "int64", "e": "string", "b": "int64",
    "k": "int64", "r": "int64", "x": "int64", "state": "string", "reason": "string", "w": "string",
}  # fmt: skip
_COLUMNS = parse_columns(
    "table_name STRING, file STRING, size BIGINT, modified TIMESTAMP, etag STRING, batch BIGINT, "
    "kept BIGINT, rescued BIGINT, rejected BIGINT, state STRING, reason STRING, "
    "loaded_at TIMESTAMP, flow STRING"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one file.

    Attributes:
        state: ``loaded``, ``quarantined`` (it could not be read), ``undone`` (by a restore),
            ``retried`` (its rejected rows were tried again) or ``retry undone``.
        flow: the flow of a pipeline that took it; None for a load.
    """

    found: FoundFile
    kept: int
    rescued: int
    rejected: int
    state: str
    reason: str | None = None
    flow: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """How the files of a listing compare with the ledger: new, changed under an old name, known."""

    new: list[FoundFile]
    changed: list[FoundFile]
    same: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Which batches a table's rows come from, as its history says.

    Attributes:
        live: batches whose rows are there, as far as nobody changed them.
        gone: batches whose rows a restore, or a table made anew, took away.
        older: batches below this one are gone as well, 0 where that is not so.
    """

    live: frozenset[int]
    gone: frozenset[int]
    older: int = 0

    def state(self, state: str, batch: int, *, quarantined: bool) -> str:
        """What the state of an entry is that the ledger has not marked yet."""
        undone = {"retried": "retry undone", "retry undone": "retry undone"}
        if batch in self.gone or batch < self.older:
            return undone.get(state, "undone")
        if batch in self.live and state in ("undone", "retry undone"):
            again = "quarantined" if quarantined else "loaded"
            return "retried" if state == "retry undone" else again
        return state

    def sql(self) -> str:
        """The same as an SQL expression over an entry."""
        gone = f"(batch IN ({_numbers(self.gone)}) OR (batch < {self.older} AND flow IS NULL))"
        live = f"batch IN ({_numbers(self.live)})"
        return (
            f"CASE WHEN {gone} AND state IN ('retried', 'retry undone') THEN 'retry undone' "
            f"WHEN {gone} THEN 'undone' "
            f"WHEN {live} AND state = 'retry undone' THEN 'retried' "
            f"WHEN {live} AND state = 'undone' AND reason IS NOT NULL THEN 'quarantined' "
            f"WHEN {live} AND state = 'undone' THEN 'loaded' ELSE state END"
        )


def _numbers(batches: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(batches))) or "-1"


class Ledger:
    """The ledger of a lake."""

    def __init__(self, lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
        self.lake = lake
        self.connection = connection

    def table(self) -> LakeTable:
        """The Delta table, made when it is not there yet."""
        if not self.lake.exists(LEDGER):
            comment = "one entry a raw file and load; see `lakelet files`"
            self.lake.create(LEDGER, _COLUMNS, comment=comment, if_absent=True)
        table = self.lake.table(LEDGER)
        if len(table.columns()) < len(_COLUMNS):  # made before batches belonged to flows
            table.add_columns([_COLUMNS[-1]])
        return table

    def attach(self) -> bool:
        """Make the view ``ledger`` on the connection; False when there is no ledger yet."""
        if not self.lake.exists(LEDGER):
            return False
        table = self.lake.table(LEDGER)
        opened = table.open()
        planned = plan_table(table, opened, self.connection)
        if len(columns_of(opened)) == len(_COLUMNS):
            planned.attach(self.connection, "ledger")
        else:
            planned.attach(self.connection, "ledger_without_flows")
            self.connection.execute(
                "CREATE OR REPLACE VIEW ledger AS "
                "SELECT *, CAST(NULL AS VARCHAR) AS flow FROM ledger_without_flows"
            )
        return True

    def compare(
        self,
        table: TableName,
        found: Sequence[FoundFile],
        last: int | None = None,
        flow: str | None = None,
        standing: Standing | None = None,
    ) -> Known:
        """Which of the files are new, changed or known; the files themselves are not opened.

        Args:
            table: the table.
            found: the files.
            last: the last batch that counts, where those behind it may still be there.
            flow: the flow of the table that is to take them.
            standing: what the table's history says of its batches, where that is not marked yet.
        """
        tags = self._tags(table, last, flow, standing)
        new, changed, same = [], [], 0
        for file in found:
            tag, held = tags.get(file.name, (None, False))
            if tag == f"{file.entry.size} {file.entry.etag}":
                same += 1
            elif not held:  # what could not be read before has no rows that might be doubled
                new.append(file)
            else:
                changed.append(file)
        return Known(new, changed, same)

    def tags(
        self, table: TableName, last: int | None = None, flow: str | None = None
    ) -> dict[str, str | None]:
        """Size and tag of each file of a table as it was loaded; None where that was undone.

        With a flow, only its files: those that no flow's name is beside count for every flow.
        """
        return {name: tag for name, (tag, _) in self._tags(table, last, flow).items()}

    def _tags(
        self,
        table: TableName,
        last: int | None,
        flow: str | None,
        standing: Standing | None = None,
    ) -> dict[str, tuple[str | None, bool]]:
        """Beside each tag, whether the table holds rows of the file."""
        if not self.attach():
            return {}
        state = standing.sql() if standing else "state"
        rows = self.connection.execute(
            "SELECT file, arg_max(size || ' ' || etag, batch) FILTER (state <> 'undone'), "
            "count(*) FILTER (state = 'loaded') > 0 "
            f"FROM (SELECT * REPLACE ({state} AS state) FROM ledger) "
            "WHERE table_name = $1 AND state NOT IN ('retried', 'retry undone') "
            "AND batch <= coalesce($2, batch) AND ($3 IS NULL OR coalesce(flow, $3) = $3) "
            "GROUP BY file",
            [str(table), last, flow],
        ).fetchall()
        return {name: (tag, held) for name, tag, held in rows}

    def last_batch(self, table: TableName) -> int:
        """The highest batch number of a table in the ledger, 0 without any."""
        if not self.attach():
            return 0
        rows = self.connection.execute(
            "SELECT coalesce(max(batch), 0) FROM ledger WHERE table_name = $1", [str(table)]
        ).fetchall()
        return int(rows[0][0])

    def superseded(
        self, table: TableName, last: int, standing: Standing | None = None
    ) -> list[tuple[str, int]]:
        """Files and batches whose rejected rows a later batch, a retry or a restore put aside.

        Args:
            table: the table.
            last: its last batch that counts.
            standing: what the table's history says of its batches, where that is not marked yet.
        """
        if not self.attach():
            return []
        state = standing.sql() if standing else "state"
        return self.connection.execute(
            "SELECT file, batch FROM (SELECT file, batch, rejected, state, max(batch) "
            "FILTER (state IN ('loaded', 'retried')) OVER (PARTITION BY file, flow) AS newest "
            f"FROM (SELECT * REPLACE ({state} AS state) FROM ledger) "
            "WHERE table_name = $1 AND batch <= $2) WHERE rejected > 0 "
            "AND (state NOT IN ('loaded', 'retried') OR batch < newest) ORDER BY ALL",
            [str(table), last],
        ).fetchall()

    def flows(self, table: TableName) -> dict[int, str]:
        """By batch of a table, the flow of a pipeline that took it."""
        if not self.attach():
            return {}
        rows = self.connection.execute(
            "SELECT DISTINCT batch, flow FROM ledger WHERE table_name = $1 AND flow IS NOT NULL",
            [str(table)],
        ).fetchall()
        return dict(rows)

    def append(self, table: TableName, batch: int, entries: Iterable[Entry]) -> None:
        """Write the entries of a batch; they count once the batch's rows are committed."""
        rows = [
            (
                str(table), e.found.name, e.found.entry.size, e.found.entry.modified,
                e.found.entry.etag, batch, e.kept, e.rescued, e.rejected, e.state, e.reason,
                e.flow,
            )
            for e in entries
        ]  # fmt: skip
        self.connection.register("entries", arrow_rows(rows, _ENTRY))
        self.table().append(
            self.connection.sql(
                "SELECT t AS table_name, f AS file, s AS size, make_timestamptz(m) AS modified, "
                "e AS etag, b AS batch, k AS kept, r AS rescued, x AS rejected, state, reason, "
                "now() AS loaded_at, w AS flow FROM entries"
            )
        )
        self.connection.unregister("entries")

    def discard(self, table: TableName, above: int) -> None:
        """Remove entries of batches above one number: they never counted."""
        predicate = f"table_name = {literal(str(table))} AND batch > {above}"

        def commit() -> None:
            with delta_errors(str(LEDGER)), step(_DISCARD):
                self.table().open().delete(predicate)

        retry_conflicts(commit)

    def settle(self, table: TableName, standing: Standing) -> int:
        """Mark batches that were taken back, so that their files count as not loaded.

        Batches whose rows a restore brought back count again.

        Returns:
            How many files count as not loaded that did.
        """
        if not self.attach():
            return 0
        state = standing.sql()
        of = f"table_name = {literal(str(table))}"
        changes = self.connection.execute(
            "SELECT batch, count(*) FILTER (now = 'undone') FROM "
            f"(SELECT *, {state} AS now FROM ledger WHERE {of}) WHERE now <> state "
            "GROUP BY batch"
        ).fetchall()
        predicate = f"{of} AND batch IN ({_numbers(batch for batch, _ in changes)})"

        def commit() -> None:
            with delta_errors(str(LEDGER)), step(_UNDO):
                self.table().open().update({"state": state}, predicate=predicate)

        if changes:
            retry_conflicts(commit)
        return sum(count for _, count in changes)

    def copy(self, old: TableName, new: TableName) -> bool:
        """Write the entries of a table that count once more, under another name.

        Returns:
            Whether there were any.
        """
        if not self.attach():
            return False
        last = self.lake.table(old).open().transaction_version(TRANSACTION) or 0
        counting = f"FROM ledger WHERE table_name = {literal(str(old))} AND batch <= {last}"
        ((count,),) = self.connection.execute(f"SELECT count(*) {counting}").fetchall()
        if count:
            self.table().append(
                self.connection.sql(
                    f"SELECT * REPLACE ({literal(str(new))} AS table_name) {counting}"
                )
            )
        return bool(count)

    def compact(self) -> None:
        """Merge the ledger's files when they have become many."""
        table = self.table().open()
        if len(table.file_uris()) < _MANY_FILES:
            return
        with delta_errors(str(LEDGER)), step(_COMPACT):
            table.optimize.compact()
