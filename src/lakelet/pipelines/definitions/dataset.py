"""What a pipeline declares: datasets, the flows that fill them, and what is expected of their rows.

The words are Databricks' (Lakeflow Spark Declarative Pipelines, "SQL language reference") and those
of `pyspark.pipelines` 4.3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lakelet.lake import TableName
from lakelet.lake.types import Column
from lakelet.pipelines.definitions.streams import Delivery

__all__ = (
    "Action", "Cdc", "Dataset", "Expectation", "Flow", "Kind", "Pipeline", "Place",
    "RefreshPolicy", "fingerprint",
)  # fmt: skip

Kind = Literal["materialized view", "streaming table", "temporary view"]
Action = Literal["warn", "drop", "fail"]
RefreshPolicy = Literal["auto", "incremental", "incremental strict", "full"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written: a file of the pipeline's folder, and a line counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What should hold for every row.

    Attributes:
        name: its name.
        condition: SQL; a row for which it is false or NULL breaks it.
        action: what becomes of such a row: ``warn`` keeps it, ``drop`` puts it among the rejected
            rows, ``fail`` stops the update before anything is published.
    """

    name: str
    condition: str
    action: Action


@dataclass(frozen=True, slots=True)
class Cdc:
    """How a flow applies changes (Databricks: AUTO CDC INTO).

    Attributes:
        keys: columns that identify a row.
        sequence_by: SQL that orders the changes of a key.
        delete_when: SQL that marks a change as a deletion, or None.
        except_columns: source columns that are not stored.
        columns: the only source columns that are stored; all where empty.
        scd: 1 keeps the newest row of a key, 2 its history.
        track: SCD 2 only: columns whose change begins a new row; all where empty.
        track_except: SCD 2 only: columns whose change begins none.
        truncate_when: SCD 1 only: SQL that marks a change as a deletion of every key, or None.
        ignore_null: whether NULL in a change leaves the value as it is.
    """

    keys: tuple[str, ...]
    sequence_by: str
    delete_when: str | None = None
    except_columns: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    scd: int = 1
    track: tuple[str, ...] = ()
    ignore_null: bool = False
    track_except: tuple[str, ...] = ()
    truncate_when: str | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """A query or function whose rows go into a dataset.

    Attributes:
        name: unique within the pipeline; the dataset's own for its only flow.
        place: where it is written.
        query: SQL, or None for a Python function.
        function: the Python function's name, or None.
        once: whether it runs only in the first update and after a full refresh.
        cdc: how its rows are applied, where they are changes.
        module: the pipeline's file that declares the function.
        code: the function's code and all that it reaches, in one layout; tells one from another.
        reads: tables the function reads, by the name they have in it.
        streams: names of these that deliver new rows only.
        delivers: what they do so, where the function reads a table's stream.
        timeout: seconds the function may take, or None.
    """

    name: str
    place: Place
    query: str | None = None
    function: str | None = None
    once: bool = False
    cdc: Cdc | None = None
    module: str = ""
    code: str = ""
    reads: Mapping[str, str] = field(default_factory=dict)
    streams: tuple[str, ...] = ()
    timeout: float | None = None
    delivers: Delivery = "new"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table or view that a pipeline declares.

    Attributes:
        name: its full name; a temporary view's schema is the pipeline's.
        kind: what it is.
        place: where it is written.
        flows: what fills it: exactly one, but for a streaming table.
        comment: what is said about it.
        columns: the declared columns, or None where the query gives them.
        expectations: in the order they are written.
        partition_by: columns whose values become folders.
        cluster_by: columns that rows near one another share.
        properties: Delta table properties.
        refresh_policy: of a materialized view, whether it goes by what changed in its inputs: where
            that is cheaper (``auto``), wherever it can, always or not at all, or never (``full``).
    """

    name: TableName
    kind: Kind
    place: Place
    flows: tuple[Flow, ...] = ()
    comment: str | None = None
    columns: tuple[Column, ...] | None = None
    expectations: tuple[Expectation, ...] = ()
    partition_by: tuple[str, ...] = ()
    cluster_by: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    refresh_policy: RefreshPolicy = "auto"

    @property
    def cdc(self) -> Cdc | None:
        """How its rows come about from changes, None where its flows only add rows."""
        return self.flows[0].cdc if self.flows else None

    @property
    def companions(self) -> tuple[TableName, ...]:
        """The tables that may stand beside its own and are published with it."""
        if self.cdc is None:
            return (self.name.rejected,)
        return (self.name.rejected, self.name.changes)

    @property
    def stored(self) -> bool:
        """Whether it is a table of the lake."""
        return self.kind != "temporary view"


@dataclass(frozen=True)
class Pipeline:
    """All that a pipeline's folder declares.

    Attributes:
        name: the folder's name.
        schema: where unqualified datasets belong.
        datasets: by full name, in the order they are written.
        digest: of the files they were read from.
    """

    name: str
    schema: str
    datasets: Mapping[TableName, Dataset]
    digest: str = ""

    def find(self, parts: Sequence[str]) -> Dataset | None:
        """The dataset a name of one or two parts means, if any of the pipeline's."""
        if len(parts) == 1:
            own = self.datasets.get(TableName.of(self.schema, parts[0]))
            if own is not None:
                return own
            alike = [d for d in self.datasets.values() if d.name.table == parts[0].lower()]
            return alike[0] if len(alike) == 1 else None
        return self.datasets.get(TableName.of(*parts)) if len(parts) == 2 else None


def fingerprint(*parts: object) -> str:
    """A short digest of some parts' texts."""
    return hashlib.sha256("\0".join(map(repr, parts)).encode()).hexdigest()[:32]
