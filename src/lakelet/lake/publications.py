"""Publications: which version of a pipeline's table is the one people see.

One commit to the Delta table ``system.publications`` makes the new versions of all tables of an
update visible together (``docs/how-publishing-works.md``). A table that stands there is read at its
last published version; every other table at its newest. Updates of one pipeline follow one another
under its lock, so a higher update is a later one for each of its tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lakelet.errors import TableNotFoundError
from lakelet.lake.delta import delta_errors, retry_conflicts
from lakelet.lake.lake import Lake
from lakelet.lake.names import TableName, literal
from lakelet.lake.opening import open_delta
from lakelet.lake.small_engine import small_engine
from lakelet.lake.table import LakeTable
from lakelet.lake.type_text import parse_columns
from lakelet.workspace.steps import declare, step

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = (
    "PIPELINE",
    "PUBLICATIONS",
    "RELEASED",
    "Publications",
    "Published",
    "pipeline_of",
    "seen_snapshot",
)  # fmt: skip

PUBLICATIONS = TableName("system", "publications")
RELEASED = -1
"""The version of a table that its pipeline has let go of."""
PIPELINE = "lakelet.pipeline"
"""The table property that names the pipeline a table belongs to."""
_TRANSACTION = "lakelet-publication:"
_PUBLISH = declare("publish.publish", "the new versions of all tables are visible together")
_COMPACT = declare("publish.compact", "the many small files of publications are few")
_MANY_FILES = 64
_FIELDS = (
    "update_id, pipeline, table_name, table_id, version, kind, definition, text, inputs, "
    "epoch_us(published_at)"
)
_COLUMNS = parse_columns(
    "update_id BIGINT, pipeline STRING, table_name STRING, table_id STRING, version BIGINT, "
    "kind STRING, definition STRING, text STRING, inputs STRING, published_at TIMESTAMP"
)


@dataclass(frozen=True, slots=True)
class Published:
    """One table in a publication.

    Attributes:
        update: the update that published it.
        pipeline: whose table it is.
        table: its name.
        table_id: its Delta id.
        version: the version people see; -1 where the pipeline let go of the table.
        kind: ``materialized view``, ``streaming table``, ``rejected rows`` or ``changes``.
        definition: fingerprint of what it was made by.
        text: the query or function it was made by, for people.
        inputs: what was read: by name, whatever tells one state of it from another.
        at: when, UTC.
    """

    update: int
    pipeline: str
    table: TableName
    table_id: str
    version: int
    kind: str
    definition: str
    text: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None


def pipeline_of(properties: Mapping[str, Any]) -> str | None:
    """The pipeline that made a table with these properties, or None."""
    found = properties.get(PIPELINE)
    return None if found is None else str(found)


class Publications:
    """The publications of a lake, as of the moment they are first asked for."""

    def __init__(self, lake: Lake, at: datetime | None = None) -> None:
        """Look at a lake's publications.

        Args:
            lake: the lake.
            at: the moment as of which they count; now without one.
        """
        self.lake = lake
        self.at = at
        self._state: dict[TableName, Published] | None = None

    @property
    def state(self) -> Mapping[TableName, Published]:
        """The last publication of each table; all from one version of the Delta table."""
        if self._state is None:
            moment = "" if self.at is None else f"WHERE published_at <= {_instant(self.at)} "
            rows = self._query(
                f"SELECT {_FIELDS} FROM rows {moment}QUALIFY row_number() "
                "OVER (PARTITION BY table_name ORDER BY update_id DESC) = 1"
            )
            self._state = {one.table: one for one in map(_published, rows)}
        return self._state

    def of(self, name: TableName) -> Published | None:
        """What people see of a table; None for one that no pipeline has published."""
        found = self.state.get(name)
        return None if found is None or found.version < 0 else found

    def each(self, name: TableName) -> list[Published]:
        """Every publication of a table, the oldest first."""
        return [
            one
            for row in self._query(
                f"SELECT {_FIELDS} FROM rows WHERE table_name = {literal(str(name))} "
                "ORDER BY update_id"
            )
            if (one := _published(row)).version != RELEASED
        ]

    def owner(self, name: TableName, properties: Mapping[str, Any]) -> str | None:
        """The pipeline a table with these properties belongs to; None once it has let go of it."""
        pipeline = pipeline_of(properties)
        last = None if pipeline is None else self.state.get(name)
        return None if last is not None and last.version == RELEASED else pipeline

    def version(self, name: TableName, pipeline: str) -> int:
        """The version of a pipeline's table that people see.

        Raises:
            TableNotFoundError: it was not published yet, or not at that moment.
        """
        found = self.of(name)
        if found is not None:
            return found.version
        if self.at is None:
            raise TableNotFoundError(
                f"the table {name} of the pipeline {pipeline} was not published yet.",
                hint=f"`lakelet update {pipeline}` publishes it.",
            )
        ((oldest,),) = self._query(
            f"SELECT epoch_us(min(published_at)) FROM rows WHERE table_name = {literal(str(name))}"
        ) or [(None,)]
        since = "it never was" if oldest is None else f"the first time was {_moment(oldest)}"
        raise TableNotFoundError(
            f"the table {name} of the pipeline {pipeline} was not published at "
            f"{self.at.isoformat()}: {since}.",
            hint="`lakelet updates` lists what was published when.",
        )

    def _query(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query over everything ever published, which it calls ``rows``."""
        if not self.lake.exists(PUBLICATIONS):
            return []
        table = self._table()
        with delta_errors(str(PUBLICATIONS)):
            stream = open_delta(table.location, options=table.storage.options).scan()
        with small_engine() as engine:
            engine.register("rows", stream)
            return engine.execute(query).fetchall()

    def has(self, pipeline: str, update: int) -> bool:
        """Whether an update of a pipeline is published already."""
        if not self.lake.exists(PUBLICATIONS):
            return False
        last = self._table().open().transaction_version(_TRANSACTION + pipeline)
        return last is not None and last >= update

    def updates(self, pipeline: str) -> set[int]:
        """The numbers of all updates of a pipeline that published something."""
        rows = self._query(
            f"SELECT DISTINCT update_id FROM rows WHERE pipeline = {literal(pipeline)}"
        )
        return {int(number) for (number,) in rows}

    def publish(self, pipeline: str, update: int, tables: Iterable[Published]) -> None:
        """Make versions visible together, in one commit that names the update."""
        from deltalake import CommitProperties, Transaction, write_deltalake

        comment = "which version of each pipeline's table is seen, since when"
        self.lake.create(PUBLICATIONS, _COLUMNS, comment=comment, if_absent=True)
        rows = [
            (
                one.update, one.pipeline, str(one.table), one.table_id, one.version, one.kind,
                one.definition, one.text, json.dumps(one.inputs),
            )
            for one in tables
        ]  # fmt: skip
        with small_engine() as engine:
            engine.execute(
                "CREATE TEMP TABLE rows (update_id BIGINT, pipeline VARCHAR, table_name VARCHAR, "
                "table_id VARCHAR, version BIGINT, kind VARCHAR, definition VARCHAR, "
                "text VARCHAR, inputs VARCHAR)"
            )
            engine.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            table = self._table()

            def commit() -> None:
                if self.has(pipeline, update):
                    return
                with delta_errors(str(PUBLICATIONS)), step(_PUBLISH):
                    write_deltalake(
                        table.open(),
                        _stream(engine),
                        mode="append",
                        commit_properties=CommitProperties(
                            custom_metadata={"lakelet.update": str(update)},
                            app_transactions=[Transaction(_TRANSACTION + pipeline, update)],
                        ),
                    )

            with table.lock(shared=True):
                retry_conflicts(commit)
        self._state = None

    def compact(self) -> None:
        """Merge the files of many publications into one."""
        opened = self._table().open()
        if len(opened.file_uris()) >= _MANY_FILES:
            with delta_errors(str(PUBLICATIONS)), step(_COMPACT):
                opened.optimize.compact()

    def _table(self) -> LakeTable:
        return self.lake.table(PUBLICATIONS)


