"""The one commit that makes a batch's rows, and its account, count.

Rows are added; or put in the place of the rows that changed files gave before; or merged by key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from lakelet.engines.bucket_files import reach_buckets
from lakelet.engines.engine import duckdb_errors
from lakelet.engines.rewrite import Insert, Matched, Merge, Target, merge_rows
from lakelet.engines.routes import open_snapshot, plan_route
from lakelet.engines.routes.file_source import PLACE_FILE
from lakelet.errors import SchemaError, nearest
from lakelet.lake import LakeTable, TableName
from lakelet.lake.delta import retry_conflicts
from lakelet.lake.names import literal, quote
from lakelet.lake.staging import Staged, adopt, discard
from lakelet.lake.storage import join
from lakelet.lake.types import Column
from lakelet.loading.ledger import TRANSACTION
from lakelet.loading.places import line_sql
from lakelet.loading.shape import METADATA, RESCUED

__all__ = ("HOW", "RowsCommit", "check_key")

HOW = "lakelet.how"
"""Where a commit says how its files were read: ``options`` and ``key``, as JSON."""


@dataclass(frozen=True)
class RowsCommit:
    """A batch ready to be committed.

    Attributes:
        table: the table.
        connection: a connection of the load's own.
        number: the batch.
        staged: its rows.
        rows: how many they are.
        replaced: names of files whose earlier rows go.
        key: columns that identify a row; the last record of a key wins.
        operation: what the history calls it: ``LOAD`` or ``RETRY``.
        options: how the files were read, where not as by default; a retry reads them alike.
    """

    table: LakeTable
    connection: duckdb.DuckDBPyConnection
    number: int
    staged: Sequence[Staged]
    rows: int
    replaced: Sequence[str] = ()
    key: Sequence[str] = ()
    operation: str = "LOAD"
    options: Mapping[str, object] = field(default_factory=dict)

    def run(self) -> None:
        """Commit; again with fresh data where another writer was first.

        Raises:
            ConflictError: others were first for a whole minute.
        """
        if self.key and self.staged:
            retry_conflicts(self._merge)
            for one in self.staged:
                discard(self.table.location, self.table.storage, one.folder)
        elif self.replaced:
            retry_conflicts(self._replace)
        else:
            retry_conflicts(self._add)

    @property
    def _metadata(self) -> dict[str, str]:
        read = {"options": self.options} if self.options else {}
        keyed = {"key": list(self.key)} if self.key else {}
        how = {HOW: json.dumps(read | keyed)} if read or keyed else {}
        return {
            "lakelet.operation": self.operation,
            "lakelet.batch": str(self.number),
            "lakelet.rows": str(self.rows),
            **how,
        }

    def _add(self) -> None:
        with self.table.lock(shared=True):
            adopt(
                self.table.open(), self.table.location, self.table.storage, self.staged,
                metadata=self._metadata, transactions=[(TRANSACTION, self.number)],
            )  # fmt: skip

    def _replace(self) -> None:
        names = ", ".join(map(literal, self.replaced))
        path = f"{METADATA}.file_path"
        with self.table.lock(), duckdb_errors():
            target = Target.attach(self.table, self.connection)
            uris = [
                row[0]
                for row in self.connection.execute(
                    f"SELECT DISTINCT {PLACE_FILE} FROM {target.VIEW} WHERE {path} IN ({names})"
                ).fetchall()
            ]
            target.narrow(uris)
            columns = ", ".join(quote(column.name) for column in target.stored_columns())
            keep = (
                f"SELECT {columns} FROM {target.AFFECTED} "
                f"WHERE coalesce({path} NOT IN ({names}), true)"
            )
            target.replace(
                uris, [keep] if uris else [], metadata=self._metadata, more=self.staged,
                transaction=(TRANSACTION, self.number),
            )  # fmt: skip

    def _merge(self) -> None:
        with self.table.lock(), duckdb_errors():
            target = Target.attach(self.table, self.connection)
            columns = target.stored_columns()
            values = {c.name: f"source.{quote(c.name)}" for c in columns}
            on = " AND ".join(f"target.{quote(k)} = source.{quote(k)}" for k in self.key)
            merge = Merge(
                self._last_of_each(columns),
                on,
                matched=[Matched(self._older(), values)],
                inserts=[Insert(None, values)],
            )
            transaction = (TRANSACTION, self.number)
            merge_rows(target, merge, metadata=self._metadata, transaction=transaction)

    def _older(self) -> str:
        """What a target row must be for a record to replace it: from an older file.

        A file that is loaded once more replaces its own rows; a record tried again does not, since
        its place among them is not known any more.
        """
        time, path = f"{METADATA}.file_modification_time", f"{METADATA}.file_path"
        before = "<" if self.operation == "RETRY" else "<="
        return (
            f"target.{METADATA} IS NULL OR target.{time} < source.{time} "
            f"OR (target.{time} = source.{time} AND target.{path} {before} source.{path})"
        )

    def _last_of_each(self, columns: Sequence[Column]) -> str:
        """The staged rows, of each key the last by file time, file and position.

        A row whose key is NULL is like no other and stays.
        """
        selects = []
        reach_buckets(self.connection, self.table.workspace, self.table.location)
        options = self.table.storage.options or None
        for index, one in enumerate(self.staged):
            place = join(self.table.location, one.folder)
            view = quote(f"lakelet staged {index}")
            snapshot = open_snapshot(place, storage_options=options)
            plan_route(snapshot, self.connection).attach(self.connection, view)
            selects.append(f"SELECT * FROM {view}")
        keys = ", ".join(map(quote, self.key))
        order = ", ".join(
            f"{METADATA}.{part} DESC" for part in ("file_modification_time", "file_path", "line")
        )
        # As the line stands the place, which was only needed for this order.
        line = f"CASE WHEN {RESCUED} IS NOT NULL THEN {line_sql(f'{METADATA}.line')} END"
        metadata = (
            f"struct_pack(file_path := {METADATA}.file_path, "
            f"file_modification_time := {METADATA}.file_modification_time, line := {line})"
        )
        selected = ", ".join(
            f"{metadata} AS {METADATA}" if c.name == METADATA else quote(c.name) for c in columns
        )
        unknown = " OR ".join(f"{quote(key)} IS NULL" for key in self.key)
        return (
            f"SELECT {selected} FROM (SELECT *, row_number() OVER "
            f'(PARTITION BY {keys} ORDER BY {order}) AS "lakelet rank" '
            f"FROM ({' UNION ALL BY NAME '.join(selects)})) "
            f'WHERE "lakelet rank" = 1 OR {unknown}'
        )


def check_key(
    name: TableName, columns: Iterable[Column], key: Sequence[str], *, made: bool = True
) -> tuple[str, ...]:
    """The key's columns by the table's own spelling.

    Args:
        name: the table.
        columns: those it has, or would get.
        key: the names as a person wrote them.
        made: whether the table is there.

    Raises:
        SchemaError: the table has no such column.
    """
    known = {column.name.lower(): column.name for column in columns}
    for one in key:
        if one.lower() not in known:
            close = nearest(one.lower(), known)
            own = [c for c in known if c not in (RESCUED, METADATA)]
            shown = ", ".join(own[:12]) + (", …" if len(own) > 12 else "")
            state = "nothing was loaded" if made else "no table was made"
            raise SchemaError(
                f"{name} {'has' if made else 'would have'} no column {one!r} for --key; {state}.",
                hint=f"did you mean {close!r}?" if close else f"its columns are {shown}.",
            )
    return tuple(known[one.lower()] for one in key)
