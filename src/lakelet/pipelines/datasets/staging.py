"""Staging what a dataset's query gives: checked on its way, written beside the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from lakelet.engines.engine import duckdb_errors
from lakelet.lake import Lake, LakeTable
from lakelet.lake.creation import NewTable, standing_in
from lakelet.lake.handover import handed_over, handed_over_stream
from lakelet.lake.staging import Staged, stage
from lakelet.lake.types import Column
from lakelet.loading.rejects import REJECTED_COLUMNS
from lakelet.pipelines.datasets.check import Checked, Checker
from lakelet.pipelines.datasets.disk import with_room
from lakelet.pipelines.datasets.query import BoundQuery, Sources, condition_sql, result_columns
from lakelet.pipelines.definitions.dataset import Dataset

__all__ = ("Outcome", "label_of", "noted", "stage_dropped", "stage_query", "stage_rows")


@dataclass(frozen=True)
class Outcome:
    """What was staged for a dataset.

    Attributes:
        staged: the files; none where no row was kept.
        columns: the columns they have.
        checked: what passed, counted.
        rejected: the files of its rejected rows.
    """

    staged: tuple[Staged, ...]
    columns: tuple[Column, ...]
    checked: Checked
    rejected: tuple[Staged, ...] = ()


def label_of(update: int) -> str:
    """How the scratch folders of an update begin, so that they can be told from others."""
    return f"update-{update}-"


def stage_query(
    lake: Lake, dataset: Dataset, bound: BoundQuery, sources: Sources, update: int
) -> Outcome:
    """Run a bound query once: every row is checked, then written or put among the rejected.

    Raises:
        PipelineError: its columns are not those declared.
        ExpectationFailedError: a row breaks an expectation that fails the update.
        ConstraintError: NULL in a column declared NOT NULL.
    """
    conditions = [condition_sql(bound, e.condition, sources) for e in dataset.expectations]
    columns, select = result_columns(dataset, bound)
    with Checker(dataset, conditions, lake.workspace) as checker:
        table = lake.place(dataset.name)
        with duckdb_errors():
            relation = bound.connection.sql(checker.select(select))
            staged = stage_rows(table, columns, dataset, relation, checker, update)
        rejected: tuple[Staged, ...] = ()
        if checker.found.dropped:
            rejected = stage_dropped(lake, dataset, checker.engine, update)
        return Outcome((staged,) if staged.adds else (), columns, checker.found, rejected)


def stage_rows(
    table: LakeTable,
    columns: Sequence[Column],
    dataset: Dataset,
    relation: duckdb.DuckDBPyRelation,
    checker: Checker,
    update: int,
) -> Staged:
    """Write the rows of a relation beside a table, through the checks."""
    from arro3.core import RecordBatchReader, Schema

    stream = handed_over_stream(relation)
    kept = Schema([stream.schema.field(i) for i in range(len(columns))])
    # In a thread of its own: the checks run DuckDB, which must not run inside the writer's reads.
    failure: list[Exception] = []
    batches = handed_over(noted(with_room(table, checker.pass_on(stream)), failure))
    new = NewTable(str(dataset.name), tuple(columns), dataset.partition_by, None, {})
    try:
        return stage(
            standing_in(new),
            table.location,
            table.storage,
            RecordBatchReader.from_batches(kept, batches),
            label=label_of(update),
        )
    except Exception:
        # What the writer reports is only that its input failed; the cause is what counts.
        if failure:
            raise failure[0] from None
        raise


def noted(batches: Iterator[Any], failure: list[Exception]) -> Iterator[Any]:
    """The same batches; what went wrong is kept for whoever hears only that something did."""
    try:
        yield from batches
    except Exception as error:
        failure.append(error)
        raise


def stage_dropped(
    lake: Lake, dataset: Dataset, engine: duckdb.DuckDBPyConnection, update: int
) -> tuple[Staged, ...]:
    """Stage what a checker has dropped, for the companion table of rejected rows."""
    name = dataset.name.rejected
    table = lake.place(name)
    new = NewTable(str(name), REJECTED_COLUMNS, (), None, {})
    with duckdb_errors():
        rows = engine.sql(
            f"SELECT now() AS rejected_at, {update}::BIGINT AS batch, file, line, "
            "'breaks ' || array_to_string(broken, ', ') AS reason, broken AS expectations, record "
            "FROM dropped"
        )
        staged = stage(
            standing_in(new), table.location, table.storage, handed_over_stream(rows),
            label=label_of(update),
        )  # fmt: skip
    return (staged,)