def _stream(engine: Any) -> Any:
    from arro3.core import Table

    # Few rows: held, since DuckDB must not run inside a read of another library.
    return Table.from_arrow(engine.sql("SELECT *, now() AS published_at FROM rows"))


def seen_snapshot(
    table: LakeTable, publications: Publications, newest: DeltaTable | None = None
) -> DeltaTable:
    """The snapshot of a table that people see: a pipeline's as last published, else the newest.

    Args:
        table: the table.
        publications: what is published.
        newest: its newest snapshot, where somebody has opened it already.

    Raises:
        TableNotFoundError: its pipeline has not published it.
    """
    newest = newest or table.open()
    if table.name == PUBLICATIONS:
        return newest
    pipeline = publications.owner(table.name, newest.metadata().configuration)
    if pipeline is None:
        return newest
    version = publications.version(table.name, pipeline)
    return newest if newest.version() == version else table.open(version)


def _published(row: tuple[Any, ...]) -> Published:
    update, pipeline, name, table_id, version, kind, definition, text, inputs, moment = row
    return Published(
        update, pipeline, TableName.parse(name), table_id, version, kind, definition, text,
        json.loads(inputs), _moment(moment),
    )  # fmt: skip


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


def _instant(moment: datetime) -> str:
    return f"make_timestamptz({int(moment.timestamp() * 1e6)})"
