"""Applying changes to a table: which rows go, which come, and the files that say so.

The table's companion ``schema.table__cdc`` keeps the changes that can still matter, deletions among
them, so that a late change finds its place. Both are changed by replacing the files that hold rows
which go (copy on write), against what is published. Keys whose changes are as before are not
touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from lakelet.engines.engine import duckdb_errors
from lakelet.engines.rewrite import Target
from lakelet.engines.routes.file_source import PLACE_FILE, PLACE_ROW
from lakelet.errors import PipelineError
from lakelet.lake import LakeTable, TableName
from lakelet.lake.creation import NewTable, standing_in
from lakelet.lake.handover import handed_over_stream
from lakelet.lake.names import quote
from lakelet.lake.staging import Staged, stage
from lakelet.lake.table import columns_of
from lakelet.lake.types import Column, DataType, Primitive
from lakelet.pipelines.datasets.cdc_history import DELETED, END, SEQUENCE, START
from lakelet.pipelines.datasets.cdc_incoming import Incoming
from lakelet.pipelines.datasets.cdc_text import as_text, from_text
from lakelet.pipelines.datasets.disk import with_room
from lakelet.pipelines.datasets.staging import label_of, noted
from lakelet.pipelines.datasets.swapping import find_differences, same_values, staying_rows
from lakelet.pipelines.definitions.cdc_rules import is_made_by_changes, shape_of
from lakelet.pipelines.definitions.dataset import Dataset
from lakelet.pipelines.planning.world import World
from lakelet.pipelines.publishing.result import Mode, Result

__all__ = ("Change", "apply_changes", "refuse_other_shape")

_SEQUENCE_NAME, _DELETED_NAME = "__cdc_sequence", "__cdc_deleted"
_BOOLEAN = Primitive("BOOLEAN")


@dataclass(frozen=True)
class Change:
    """What becomes of a table.

    Attributes:
        staged: new files.
        removed: paths, as the log spells them, of files whose rows are in the new ones or gone.
        rows: rows that are new or changed.
        truncation: of the last change that deletes every key its sequence, as text; None without.
    """

    staged: tuple[Staged, ...] = ()
    removed: tuple[str, ...] = ()
    rows: int = 0
    truncation: Any = None

    def mode(self, *, anew: bool) -> Mode:
        """How the files are adopted."""
        return "replace" if anew else "files" if self.removed else "append"


def refuse_other_shape(world: World, dataset: Dataset) -> None:
    """Refuse to apply changes to published rows that were made in another way, or to add to some.

    Raises:
        PipelineError: KEYS, the SCD type or what counts as a change are not what they were, or
            one of before and now is AUTO CDC and the other is not.
    """
    name = dataset.name
    if world.published(name) is None:
        return
    by_changes = is_made_by_changes(world.publications, name)
    if dataset.cdc is None:
        if not by_changes:
            return
        what = "was made by AUTO CDC until now, so rows cannot only be added to it"
    elif not by_changes:
        what = "was filled without AUTO CDC until now, so changes cannot be applied to it as it is"
    else:
        before = world.published(name.changes)
        if before is not None and before.definition == shape_of(dataset.cdc):
            return
        what = (
            "was made with other KEYS, another SCD TYPE, IGNORE NULL UPDATES or TRACK HISTORY ON, "
            "so changes cannot be applied to it as it is"
        )
    raise PipelineError(
        f"{name} {what}; nothing was published.",
        hint=f"take everything anew: lakelet update … --full-refresh {name}.",
    )


def apply_changes(
    world: World,
    incoming: Incoming,
    columns: Sequence[Column],
    update: int,
    truncation: Any = None,
    *,
    anew: bool,
) -> tuple[Change, list[Result]]:
    """Stage what changes make of a table, and of its companion.

    Args:
        world: what the update sees.
        incoming: the changes.
        columns: the table's columns.
        update: the update's number.
        truncation: the one that the table knew until now.
        anew: whether there are no other changes than these.

    Returns:
        What becomes of the table, and the result for its companion, if that changes.

    Raises:
        PipelineError: the changes are ordered by another type than those before.
        UnsupportedTableError: a published table is not one whose files can be replaced.
    """
    name = incoming.dataset.name
    before = None if anew else world.published(name)
    if incoming.empty and world.published(name.changes) is not None and not anew:
        return Change(truncation=truncation), []
    work = _Work(world, incoming, columns, update, before is not None)
    with duckdb_errors():
        truncation = work.truncate(truncation)
        kept = work.companion()
        change = work.table() if not incoming.empty else Change()
    result = Result(
        name.changes, "changes", kept.mode(anew=anew), work.kept_columns, kept.staged,
        removed=kept.removed, renew=anew and world.published(name.changes) is not None,
        definition=shape_of(incoming.cdc), comment=f"changes that AUTO CDC still needs for {name}",
        rows=kept.rows,
    )  # fmt: skip
    same = work.kept_columns == work.known_columns and not kept.staged and not kept.removed
    return replace(change, truncation=truncation), [] if same and not anew else [result]


class _Work:
    def __init__(
        self,
        world: World,
        incoming: Incoming,
        columns: Sequence[Column],
        update: int,
        builds_on: bool,
    ) -> None:
        self.world = world
        self.incoming = incoming
        self.engine: duckdb.DuckDBPyConnection = incoming.engine
        self.update = update
        self.builds_on = builds_on
        self.dataset = incoming.dataset
        self.columns = tuple(columns)
        self.data = [c for c in columns if incoming.cdc.scd == 1 or c.name not in (START, END)]
        self.history = incoming.history(self.data)
        name = self.dataset.name.changes
        self.known_columns = columns_of(world.snapshot(name)) if builds_on else ()
        self.kept_columns = self._kept_columns()

    def _kept_columns(self) -> tuple[Column, ...]:
        known = {column.name: column for column in self.known_columns}
        sequence = self.incoming.sequence
        if _SEQUENCE_NAME in known:
            _refuse_other_order(self.dataset.name, known[_SEQUENCE_NAME].type, sequence)
            sequence = known[_SEQUENCE_NAME].type
        wanted = {column.name: Column(column.name, column.type) for column in self.data}
        wanted[_SEQUENCE_NAME] = Column(_SEQUENCE_NAME, sequence or Primitive("BIGINT"))
        wanted[_DELETED_NAME] = Column(_DELETED_NAME, _BOOLEAN)
        there = [
            replace(column, type=wanted[column.name].type) if column.name in wanted else column
            for column in self.known_columns
        ]
        return (*there, *(column for name, column in wanted.items() if name not in known))

    def truncate(self, known: Any) -> Any:
        """Find the last change that deletes every key, and whom it concerns.

        Args:
            known: the one of updates before, as text.

        Returns:
            The last one now, as text.
        """
        self._every: str | None = None
        if known is None and not self.incoming.truncated:
            return None
        kind = next(c.type for c in self.kept_columns if c.name == _SEQUENCE_NAME)
        found = ["SELECT * FROM truncations"] if self.incoming.truncated else []
        if known is not None:
            found.append(f"SELECT {from_text(known, kind)}")
        self.engine.execute(
            f"CREATE TABLE truncation AS SELECT max({SEQUENCE}) AS {SEQUENCE} "
            f"FROM ({' UNION ALL '.join(found)}) AS every({SEQUENCE})"
        )
        ((now,),) = self.engine.execute(
            f"SELECT {as_text(SEQUENCE, kind)} FROM truncation"
        ).fetchall()
        self._every = "known" if now == known else "new"
        return now

    def companion(self) -> Change:
        """Put the changes among those known; ``kept`` and ``touched`` hold what is so now."""
        history, columns = self.history, self.history.columns
        changes = self.incoming.select(self.data) or self._nothing()
        target = self._attach(self.dataset.name.changes)
        changes = self._with_truncation(changes, target)
        self.engine.execute(f"CREATE TABLE incoming AS {history.needed(changes)}")
        own = {SEQUENCE: quote(_SEQUENCE_NAME), DELETED: quote(_DELETED_NAME)}
        if target is None:
            self._empty("known", [*map(quote, history.names), *own])
        else:
            there = {column.name for column in target.columns}
            values = [_value(column, there) for column in self.data]
            values += [f"{stored} AS {name}" for name, stored in own.items()]
            self._fill("known", target, values, "incoming")
        self.engine.execute(
            "CREATE TABLE kept AS "
            + history.needed(
                f"SELECT {columns} FROM known UNION ALL SELECT {columns} FROM incoming"
            )
        )
        keys = ", ".join(map(quote, history.keys))
        self.engine.execute(
            f"CREATE TABLE touched AS SELECT DISTINCT {keys} FROM "
            f"(SELECT {columns} FROM kept EXCEPT SELECT {columns} FROM known)"
        )
        names = [*map(quote, history.names), SEQUENCE, DELETED]
        spelled = {name: name for name in map(quote, history.names)}
        spelled |= {quote(_SEQUENCE_NAME): SEQUENCE, quote(_DELETED_NAME): DELETED}
        come = ", ".join(
            f"{spelled[quote(c.name)]} AS {quote(c.name)}"
            if quote(c.name) in spelled
            else f"CAST(NULL AS {c.type.duckdb}) AS {quote(c.name)}"
            for c in self.kept_columns
        )
        return self._swap(target, "known", "kept", names, self.kept_columns, come)

    def _with_truncation(self, changes: str, target: Target | None) -> str:
        """With a deletion of each key that the last truncation concerns.

        A new one concerns all that are known, one of before only keys that come: what they bring
        may be older.
        """
        if self._every is None:
            return changes
        keys = ", ".join(map(quote, self.history.keys))
        self.engine.execute(f"CREATE TABLE arriving AS {changes}")
        concerned = [f"SELECT {keys} FROM arriving"]
        if target is not None and self._every == "new":
            concerned.append(f"SELECT {keys} FROM {target.VIEW} WHERE NOT {quote(_DELETED_NAME)}")
        names = set(self.history.keys)
        values = ", ".join(
            quote(c.name)
            if c.name in names
            else f"CAST(NULL AS {c.type.duckdb}) AS {quote(c.name)}"
            for c in self.data
        )
        return (
            f"SELECT {self.history.columns} FROM arriving UNION ALL SELECT {values}, "
            f"(SELECT {SEQUENCE} FROM truncation), true "
            f"FROM (SELECT DISTINCT {keys} FROM ({' UNION ALL '.join(concerned)}))"
        )

    def table(self) -> Change:
        """Make the rows of the touched keys what their changes come to."""
        history = self.history
        rows = history.rows(
            f"SELECT * FROM kept AS a SEMI JOIN touched AS b ON {self._on('a', 'b')}"
        )
        self.engine.execute(f"CREATE TABLE rows AS {rows}")
        names = [quote(column.name) for column in self.columns]
        target = self._attach(self.dataset.name)
        if target is None:
            self._empty("old", names, "rows")
        else:
            there = {column.name for column in target.columns}
            self._fill("old", target, [_value(c, there) for c in self.columns], "touched")
        come = ", ".join(names)
        return self._swap(target, "old", "rows", names, self.columns, come)

    def _attach(self, name: TableName) -> Target | None:
        if not self.builds_on:
            return None
        version = int(self.world.snapshot(name).version())
        return Target.attach(self.world.lake.table(name), self.engine, version)

    def _nothing(self) -> str:
        values = ", ".join(f"CAST(NULL AS {c.type.duckdb}) AS {quote(c.name)}" for c in self.data)
        kind = next(c.type for c in self.kept_columns if c.name == _SEQUENCE_NAME)
        return (
            f"SELECT {values}, CAST(NULL AS {kind.duckdb}) AS {SEQUENCE}, false AS {DELETED} "
            "WHERE false"
        )

    def _empty(self, made: str, names: Sequence[str], like: str = "incoming") -> None:
        self.engine.execute(
            f"CREATE TABLE {made} AS SELECT {', '.join(names)}, CAST(NULL AS VARCHAR) AS "
            f"{PLACE_FILE}, CAST(NULL AS BIGINT) AS {PLACE_ROW} FROM {like} WHERE false"
        )

    def _fill(self, made: str, target: Target, values: Iterable[str], keys: str) -> None:
        """The published rows of some keys, with their places."""
        self.engine.execute(
            f"CREATE TABLE {made} AS SELECT {', '.join(values)}, {PLACE_FILE}, {PLACE_ROW} "
            f"FROM {target.VIEW} AS a SEMI JOIN {keys} AS b ON {self._on('a', 'b')}"
        )

    def _on(self, a: str, b: str) -> str:
        return same_values(a, b, map(quote, self.history.keys))

    def _swap(
        self,
        target: Target | None,
        old: str,
        new: str,
        names: Sequence[str],
        columns: tuple[Column, ...],
        shown: str,
    ) -> Change:
        """Stage the rows that are new, with those that stay of files from which rows go."""
        come, gone = f"{new}_come", f"{old}_gone"
        find_differences(self.engine, old, new, names, come=come, gone=gone)
        ((count,),) = self.engine.execute(f"SELECT count(*) FROM {come}").fetchall()
        found = self.engine.execute(f"SELECT DISTINCT file FROM {gone}").fetchall()
        uris = [str(uri) for (uri,) in found]
        if not count and not uris:
            return Change()
        selects = [f"SELECT {shown} FROM {come}"]
        if target is not None and uris:
            there = {column.name for column in target.columns}
            stay = [_value(column, there) for column in columns]
            selects.append(staying_rows(target, uris, gone, stay))
        name = self.dataset.name if old == "old" else self.dataset.name.changes
        staged = self._stage(self.world.lake.place(name), columns, " UNION ALL ".join(selects))
        removed = tuple(target.path(uri) for uri in uris) if target is not None else ()
        return Change((staged,) if staged.adds else (), removed, int(count))

    def _stage(self, table: LakeTable, columns: tuple[Column, ...], select: str) -> Staged:
        from arro3.core import RecordBatchReader

        folders = self.dataset.partition_by if table.name == self.dataset.name else ()
        new = NewTable(str(table.name), columns, folders, None, {})
        stream = handed_over_stream(self.engine.sql(select))
        failure: list[Exception] = []
        rows = noted(with_room(table, iter(stream)), failure)
        try:
            return stage(
                standing_in(new), table.location, table.storage,
                RecordBatchReader.from_batches(stream.schema, rows), label=label_of(self.update),
            )  # fmt: skip
        except Exception:
            # What the writer reports is only that its input failed; the cause is what counts.
            if failure:
                raise failure[0] from None
            raise


def _refuse_other_order(name: object, known: DataType, now: DataType | None) -> None:
    if now is not None and known != now:
        raise PipelineError(
            f"SEQUENCE BY is {now.sql} in the new changes and {known.sql} in those {name} was made "
            "from; nothing was published.",
            hint=f"cast it, or take everything anew: lakelet update … --full-refresh {name}.",
        )


def _value(column: Column, there: Iterable[str]) -> str:
    value = quote(column.name) if column.name in there else "NULL"
    return f"CAST({value} AS {column.type.duckdb}) AS {quote(column.name)}"
