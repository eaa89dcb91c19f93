"""STREAM read_files: the loader of `lakelet load`, staged by an update.

The same ledger, under the streaming table's name: each of its flows takes a file once. The
batch counts when the table's published version holds it, so an update that fails leaves every file
as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lakelet.engines.dialect import TableFunctionCall
from lakelet.errors import LoadError, PipelineError
from lakelet.lake import TableName
from lakelet.lake.handover import handed_over_stream
from lakelet.lake.staging import Staged, stage
from lakelet.lake.type_text import parse_columns
from lakelet.lake.types import Column
from lakelet.loading.batch import Batch
from lakelet.loading.discovery import FoundFile
from lakelet.loading.inference.columns import hinted
from lakelet.loading.ledger import TRANSACTION, Entry, Ledger
from lakelet.loading.options import parse_options
from lakelet.loading.planned_table import PlannedTable
from lakelet.loading.rejects import REJECTED_COLUMNS, rejected_select
from lakelet.loading.shape import Shape, service_columns
from lakelet.loading.source_file import SourceFile
from lakelet.pipelines.planning.world import World, call_options

__all__ = ("FilesTaken", "entries_state", "new_files", "published_batch", "take_files")

_OWN = ("schemahints", "schema")


@dataclass(frozen=True)
class FilesTaken:
    """What new files gave.

    Attributes:
        number: the batch.
        staged: the rows, in the columns of the files.
        columns: these columns.
        entries: the ledger's entries.
        rejected: the rows that were no records, staged for the companion table.
    """

    number: int
    staged: tuple[Staged, ...]
    columns: tuple[Column, ...]
    entries: tuple[Entry, ...]
    rejected: tuple[Staged, ...]


def published_batch(world: World, name: TableName) -> int:
    """The last batch that people see in a streaming table, 0 without any."""
    if world.published(name) is None:
        return 0
    return int(world.snapshot(name).transaction_version(TRANSACTION) or 0)


def new_files(
    world: World, ledger: Ledger, name: TableName, call: TableFunctionCall, flow: str
) -> tuple[list[FoundFile], list[FoundFile]]:
    """The files of a call that a flow has not taken, and those that changed since it did."""
    try:
        found = world.files(call)
    except LoadError:
        return [], []
    known = ledger.compare(name, found, published_batch(world, name), flow)
    return known.new, known.changed


def take_files(
    world: World,
    ledger: Ledger,
    name: TableName,
    flow: str,
    call: TableFunctionCall,
    files: Sequence[FoundFile],
    number: int,
    known: Sequence[Column] | None,
    partition_by: tuple[str, ...],
) -> FilesTaken:
    """Stage the rows of new files.

    Args:
        world: what the update sees.
        ledger: on the connection that the load works on.
        name: the streaming table.
        flow: its flow that takes them.
        call: the call of read_files.
        files: the files.
        number: the batch's number.
        known: the columns of the files so far; None before the first.
        partition_by: columns whose values are folders.

    Raises:
        LoadError: no file can be read, so that no columns are known.
    """
    options = {key.lower(): value for key, value in call_options(call).items()}
    hints = parse_columns(str(options.get("schemahints") or ""))
    schema = parse_columns(str(options.get("schema") or ""))
    read = parse_options({k: v for k, v in options.items() if k not in _OWN})
    settings = world.lake.workspace.settings
    place = world.lake.place(name)
    evolve = "rescue" if schema else settings.loading.evolve
    known_names = frozenset(Shape.of(known or ()).by_folded)
    batch = Batch(
        ledger.connection,
        [
            SourceFile(i, f.name, f.entry, f.storage, read, world.lake.workspace.temp, known_names)
            for i, f in enumerate(files)
        ],
        zone=settings.time_zone,
        tolerance=settings.loading.tolerance,
        hints=hinted(hints),
        evolve="add" if evolve == "widen" else evolve,
    )
    if known is None:
        columns = list(schema) or batch.look()
        if not columns and batch.quarantined:
            raise LoadError(f"no file can be read: {next(iter(batch.quarantined.values()))}.")
        known = [*columns, *service_columns()]
    planned = PlannedTable(
        place.workspace, name, place.location, list(known), partition_by=partition_by
    )
    staged, _ = batch.stage(planned, number)
    by_name = {file.name: file for file in files}
    entries = [
        replace(entry, flow=flow) for entry in batch.entries(lambda source: by_name[source.name])
    ]
    if batch.changed:
        names = ", ".join(s.name for s in batch.sources if s.index in batch.changed)
        raise PipelineError(f"{names} changed while it was read.", hint="run the update again.")
    rejected: tuple[Staged, ...] = ()
    if any(entry.rejected for entry in entries):
        companion = world.lake.place(name.rejected)
        stand_in = PlannedTable(
            place.workspace, companion.name, companion.location, list(REJECTED_COLUMNS)
        )
        rows = ledger.connection.sql(rejected_select(number))
        rejected = (
            stage(
                stand_in.open(), companion.location, companion.storage,
                handed_over_stream(rows), label=f"load-{number}-",
            ),
        )  # fmt: skip
    return FilesTaken(number, tuple(staged), planned.columns(), tuple(entries), rejected)


def entries_state(taken: FilesTaken) -> Mapping[str, Any]:
    """What is published of a flow that takes files: the batch, and the files' columns."""
    return {"batch": taken.number, "columns": [column.delta for column in taken.columns]}
