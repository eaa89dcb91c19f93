"""A table in a person's hands: reads, history, writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from lakelet.errors import PastVersionError, SqlError
from lakelet.lake import LakeTable, TableName
from lakelet.lake.history import Commit
from lakelet.lake.publications import Publications, seen_snapshot
from lakelet.lake.types import Column
from lakelet.session.moments import parse_moment

if TYPE_CHECKING:
    from arro3.core import RecordBatch

    from lakelet.engines.rewrite import Outcome
    from lakelet.lake.foreseen import Foreseen
    from lakelet.lake.health import Health
    from lakelet.lake.maintenance import Maintained
    from lakelet.loading import RetryReport
    from lakelet.loading.proposal import Proposal
    from lakelet.loading.rescued import Decision, RescuedField
    from lakelet.session.diff import Diff
    from lakelet.session.pinned import PinnedTable
    from lakelet.session.restoring import WouldRestore
    from lakelet.session.result import Result
    from lakelet.session.workspace import Workspace

__all__ = ("Table",)

_DECISION = "a decision about rescued fields"


class Table:
    """A table at its newest version, or pinned to an earlier one by `at`."""

    def __init__(
        self, workspace: Workspace, lake_table: LakeTable, *, version: int | None = None
    ) -> None:
        self._workspace = workspace
        self._table = lake_table
        self._version = version

    def __repr__(self) -> str:
        pinned = "" if self._version is None else f" at version {self._version}"
        return f"<lakelet table {self.name}{pinned}>"

    @property
    def name(self) -> str:
        """``schema.table``."""
        return str(self._table.name)

    @property
    def qualified(self) -> TableName:
        """Its name in two parts."""
        return self._table.name

    @property
    def version(self) -> int:
        """The version this handle reads."""
        if self._version is not None:
            return self._version
        held = self._workspace.held_version(self._table.name)
        if held is not None:
            return held
        return int(seen_snapshot(self._table, Publications(self._workspace.lake)).version())

    def _changing(self, what: str, action: str | None = None) -> AbstractContextManager[None]:
        if self._version is not None:
            raise PastVersionError(
                f"this is {self.name} as it was at version {self._version}, which nothing changes; "
                f"{what} was not done.",
                hint=f"write through ws.table({self.name!r}), or go back first: "
                f"ws.table({self.name!r}).restore({self._version}).",
            )
        return self._workspace._changing(self._table.name, what, action)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its columns at that version."""
        from lakelet.lake.table import columns_of

        return columns_of(self._table.open(self.version))

    def at(self, moment: str | dt.datetime | None = None, *, version: int | None = None) -> Table:
        """The table as it was at a moment or version.

        Raises:
            VersionNotFoundError: there was no such version.
            SqlError: both are given, or what is given is no moment and no version.
        """
        if version is not None and moment is not None:
            raise SqlError(
                f"{self.name} is asked for at a moment and at a version; nothing was read.",
                hint="give one of the two: at('2026-11-01'), or at(version=3).",
            )
        if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
            raise SqlError(
                f"{version!r} is no version of {self.name}; nothing was read.",
                hint="a version is a whole number: at(version=3).",
            )
        if moment is not None:
            version = self._table.version_at(parse_moment(moment, self._workspace.time_zone))
        return Table(self._workspace, self._table, version=version)

    def sql(self, text: str, params: Sequence[object] | Mapping[str, object] = ()) -> Result:
        """Run a query in which ``this`` is the table."""
        from lakelet.session.pinning import pin_table, tell_read

        def this() -> PinnedTable:
            pinned = pin_table(self._workspace, self._table, self._version)
            tell_read(self._workspace, pinned, named=self._version is not None)
            return pinned

        return self._workspace._sql(text, params, at=None, dialect=None, this=this)

    def look(
        self,
        text: str,
        params: Sequence[object] = (),
        *,
        of: Collection[TableName] | None = None,
    ) -> Result:
        """Run a query in DuckDB's dialect in which ``this`` is the table; it leaves no trace.

        For what shows a table rather than asks of it: neither `system.queries` nor a run knows.

        Args:
            text: the query.
            params: values for ``?`` markers.
            of: of the account of loads, the tables whose entries are looked at; whether an entry
                counts is asked of each such table, of all of the lake without it.
        """
        from lakelet.session.pinning import pin_table

        return self._workspace._sql(
            text, params, at=None, dialect="duckdb", recorded=False,
            this=lambda: pin_table(self._workspace, self._table, self._version, of=of),
        )  # fmt: skip

    def held(self) -> Callable[..., Result]:
        """`look`, several times at the state the table is in now."""
        from lakelet.session.pinning import pin_table

        pinned = pin_table(self._workspace, self._table, self._version)

        def look(text: str, params: Sequence[object] = ()) -> Result:
            return self._workspace._sql(
                text, params, at=None, dialect="duckdb", recorded=False, this=lambda: pinned
            )

        return look

    def batches(self) -> Iterator[RecordBatch]:
        """All rows as Arrow batches."""
        return self.sql("SELECT * FROM this").batches()

    def rows(self) -> list[tuple[Any, ...]]:
        """All rows as tuples."""
        return self.sql("SELECT * FROM this").rows()

    def history(self, *, limit: int | None = None) -> list[Commit]:
        """Its commits, the newest first."""
        return self._table.history(limit=limit)

    def append(self, frame: Any) -> None:
        """Add rows in one commit.

        Args:
            frame: Arrow, Polars, pandas, a DuckDB relation, a list of dictionaries, or an iterator
                of Arrow batches.

        Raises:
            SchemaError: a column the table does not have, or of a type it cannot hold.
            ConstraintError: a row breaks a constraint; nothing was written.
        """
        from lakelet.session.writes import append_frame

        with self._changing("an append"):
            append_frame(self._table, frame)

    def merge(
        self,
        frame: Any,
        on: Sequence[str] | str,
        *,
        when_matched: str = "update",
        when_not_matched: str = "insert",
        when_missing: str = "keep",
    ) -> Outcome:
        """Merge rows by key in one commit.

        Args:
            frame: as for `append`.
            on: the columns that identify a row, or the one column.
            when_matched: ``update``, ``keep`` or ``delete`` a row whose key the frame has.
            when_not_matched: ``insert`` or ``ignore`` a row of the frame whose key is new.
            when_missing: ``keep`` or ``delete`` a row whose key the frame does not have.

        Raises:
            SchemaError: a column the table does not have, or of a type it cannot hold.
            SqlError: several rows of the frame have the same key.
        """
        from lakelet.session.writes import merge_frame

        with self._changing("a merge"):
            return merge_frame(
                self._table, frame, on, when_matched=when_matched,
                when_not_matched=when_not_matched, when_missing=when_missing,
            )  # fmt: skip

    def changes(self, since: int, until: int | None = None) -> Result:
        """The change feed: rows that came, went or changed after version ``since``.

        Raises:
            VersionNotFoundError: no such version.
        """
        from lakelet.session.changes import change_feed

        return change_feed(self._workspace, self._table, since, until)

    def diff(self, first: int, second: int) -> Diff:
        """What differs between two versions.

        Raises:
            VersionNotFoundError: one of them is not there.
        """
        from lakelet.session.diff import diff_versions

        return diff_versions(self._workspace, self._table, first, second)

    def restore(self, to: int | str | dt.datetime) -> int:
        """Make the newest version equal an earlier version or moment; history is kept.

        Returns:
            How many raw files count as not loaded again.

        Raises:
            VersionNotFoundError: there was no such version.
            SqlError: it equals that version already.
        """
        from lakelet.session.versions import restore

        version = to if isinstance(to, int) else self.at(to).version
        with self._changing("RESTORE", f"restore to version {version}"):
            return restore(self._table, version)

    def would_restore(self, to: int | str | dt.datetime) -> WouldRestore:
        """What `restore` would change; nothing is changed.

        Raises:
            VersionNotFoundError: there was no such version.
        """
        from lakelet.session.restoring import would_restore

        return would_restore(self, to if isinstance(to, int) else self.at(to).version)

    def files(self) -> list[dict[str, Any]]:
        """The raw files that went into it, with counts and the version they made."""
        from lakelet.session.accounts import loaded_files

        return loaded_files(self._workspace, self._table)

    def rescued(self) -> list[RescuedField]:
        """Fields with values that fit no column, with counts and samples."""
        from lakelet.loading.rescued import rescued_fields

        return rescued_fields(self._workspace.lake, self._table)

    def propose(
        self, action: str, field: str, *, column: str | None = None, kind: str | None = None
    ) -> Proposal:
        """What a decision about a rescued field would do; nothing is changed.

        Args:
            action: ``promote``, ``widen`` or ``map``.
            field: the rescued field.
            column: the column to widen or to fill; that of the field's own name without it.
            kind: the column's type; the narrowest that most values fit without it.

        Raises:
            SchemaError: no such field was rescued, or no such column, or its name is taken.
        """
        from lakelet.lake.type_text import parse_type
        from lakelet.loading.proposal import propose

        parsed = parse_type(kind) if kind else None
        return propose(self._workspace.lake, self._table, action, field, column=column, kind=parsed)

    def promote(self, field: str, kind: str | None = None) -> Decision:
        """Make a column of a rescued field and move its values there.

        Raises:
            SchemaError: no such field was rescued, or the column's name is taken.
        """
        from lakelet.lake.type_text import parse_type
        from lakelet.loading.rescued import promote

        parsed = parse_type(kind) if kind else None
        with self._changing(_DECISION, f"promote {field}"):
            return promote(self._workspace.lake, self._table, field, parsed)

    def widen(self, column: str, kind: str) -> Decision:
        """Give a column a type that holds more, and move what was rescued of it there.

        Raises:
            SchemaError: no such column, or values in it would not survive.
        """
        from lakelet.lake.type_text import parse_type
        from lakelet.loading.rescued import widen

        with self._changing(_DECISION, f"widen {column} to {kind}"):
            return widen(self._workspace.lake, self._table, column, parse_type(kind))

    def map_field(self, field: str, column: str) -> Decision:
        """Let a rescued field fill an existing column, now and in later loads.

        Raises:
            SchemaError: no such field was rescued, or no such column.
        """
        from lakelet.loading.rescued import map_field

        with self._changing(_DECISION, f"map {field} to {column}"):
            return map_field(self._workspace.lake, self._table, field, column)

    def ignore(self, field: str) -> int:
        """Ask no more about a rescued field; its values stay where they are.

        Raises:
            SchemaError: no such field was rescued.
        """
        from lakelet.loading.rescued import ignore

        with self._changing(_DECISION, f"ignore {field}"):
            return ignore(self._workspace.lake, self._table, field)

    def rejected(self, *, limit: int | None = None) -> list[dict[str, Any]]:
        """The rows of its files that were not records."""
        from lakelet.session.accounts import rejected_rows

        return rejected_rows(self._workspace, self._table, limit=limit)

    def retry_rejected(
        self,
        *,
        hints: Mapping[str, str] | str | None = None,
        options: Mapping[str, object] | None = None,
        evolve: str | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> RetryReport:
        """Try its rejected rows again, read from their files once more.

        Args:
            hints: types of new columns, as for `Workspace.load`.
            options: ``format`` and CSV options; those not given are as they were in the load.
            evolve: ``add``, ``widen``, ``rescue`` or ``fail``.
            stop: asked between files whether to end early.

        Raises:
            LoadError: it has no rejected rows.
        """
        from lakelet.lake.type_text import parse_hints
        from lakelet.loading import RetryRequest, retry_rejected

        request = RetryRequest(options or {}, parse_hints(hints), evolve, stop or (lambda: False))
        with self._changing("a retry"):
            return retry_rejected(self._workspace.lake, self._table, request)

    def examine(self) -> Health:
        """How it lies on the disk: small files, space of older versions, files of nobody."""
        from lakelet.lake.health import examine_table

        return examine_table(self._table)

    def maintain(self, *, even_pinned: bool = False) -> Maintained:
        """Merge small files, and remove what only versions past the retention needed.

        Args:
            even_pinned: versions that runs are pinned to, too, which stay otherwise.

        Raises:
            StorageError: the disk said no; or which versions are pinned cannot be told.
        """
        from lakelet.lake.maintenance import maintain_table

        if not even_pinned:
            self._workspace.learn_pins(self._table.name)
        with self._changing("maintenance"):
            return maintain_table(self._table, even_pinned=even_pinned)

    def foresee_maintenance(self, *, even_pinned: bool = False) -> Foreseen:
        """What `maintain` would do now: files and versions that would go, and what stays for runs.

        Args:
            even_pinned: as for `maintain`.

        Raises:
            StorageError: the table cannot be read; or which versions are pinned cannot be told.
        """
        from lakelet.lake.foreseen import foresee_maintenance

        if not even_pinned:
            self._workspace.learn_pins(self._table.name)
        return foresee_maintenance(self._table, even_pinned=even_pinned)

    def brief(self) -> dict[str, Any]:
        """Name, Delta's id, version, last change, columns, pipeline, comment; no row is counted."""
        from lakelet.session.describe import brief

        return brief(self._table, self._version)

    def summary(self) -> dict[str, Any]:
        """Name, rows, version, size and last change."""
        from lakelet.session.describe import summarize

        return summarize(self._table, self._version)

    def describe(self) -> dict[str, Any]:
        """All there is to say about it: columns, constraints, properties, route and reason."""
        from lakelet.session.describe import describe

        return describe(self._table, self._version)
