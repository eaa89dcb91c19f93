"""An open workspace: the one place that ties tables, SQL and loads together."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from lakelet.errors import LakeletError, SqlError
from lakelet.lake import Lake, TableName
from lakelet.lake.publications import Publications
from lakelet.session.moments import parse_moment
from lakelet.session.parameters import marker_values, spoken_dialect
from lakelet.session.routes_kept import RoutesKept
from lakelet.session.table import Table
from lakelet.session.workspace_models import WorkspaceModels
from lakelet.session.workspace_pipelines import WorkspacePipelines
from lakelet.session.workspace_queries import WorkspaceQueries
from lakelet.session.workspace_runs import WorkspaceRuns
from lakelet.workspace import WorkspaceFolder, find_workspace
from lakelet.workspace.folder import REPEATS
from lakelet.workspace.notices import FilesRead, heard, tell

if TYPE_CHECKING:
    from lakelet.engines.dialect import TableFunctionCall, TableReference
    from lakelet.engines.engine import Attached, Dialect
    from lakelet.loading import LoadReport
    from lakelet.pipelines.edges import EdgesKept
    from lakelet.session.dropped import DroppedTable
    from lakelet.session.inbox import Waiting
    from lakelet.session.queries import Recorder
    from lakelet.session.result import Result
    from lakelet.session.trial import Trial

__all__ = ("Workspace", "open_workspace")


class Workspace(WorkspaceModels, WorkspacePipelines, WorkspaceQueries, WorkspaceRuns):
    """A workspace, from which everything else is reached.

    Attributes:
        folder: where it is on disk, and its settings.
        lake: its tables, for code that needs more than `table` gives.
        routes: how tables are read, kept from one statement to the next.
        edges: the lineage its statements make, once one made a table.
        source: where its statements come from, as `system.queries` says.
        say: told what a statement is about to do where that takes long; nobody listens at first.
    """

    def __init__(self, folder: WorkspaceFolder) -> None:
        self.folder = folder
        self.lake = Lake(folder)
        self.routes = RoutesKept()
        self.edges: EdgesKept | None = None
        self.source = "python"
        self.say: Callable[[str], None] = lambda _text: None

    def __repr__(self) -> str:
        return f"<lakelet workspace {self.folder.root}>"

    @property
    def time_zone(self) -> str:
        """The zone in which text without one is read and results are shown."""
        return self.folder.settings.time_zone

    def tables(self) -> Iterator[TableName]:
        """The names of all tables, in order."""
        return self.lake.names()

    def dropped(self) -> list[DroppedTable]:
        """The tables that were dropped; UNDROP TABLE brings one back."""
        from lakelet.session.dropped import dropped_tables

        return dropped_tables(self)

    def table(self, name: str | TableName) -> Table:
        """A table by name.

        Raises:
            TableNotFoundError: there is none; the message names the nearest.
        """
        found = name if isinstance(name, TableName) else TableName.parse(name)
        return Table(self, self.lake.table(found))

    def sql(
        self,
        text: str,
        params: Sequence[object] | Mapping[str, object] = (),
        *,
        at: str | dt.datetime | None = None,
        dialect: Dialect | None = None,
    ) -> Result:
        """Run one query or statement.

        Args:
            text: the SQL, in the workspace's dialect unless told otherwise.
            params: values for ``?`` markers in order, or for ``:name`` markers by name.
            at: the moment as of which every table is read.
            dialect: ``databricks`` or ``duckdb``.

        Raises:
            SqlError: it is wrong, or cannot be run with exactly its meaning.
        """
        return self._sql(text, params, at=at, dialect=dialect, this=None)

    def _recorder(self, text: str, dialect: str) -> Recorder:
        from lakelet.session.queries import Recorder

        return Recorder(self.folder, text, dialect, self.source)

    def _sql(
        self,
        text: str,
        params: Sequence[object] | Mapping[str, object],
        *,
        at: str | dt.datetime | None,
        dialect: Dialect | None,
        this: Callable[[], Attached] | None,
        recorded: bool = True,
    ) -> Result:
        from lakelet.engines.engine import Query, run_query
        from lakelet.engines.statements import is_statement
        from lakelet.session.pinning import tell_read
        from lakelet.session.result import Result

        moment = None if at is None else parse_moment(at, self.time_zone)
        positional, named = marker_values(params)
        spoken = spoken_dialect(dialect, self.folder.settings.sql.dialect)
        if is_statement(text, spoken):
            if this is not None or at is not None:
                raise SqlError(
                    "only a query is run here, not a statement; nothing was changed.",
                    hint="run it without a moment: as of now, on the page, by Back to now."
                    if at is not None
                    else "run it with Workspace.sql.",
                )
            from lakelet.session.statements import run

            recorder = self._recorder(text, spoken)
            try:
                return run(self, text, spoken, recorder, positional=positional, named=named)
            except LakeletError as error:
                recorder.done(error=error.message)
                raise
        query = Query(text, spoken, positional, named)
        warnings: list[str] = []
        publications = Publications(self.lake, moment)
        recorder = self._recorder(text, spoken)

        def table(reference: TableReference) -> Attached:
            if this is not None and reference.parts == ("this",):
                return this()
            pinned = self.pin(reference, moment, publications)
            recorder.reads(reference, pinned)
            if recorded:
                tell_read(self, pinned, reference, moment)
            return pinned

        def warn(text: str) -> None:
            if text not in warnings:
                warnings.append(text)

        def call(called: TableFunctionCall) -> Attached:
            from lakelet.session.calls import attach_call

            return attach_call(self, called, warn)

        try:
            relation = run_query(self.folder, query, table=table, call=call)
        except LakeletError as error:
            if recorded:
                recorder.done(error=error.message)
            raise
        taken = recorder.taken if recorded else (lambda _rows: None)
        return Result(relation, taken, warnings, zone=self.time_zone)

    def pin(
        self,
        reference: TableReference,
        at: dt.datetime | None = None,
        publications: Publications | None = None,
    ) -> Attached:
        """Pin the table a query names, at the version it names or as people see it."""
        from lakelet.session.pinning import pin_reference

        return pin_reference(self, reference, at, publications or Publications(self.lake, at))

    def load(
        self,
        source: str | Path,
        into: str,
        *,
        hints: Mapping[str, str] | str | None = None,
        options: Mapping[str, object] | None = None,
        evolve: str | None = None,
        key: Sequence[str] = (),
        on_changed: str | None = None,
        dry_run: bool = False,
        base: Path | None = None,
        progress: Callable[[int, int], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> LoadReport:
        """Load the files of a source that are not loaded yet; see `lakelet.loading.load`.

        Args:
            source: file, folder, glob, volume path or URL; a relative one starts at the workspace.
            into: ``schema.table``, made when it is not there.
            hints: types by column name, or the text ``"a DATE, b DECIMAL(18,2)"``.
            options: ``format`` and CSV options by `read_files`' names.
            evolve: ``add``, ``widen``, ``rescue`` or ``fail``.
            key: columns that identify a row; the load is then a merge.
            on_changed: ``report``, ``replace`` or ``fail``.
            dry_run: look, and write nothing.
            base: where a relative source starts, if not at the workspace.
            progress: told of bytes read and to read.
            stop: asked between files whether to end early.
        """
        from lakelet.lake.type_text import parse_hints
        from lakelet.loading import LoadRequest, load, parse_options

        request = LoadRequest(
            str(source),
            TableName.parse(into),
            base or self.folder.root,
            parse_options(options or {}),
            parse_hints(hints),
            evolve=evolve,
            key=tuple(key),
            on_changed=on_changed,
            dry_run=dry_run,
            stop=stop or (lambda: False),
            progress=progress or (lambda _read, _all: None),
        )
        if dry_run:
            from lakelet.pipelines.own_update import changing

            with changing(self.lake, request.into, "a load"):
                return load(self.lake, request)
        with self._changing(request.into, "a load", f"load {source}"):
            return load(self.lake, request)

    def try_load(self, source: str | Path, into: str, **options: Any) -> Trial:
        """What a load would do, tried on the beginning of its files; nothing is changed.

        Args:
            source: as for `load`.
            into: ``schema.table``.
            options: ``hints``, ``options``, ``evolve``, ``key`` and ``base``, as for `load`.

        Raises:
            LoadError: nothing to load at the source, or a table that cannot be loaded into.
            SchemaError: a hint that cannot hold, or a key that is no column.
        """
        from lakelet.session.trial import try_load

        return try_load(self, str(source), into, **options)

    def upload(
        self,
        file: str | Path,
        to: str = "files:",
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> str:
        """Copy a file of this machine into a volume; one that was cut off goes on.

        Nothing is written over: where another file has the name, the new one gets a number; the
        same file sent twice is there once.

        Args:
            file: where it lies; a relative path starts at the working folder.
            to: a volume, or a folder in one: ``files:``, ``raw:2026/posts``.
            progress: told of bytes that have come, and of all.

        Returns:
            The path that `load` takes.

        Raises:
            CommandError: it is no file, its name cannot be one, or the folder is none.
            StorageError: it cannot be read, or the disk has no room for it.
        """
        from lakelet.session.uploads import bring

        return bring(self, Path(file), to, progress or (lambda _come, _size: None))

    def inbox(self) -> list[Waiting]:
        """The tables with surprising fields that wait for a person's decision."""
        from lakelet.session.inbox import inbox

        return inbox(self)

    @contextmanager
    def _changing(self, table: TableName, what: str, action: str | None = None) -> Iterator[None]:
        """Let the body change a table; a pipeline's only where that is an update of its own.

        Args:
            table: the table.
            what: what is about to happen, as messages have it.
            action: the same as `system.audit` has it.
        """
        from lakelet.pipelines.own_update import changing
        from lakelet.session.audit import audited

        self._held.pop(str(table), None)

        def version() -> int | None:
            return self.lake.table(table).newest_version() if self.lake.exists(table) else None

        done = action or what.removeprefix("a ").removeprefix("an ")
        with (
            audited(self.folder, self.source, done, str(table), version),
            changing(self.lake, table, what),
        ):
            yield

    def held_version(self, table: TableName) -> int | None:
        """The version at which a repeated run reads a table it does not change itself."""
        return self._held.get(str(table)) if self._held else None

    @cached_property
    def _held(self) -> dict[str, int]:
        if REPEATS not in os.environ:
            return {}
        from lakelet.runs.held import held_versions

        return held_versions(self.folder)

    def _dicts(self, query: str) -> list[dict[str, Any]]:
        return self._sql(
            query, (), at=None, dialect="databricks", this=None, recorded=False
        ).dicts()

    def open(self, path: str) -> BinaryIO:
        """A file for reading, by path or volume path, also in a bucket.

        Raises:
            StorageError: it cannot be read.
            InvalidNameError: an unknown volume, or a path that leaves its volume.
        """
        from lakelet.lake.storage import storage_for
        from lakelet.lake.volumes import resolve_path

        place = resolve_path(self.folder, path, base=self.folder.root)
        storage = storage_for(self.folder, place)
        file = storage.open(place)
        if heard(self.folder) and (entry := storage.entry(place)) is not None:
            name = place.removeprefix(f"{self.folder.root}/")
            tell(self.folder, FilesRead.of(name, [(name, entry.size, entry.etag)]))
        return file


def open_workspace(path: str | Path = ".") -> Workspace:
    """Open the workspace of a folder or of its nearest parent that has one.

    Raises:
        WorkspaceNotFoundError: there is none; `lakelet init` makes one.
    """
    return Workspace(find_workspace(Path(path)))
