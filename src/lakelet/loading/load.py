"""Loading: raw files into a Delta table, each exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lakelet.errors import ChangedFileError, LoadError, SchemaError
from lakelet.lake import Lake, LakeTable, TableName
from lakelet.lake.staging import Staged
from lakelet.lake.types import Column, Struct
from lakelet.loading.batch import Batch, recover
from lakelet.loading.commit import RowsCommit, check_key
from lakelet.loading.connection import loading_connection
from lakelet.loading.discovery import FoundFile, discover, tell_files
from lakelet.loading.given_hints import check_hints, refuse_not_null, unused_hints
from lakelet.loading.inference.columns import hinted
from lakelet.loading.ledger import TRANSACTION, Entry, Known, Ledger
from lakelet.loading.options import ReadOptions, check_mode
from lakelet.loading.read_so_far import ReadSoFar
from lakelet.loading.rejects import append_rejects
from lakelet.loading.report import LoadReport
from lakelet.loading.restored import mark_restored, standing_since
from lakelet.loading.shape import Shape, service_columns
from lakelet.loading.source_file import SourceFile
from lakelet.workspace.quantities import counted, parse_bytes

__all__ = ("LoadRequest", "load")

_MOST_FILES = 10_000
_MOST_BYTES = 4_000_000_000


@dataclass(frozen=True)
class LoadRequest:
    """What is to be loaded, and how.

    Attributes:
        source: a file, folder, glob, volume path or URL.
        into: the table.
        base: where a relative source starts.
        options: how the files are read.
        hints: columns whose type is given.
        evolve: what becomes of new fields: ``add``, ``widen``, ``rescue`` or ``fail``; None for
            the workspace's setting.
        key: columns that identify a row; the load is then a merge.
        on_changed: what becomes of a file that changed under its old name: ``report``,
            ``replace`` or ``fail``; None for the workspace's setting.
        dry_run: look, and write nothing.
        stop: asked between files whether to end early.
        progress: told of bytes read and to read.
    """

    source: str
    into: TableName
    base: Path
    options: ReadOptions = field(default_factory=ReadOptions)
    hints: tuple[Column, ...] = ()
    evolve: str | None = None
    key: tuple[str, ...] = ()
    on_changed: str | None = None
    dry_run: bool = False
    stop: Callable[[], bool] = lambda: False
    progress: Callable[[int, int], None] = field(default=lambda _read, _all: None)

    def __post_init__(self) -> None:
        """Refuse words that are none of those known, and hints that say more than a type.

        Raises:
            SettingsError: a mode that there is not.
            SchemaError: a hint that says NOT NULL.
        """
        check_mode("evolve", self.evolve)
        check_mode("on_changed", self.on_changed)
        refuse_not_null(self.hints)


def load(lake: Lake, request: LoadRequest) -> LoadReport:
    """Load the files of a source that are not loaded yet.

    Returns:
        What became of every file.

    Raises:
        LoadError: nothing to load at the source, or a table that cannot be loaded into.
        OwnedTableError: a table that Lakelet writes itself.
        ChangedFileError: a file changed under its old name and that was to fail the load.
        SchemaError: new fields that were to fail the load, or a hint that cannot hold.
    """
    name = request.into
    name.refuse_own()
    found = discover(lake.workspace, request.source, base=request.base)
    connection = loading_connection(lake.workspace)
    try:
        ledger = Ledger(lake, connection)
        run = _Load(lake, request, ledger)
        if request.dry_run:
            return run.look(found)
        tell_files(lake.workspace, request.source, found)
        if lake.exists(name):
            with lake.table(name).load_lock():
                return run.into_existing(found)
        return run.into_new(found)
    finally:
        connection.close()


@dataclass
class _Load:
    lake: Lake
    request: LoadRequest
    ledger: Ledger

    def __post_init__(self) -> None:
        self.report = LoadReport(str(self.request.into), dry_run=self.request.dry_run)
        self.settings = self.lake.workspace.settings.loading
        self.evolve = self.request.evolve or self.settings.evolve
        self.replaced: set[str] = set()
        self.key: tuple[str, ...] = ()
        self.named: frozenset[str] | None = None
        self.decisions: dict[str, list[str]] = {}
        self.read = ReadSoFar(self.request.progress)

    def look(self, found: list[FoundFile]) -> LoadReport:
        """What a load would do, as far as listing and, for a new table, reading can tell."""
        exists = self.lake.exists(self.request.into)
        known = self._known_so_far(found) if exists else Known(found, [], 0)
        self.report.same = known.same
        todo = self._with_changed(known)
        self.read.will_read(file.entry.size for file in todo)
        into = Shape.of(self.lake.table(self.request.into).columns()) if exists else None
        batch = self._batch(todo, into.by_folded if into else ())
        columns = batch.look(into=into)
        there = [*into.columns, *service_columns()] if into else [*columns, *service_columns()]
        check_key(self.request.into, there, self.request.key, made=exists)
        if into:
            check_hints(self.request.into, into.columns, self.request.hints)
        self.report.unused_hints = unused_hints([*there, *columns], self.request.hints)
        self.report.created = not exists
        if not exists or self.evolve != "rescue":
            self.report.new_columns = columns
        self._note(batch)
        self.report.entries = batch.entries(_found(todo))
        return self.report

    def _known_so_far(self, found: list[FoundFile]) -> Known:
        """What a load would find, without taking back what an unfinished one left behind."""
        table = self.lake.table(self.request.into)
        last = table.open().transaction_version(TRANSACTION) or 0
        return self.ledger.compare(table.name, found, last, standing=standing_since(table))

    def into_new(self, found: list[FoundFile]) -> LoadReport:
        """Make the table from what its first files hold, then load them."""
        first = _batches(found)[0]
        # These are read twice: for their columns, then for their rows.
        self.read.will_read(file.entry.size for file in [*first, *found])
        batch = self._batch(first)
        columns = batch.look()
        self.named = batch.names
        readable = [s for s in batch.sources if s.index not in batch.quarantined]
        if not readable and batch.quarantined:
            raise self._none_readable(batch, first)
        check_key(self.request.into, [*columns, *service_columns()], self.request.key, made=False)
        name = self.request.into
        try:
            table = self.lake.create(name, [*columns, *service_columns()], if_absent=True)
            with table.load_lock():
                self.report.created = True
                self.report.new_columns = columns
                return self.into_existing(found)
        except BaseException as error:
            if self.lake.exists(name) and self.lake.table(name).newest_version() == 0:
                error.add_note(f"{name} was made, and holds no rows yet.")
            raise

    def _none_readable(self, batch: Batch, files: Sequence[FoundFile]) -> LoadError:
        """Keep in the ledger that no file could be read, as batch 0, and say so."""
        name = self.request.into
        known = self.ledger.compare(name, files, 0)
        fresh = {file.name for file in [*known.new, *known.changed]}
        entries = [e for e in batch.entries(_found(files)) if e.found.name in fresh]
        if entries:
            self.ledger.append(name, 0, entries)
        names = "; ".join(f"{s.name}: {batch.quarantined[s.index]}" for s in batch.sources[:3])
        more = f"; and {len(batch.sources) - 3} more" if len(batch.sources) > 3 else ""
        return LoadError(
            f"no file could be read, so no table {name} was made: {names}{more}. They are set "
            "aside in the ledger, system.loaded_files.",
            hint="mend or complete them and run the same command again; they count as new then.",
        )

    def into_existing(self, found: list[FoundFile]) -> LoadReport:
        """Load what the ledger does not know; called under the table's load lock."""
        table = self.lake.table(self.request.into)
        last = recover(self.lake, self.ledger, table)
        mark_restored(self.ledger, table)
        self.key = check_key(table.name, table.columns(), self.request.key)
        if not self.report.created:
            check_hints(table.name, table.columns(), self.request.hints)
        known = self.ledger.compare(table.name, found)
        self.report.same = known.same
        todo = self._with_changed(known)
        if not todo:
            self.report.unused_hints = unused_hints(table.columns(), self.request.hints)
            return self.report
        self._ensure_service_columns(table)
        if not self.report.created:
            self.read.will_read(file.entry.size for file in todo)
        for files in _batches(todo):
            if self.request.stop():
                self.report.interrupted = True
                break
            last += 1
            self._one(table, last, files)
        self.ledger.compact()
        self.report.version = table.open().version()
        self.report.unused_hints = unused_hints(table.columns(), self.request.hints)
        return self.report

    def _with_changed(self, known: Known) -> list[FoundFile]:
        how = self.request.on_changed or self.settings.on_changed
        names = [file.name for file in known.changed]
        if names and how == "fail":
            raise ChangedFileError(
                f"{counted(len(names), 'file')} changed after being loaded into "
                f"{self.request.into}, {names[0]}{' among them' if names[1:] else ''}; "
                "nothing was loaded.",
                hint="--on-changed replace loads them again in place of their earlier rows.",
            )
        if how == "replace":
            self.replaced = set(names)
            self.report.replaced = names
            return known.new + known.changed
        self.report.changed = names
        return known.new

    def _one(self, table: LakeTable, number: int, files: list[FoundFile]) -> None:
        names = Shape.of(table.columns()).by_folded if self.named is None else self.named
        self.named = None  # what the first look took for headers is one for the same files only
        batch = self._batch(files, names)
        staged, columns = batch.stage(table, number)
        self.report.new_columns += columns
        if batch.widened is not None:
            self.report.widened += batch.widened.done
            self.report.not_widened += batch.widened.left
        entries = batch.entries(_found(files))
        if entries:
            self._commit(table, number, staged, entries)
        self.report.entries += entries
        self.report.left += [s.name for s in batch.sources if s.index in batch.changed]
        self._note(batch)

    def _commit(
        self, table: LakeTable, number: int, staged: list[Staged], entries: list[Entry]
    ) -> None:
        """Write the account, then make the rows and the account count in one commit."""
        self.ledger.append(table.name, number, entries)
        if any(entry.rejected for entry in entries):
            append_rejects(self.lake, table.name, number, self.ledger.connection)
        # The earlier rows of a file that cannot be read any more stay.
        names = [
            e.found.name for e in entries if e.found.name in self.replaced and e.state == "loaded"
        ]
        rows = sum(entry.kept for entry in entries)
        RowsCommit(
            table, self.ledger.connection, number, staged, rows, replaced=names, key=self.key,
            options=self.request.options.said(),
        ).run()  # fmt: skip

    def _ensure_service_columns(self, table: LakeTable) -> None:
        there = {column.name.lower(): column for column in table.columns()}
        for own in service_columns():
            other = there.get(own.name, own)
            if other.type != own.type and not isinstance(other.type, Struct):
                raise SchemaError(
                    f"{table.name} has a column {other.name} {other.type.sql} of its own; loads "
                    f"keep {own.type.sql} there, so nothing was loaded.",
                    hint="load into a table without it, or give it another name there.",
                )
        missing = [column for column in service_columns() if column.name not in there]
        if missing:
            table.add_columns(missing)

    def _batch(self, files: Sequence[FoundFile], names: Iterable[str] = ()) -> Batch:
        known = frozenset(names)
        temp = self.lake.workspace.temp
        sources = [
            SourceFile(
                index, file.name, file.entry, file.storage, self.request.options, temp, known
            )
            for index, file in enumerate(files)
        ]
        self.read.begin(file.entry.size for file in files)
        return Batch(
            self.ledger.connection,
            sources,
            zone=self.lake.workspace.settings.time_zone,
            tolerance=self.settings.tolerance,
            hints=hinted(self.request.hints),
            evolve=self.evolve,
            lines=bool(self.request.key),
            widen_limit=parse_bytes(self.settings.widen_limit),
            stop=self.request.stop,
            progress=self.read.note,
        )

    def _note(self, batch: Batch) -> None:
        for source in batch.sources:
            if source.decided:
                self.decisions.setdefault(source.decided, []).append(source.name)
        self.report.decided = [
            f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {decided}"
            for decided, names in self.decisions.items()
        ]


def _found(files: Sequence[FoundFile]) -> Callable[[SourceFile], FoundFile]:
    by_name: Mapping[str, FoundFile] = {file.name: file for file in files}
    return lambda source: by_name[source.name]


def _batches(files: Sequence[FoundFile]) -> list[list[FoundFile]]:
    """Files in batches of bounded size, in order."""
    batches: list[list[FoundFile]] = [[]]
    size = 0
    for file in files:
        if batches[-1] and (
            len(batches[-1]) >= _MOST_FILES or size + file.entry.size > _MOST_BYTES
        ):
            batches.append([])
            size = 0
        batches[-1].append(file)
        size += file.entry.size
    return batches
