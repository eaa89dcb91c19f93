"""The changes that the flows of an AUTO CDC target bring, checked and put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb

from lakelet.engines.connection import close_engine, open_connection
from lakelet.engines.duckdb_types import from_duckdb
from lakelet.engines.engine import duckdb_errors
from lakelet.errors import PipelineError, nearest
from lakelet.lake import Lake
from lakelet.lake.handover import handed_over, handed_over_stream
from lakelet.lake.names import quote
from lakelet.lake.staging import Staged
from lakelet.lake.types import Column, DataType, Struct
from lakelet.pipelines.datasets.cdc_history import (
    DELETED,
    END,
    SEQUENCE,
    START,
    TRUNCATES,
    History,
)
from lakelet.pipelines.datasets.check import Checker
from lakelet.pipelines.datasets.query import (
    BoundQuery,
    Sources,
    condition_sql,
    expression_sql,
    result_columns,
)
from lakelet.pipelines.datasets.staging import Outcome, noted, stage_dropped
from lakelet.pipelines.definitions.dataset import Cdc, Dataset
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.quantities import counted

__all__ = ("Incoming", "described", "open_incoming")

_CHECK_MEMORY = 256 << 20
_HIDDEN = ("_metadata",)
"""Columns that are stored only where COLUMNS names them: which file a change came in says nothing
about the row."""


def described(
    dataset: Dataset, cdc: Cdc, bound: BoundQuery, sources: Sources
) -> tuple[tuple[Column, ...], BoundQuery]:
    """The columns of the target, and the query of the changes with their sequence and kind.

    Raises:
        SqlError, PipelineError: an expression is wrong, or columns are not as they should be.
    """
    sequence, kind = expression_sql(bound, cdc.sequence_by, sources)
    deleted = _condition("APPLY AS DELETE WHEN", cdc.delete_when, bound, sources)
    truncates = _condition("APPLY AS TRUNCATE WHEN", cdc.truncate_when, bound, sources)
    stored = _stored(dataset, cdc, bound)
    if cdc.scd == 2:
        stored += [Column(name, from_duckdb(kind)) for name in (START, END)]
    ordered = (
        Column(SEQUENCE.strip('"'), from_duckdb(kind)),
        Column(DELETED.strip('"'), _BOOLEAN),
        Column(TRUNCATES.strip('"'), _BOOLEAN),
    )
    changes = BoundQuery(
        bound.connection,
        f"SELECT *, {sequence} AS {SEQUENCE}, {deleted} AS {DELETED}, {truncates} AS {TRUNCATES} "
        f"FROM ({bound.sql})",
        (*bound.columns, *ordered),
    )
    spans = f", {SEQUENCE} AS {quote(START)}, {SEQUENCE} AS {quote(END)}" if cdc.scd == 2 else ""
    offered = BoundQuery(bound.connection, f"SELECT *{spans} FROM ({changes.sql})", tuple(stored))
    return result_columns(dataset, offered)[0], changes


_BOOLEAN = from_duckdb("BOOLEAN")


def _condition(clause: str, text: str | None, bound: BoundQuery, sources: Sources) -> str:
    if text is None:
        return "false"
    found, said = expression_sql(bound, text, sources)
    if said not in ("BOOLEAN", '"NULL"'):
        raise PipelineError(f"{clause} {text} is {said}, not a condition.")
    return f"coalesce({found}, false)"


def _stored(dataset: Dataset, cdc: Cdc, bound: BoundQuery) -> list[Column]:
    by_name = {column.name.lower(): column for column in bound.columns}
    for name in (*cdc.keys, *cdc.columns, *cdc.except_columns, *cdc.track, *cdc.track_except):
        if name.lower() not in by_name:
            close = nearest(name, [column.name for column in bound.columns])
            raise PipelineError(
                f"the changes of {dataset.name} have no column {name}.",
                hint=f"did you mean {close}?"
                if close
                else "KEYS, COLUMNS and TRACK HISTORY ON name columns of the source.",
            )
    if cdc.columns:
        return [by_name[name.lower()] for name in cdc.columns]
    left = {name.lower() for name in (*cdc.except_columns, *_HIDDEN)}
    stored = [column for column in bound.columns if column.name.lower() not in left]
    if taken := [c.name for c in stored if cdc.scd == 2 and c.name.upper() in (START, END)]:
        raise PipelineError(
            f"the changes of {dataset.name} have a column {taken[0]}, which SCD 2 makes itself.",
            hint=f"COLUMNS * EXCEPT ({taken[0]}) leaves it out.",
        )
    return stored


class Incoming:
    """The changes of one update, in a database of their own.

    Attributes:
        engine: where.
        sequence: the type of what orders them; None before the first.
        truncated: whether some delete every key; the table ``truncations`` has their sequences.
    """

    def __init__(self, dataset: Dataset, engine: duckdb.DuckDBPyConnection) -> None:
        assert dataset.cdc is not None
        self.dataset = dataset
        self.cdc = dataset.cdc
        self.engine = engine
        self.sequence: DataType | None = None
        self.truncated = False
        self._parts: list[tuple[str, tuple[Column, ...]]] = []

    def take(
        self, lake: Lake, cdc: Cdc, bound: BoundQuery, sources: Sources, update: int
    ) -> Outcome:
        """Run a flow's query once, check its rows, and keep them as changes.

        Raises:
            PipelineError: columns that do not fit, or changes that nothing orders.
            ExpectationFailedError: a change breaks an expectation that fails the update.
        """
        dataset = self.dataset
        conditions = [condition_sql(bound, e.condition, sources) for e in dataset.expectations]
        columns, changes = described(dataset, cdc, bound, sources)
        self._ordered_by(changes.columns[-3].type)
        with Checker(dataset, conditions, lake.workspace) as checker:
            with duckdb_errors():
                self._keep(checker, changes, columns)
            rejected: tuple[Staged, ...] = ()
            if checker.found.dropped:
                rejected = stage_dropped(lake, dataset, checker.engine, update)
        self._refuse_unordered(cdc)
        if cdc.truncate_when is not None:
            self._take_truncations()
        return Outcome((), columns, checker.found, rejected)

    def _ordered_by(self, kind: DataType) -> None:
        if self.sequence is not None and self.sequence != kind:
            raise PipelineError(
                f"SEQUENCE BY is {kind.sql} here and {self.sequence.sql} in the changes of "
                f"{self.dataset.name} so far.",
                hint="cast it, so that all changes are ordered by one type.",
            )
        self.sequence = kind

    def _keep(self, checker: Checker, changes: BoundQuery, columns: Sequence[Column]) -> None:
        from arro3.core import RecordBatchReader, Schema

        stream = handed_over_stream(changes.connection.sql(checker.select(changes.sql)))
        kept = Schema([stream.schema.field(i) for i in range(len(changes.columns))])
        failure: list[Exception] = []
        batches = handed_over(noted(checker.pass_on(stream), failure))
        spans = (START, END) if self.cdc.scd == 2 else ()
        data = tuple(Column(c.name, c.type) for c in columns if c.name not in spans)
        keys = {key.lower() for key in self.cdc.keys}
        selected = ", ".join(
            # What a deletion says besides its key is of no use to anybody.
            f"CAST({quote(c.name)} AS {c.type.duckdb}) AS {quote(c.name)}"
            if c.name.lower() in keys
            else f"CASE WHEN NOT {DELETED} THEN CAST({quote(c.name)} AS {c.type.duckdb}) END "
            f"AS {quote(c.name)}"
            for c in data
        )
        part = f"changes_{len(self._parts)}"
        self.engine.register("arrived", RecordBatchReader.from_batches(kept, batches))
        try:
            self.engine.execute(
                f"CREATE TABLE {part} AS SELECT {selected}, {SEQUENCE}, {DELETED}, {TRUNCATES} "
                "FROM arrived"
            )
        except duckdb.Error:
            if failure:
                raise failure[0] from None
            raise
        finally:
            self.engine.unregister("arrived")
        self._parts.append((part, data))

    def _refuse_unordered(self, cdc: Cdc) -> None:
        part, _ = self._parts[-1]
        assert self.sequence is not None
        missing = f"{SEQUENCE} IS NULL"
        if isinstance(self.sequence, Struct):
            for field, _ in self.sequence.fields:
                missing += f" OR {SEQUENCE}.{quote(field)} IS NULL"
        ((bad, every),) = self.engine.execute(
            f"SELECT count(*) FILTER ({missing}), count(*) FROM {part}"
        ).fetchall()
        if bad:
            raise PipelineError(
                f"{bad:,} of {counted(every, 'change')} for {self.dataset.name} have NULL in "
                f"SEQUENCE BY {cdc.sequence_by}, so nothing says which change is the newer; "
                "nothing was published.",
                hint="an expectation with ON VIOLATION DROP ROW puts such rows aside.",
            )

    def _take_truncations(self) -> None:
        """Put the changes that concern every key aside: all that counts is the last of them."""
        part, _ = self._parts[-1]
        ((last,),) = self.engine.execute(
            f"SELECT max({SEQUENCE}) FROM {part} WHERE {TRUNCATES}"
        ).fetchall()
        if last is not None:
            self.engine.execute(
                f"CREATE TABLE IF NOT EXISTS truncations AS SELECT {SEQUENCE} FROM {part} LIMIT 0"
            )
            self.engine.execute(
                f"INSERT INTO truncations SELECT max({SEQUENCE}) FROM {part} WHERE {TRUNCATES}"
            )
            self.engine.execute(f"DELETE FROM {part} WHERE {TRUNCATES}")
            self.truncated = True

    def select(self, columns: Sequence[Column]) -> str:
        """All changes, in some columns; those a flow does not have are NULL."""
        parts = []
        for part, there in self._parts:
            own = {column.name.lower(): column.name for column in there}
            values = ", ".join(
                f"CAST({quote(own[c.name.lower()])} AS {c.type.duckdb}) AS {quote(c.name)}"
                if c.name.lower() in own
                else f"CAST(NULL AS {c.type.duckdb}) AS {quote(c.name)}"
                for c in columns
            )
            parts.append(f"SELECT {values}, {SEQUENCE}, {DELETED} FROM {part}")
        return " UNION ALL ".join(parts)

    @property
    def empty(self) -> bool:
        """Whether no flow brought anything."""
        return not self._parts

    def history(self, columns: Sequence[Column]) -> History:
        """What changes in some columns come to."""
        return History(self.cdc, tuple(column.name for column in columns))


@contextmanager
def open_incoming(
    workspace: WorkspaceFolder, dataset: Dataset, most: int
) -> Iterator[Incoming | None]:
    """A place for the changes of a dataset; None for one whose flows only add rows."""
    if dataset.cdc is None:
        yield None
        return
    engine = open_connection(workspace, most=most)
    try:
        yield Incoming(dataset, engine)
    finally:
        close_engine(engine)
