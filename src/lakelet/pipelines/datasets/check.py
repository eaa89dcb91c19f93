"""Expectations, checked while the rows pass: counted, dropped, or ending the update.

Each row carries one number more, whose bits say which expectations it breaks. The rows are seen
once: counted batch by batch on their way from the query to the writer, so that no query or function
runs twice for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

from lakelet.engines.connection import close_engine, open_connection
from lakelet.errors import PipelineError
from lakelet.lake.names import literal, quote
from lakelet.pipelines.definitions.dataset import Dataset, Expectation
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.quantities import counted

if TYPE_CHECKING:
    from arro3.core import RecordBatch, RecordBatchReader

__all__ = ("OWN", "Checked", "Checker", "ExpectationFailedError")

OWN = "lakelet "
"""How the names of columns begin that are not the query's own; they are not told to people."""
_BROKEN = '"lakelet broken"'
_MOST = 62
_MEMORY = 256 << 20


@dataclass
class Checked:
    """What passed, counted.

    Attributes:
        rows: rows the query gave.
        kept: rows that went on.
        broken: by expectation, rows that broke it.
        dropped: rows that did not go on.
    """

    rows: int = 0
    kept: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    dropped: int = 0


class ExpectationFailedError(PipelineError):
    """A row breaks an expectation that fails the update.

    Attributes:
        found: what was counted up to there.
    """

    found: Checked


class Checker:
    """Checks the rows of one dataset on their way; a context manager."""

    def __init__(
        self, dataset: Dataset, conditions: Sequence[str], workspace: WorkspaceFolder
    ) -> None:
        """Prepare the checks of a dataset.

        Args:
            dataset: the dataset.
            conditions: its expectations' conditions for DuckDB, in order.
            workspace: whose settings count.
        """
        if len(conditions) > _MOST:
            raise PipelineError(f"{dataset.place}: more than {_MOST} expectations.")
        self.dataset = dataset
        self.conditions = conditions
        self.found = Checked(broken={one.name: 0 for one in dataset.expectations})
        self.workspace = workspace
        self._engine: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Checker:
        """Begin."""
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of what was held."""
        if self._engine is not None:
            close_engine(self._engine)

    @property
    def engine(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own, begun with the first row that breaks something.

        Dropped rows are its table ``dropped``.
        """
        if self._engine is None:
            self._engine = open_connection(self.workspace, most=_MEMORY)
            self._engine.execute(
                "CREATE TABLE dropped (broken VARCHAR[], record VARCHAR, file VARCHAR, line BIGINT)"
            )
        return self._engine

    def select(self, sql: str) -> str:
        """The query with the number that says what each row breaks; NULL where it breaks nothing.

        So a batch of good rows is told by its count of NULLs, which Arrow knows without looking.
        """
        if not self.conditions:
            return sql
        bits = " + ".join(
            f"CASE WHEN coalesce({condition}, false) THEN 0 ELSE {1 << index} END"
            for index, condition in enumerate(self.conditions)
        )
        return f"SELECT *, nullif(CAST({bits} AS BIGINT), 0) AS {_BROKEN} FROM ({sql})"

    def pass_on(self, stream: RecordBatchReader) -> Iterator[RecordBatch]:
        """The rows that go on.

        Raises:
            ExpectationFailedError: a row breaks an expectation that fails the update.
        """
        for batch in stream:
            self.found.rows += batch.num_rows
            if not self.conditions:
                self.found.kept += batch.num_rows
                yield batch
            else:
                yield from self._checked(batch)

    def _checked(self, batch: RecordBatch) -> Iterator[RecordBatch]:
        names = [name for name in batch.schema.names if name != _BROKEN.strip('"')]
        if batch.column(_BROKEN.strip('"')).null_count == batch.num_rows:
            self.found.kept += batch.num_rows
            yield batch.select(names)
            return
        broken = self._counts(batch)
        drops = self._bits("drop")
        gone = sum(count for mask, count in broken.items() if mask & drops)
        self.found.kept += batch.num_rows - gone
        self.found.dropped += gone
        if not gone:
            yield batch.select(names)
            return
        self.engine.register("batch", _reader(batch))
        self.engine.execute("CREATE OR REPLACE TABLE held AS SELECT * FROM batch")
        self.engine.unregister("batch")
        self._drop(names, drops)
        columns = ", ".join(map(quote, names))
        from arro3.core import Table

        kept = Table.from_arrow(
            self.engine.sql(
                f"SELECT {columns} FROM held WHERE coalesce({_BROKEN}, 0) & {drops} = 0"
            )
        )
        yield from (one.with_schema(batch.select(names).schema) for one in kept.to_batches())

    def _counts(self, batch: RecordBatch) -> dict[int, int]:
        """Rows by what they break, whole ones left out; an end to the update where it must be."""
        self.engine.register("batch", _reader(batch.select([_BROKEN.strip('"')])))
        by_mask = dict(
            self.engine.execute(
                f"SELECT {_BROKEN}, count(*) FROM batch WHERE {_BROKEN} IS NOT NULL GROUP BY 1"
            ).fetchall()
        )
        self.engine.unregister("batch")
        failing: list[tuple[Expectation, int]] = []
        for index, one in enumerate(self.dataset.expectations):
            count = sum(n for mask, n in by_mask.items() if mask >> index & 1)
            self.found.broken[one.name] += count
            if count and one.action == "fail":
                failing.append((one, count))
        if failing:
            one, _ = failing[0]
            broken = self.found.broken[one.name]
            error = ExpectationFailedError(
                f"{counted(broken, 'row')} of the first {self.found.rows:,} "
                f"{'breaks' if broken == 1 else 'break'} the expectation {one.name} "
                f"({one.condition}), which fails the update; nothing was published.\n"
                f"The first: {self._sample(batch, one)}",
                hint=f"mend the rows, or change {one.name} at {self.dataset.place} to "
                "ON VIOLATION DROP ROW.",
            )
            error.found = self.found
            raise error
        return by_mask

    def _bits(self, action: str) -> int:
        return sum(
            1 << index
            for index, one in enumerate(self.dataset.expectations)
            if one.action == action
        )

    def _drop(self, names: Sequence[str], drops: int) -> None:
        loaded = "_metadata" in names and self._is_loaders()
        file = "_metadata.file_path" if loaded else "NULL::VARCHAR"
        line = "_metadata.line" if loaded else "NULL::BIGINT"
        fields = ", ".join(
            f"{quote(name)} := {quote(name)}"
            for name in names
            if not (loaded and name == "_metadata") and not name.startswith(OWN)
        )
        names_of = ", ".join(
            f"CASE WHEN {_BROKEN} & {1 << index} <> 0 THEN {literal(one.name)} END"
            for index, one in enumerate(self.dataset.expectations)
        )
        self.engine.execute(
            f"INSERT INTO dropped SELECT list_filter([{names_of}], lambda n: n IS NOT NULL), "
            f"CAST(to_json(struct_pack({fields})) AS VARCHAR), {file}, {line} "
            f"FROM held WHERE {_BROKEN} & {drops} <> 0"
        )

    def _is_loaders(self) -> bool:
        """Whether the column ``_metadata`` is the loader's, and not one of the same name."""
        kind = str(self.engine.sql("SELECT _metadata FROM held LIMIT 0").types[0])
        return "file_path VARCHAR" in kind and "line BIGINT" in kind

    def _sample(self, batch: RecordBatch, one: Expectation) -> str:
        bit = 1 << self.dataset.expectations.index(one)
        self.engine.register("batch", _reader(batch))
        shown = ", ".join(quote(n) for n in batch.schema.names if not n.startswith(OWN))
        ((record,),) = self.engine.execute(
            f"SELECT CAST(to_json(b) AS VARCHAR) FROM (SELECT {shown} FROM batch "
            f"WHERE {_BROKEN} & {bit} <> 0 LIMIT 1) AS b"
        ).fetchall()
        self.engine.unregister("batch")
        return str(record)


def _reader(batch: RecordBatch) -> Any:
    from arro3.core import RecordBatchReader

    return RecordBatchReader.from_batches(batch.schema, [batch])
