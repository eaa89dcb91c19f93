"""`system.runs`, `system.metrics` and `system.run_inputs`: the index of runs as tables of SQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from lakelet.errors import StorageError
from lakelet.lake.names import quote
from lakelet.runs.index import bring_up_to_date
from lakelet.runs.open_runs import killed_states
from lakelet.runs.place import database
from lakelet.workspace.store import open_store

if TYPE_CHECKING:
    from lakelet.workspace import WorkspaceFolder

__all__ = ("RUN_TABLES", "RunsTable")

_TEXTS, _NUMBERS = "MAP(VARCHAR, VARCHAR)", "MAP(VARCHAR, DOUBLE)"
_MOMENT = "TIMESTAMP WITH TIME ZONE"


def _group(table: str, value: str = "value") -> str:
    return f"(SELECT json_group_object(x.key, {value}) FROM run_{table} x WHERE x.run_id = r.id)"


# Columns with their types in DuckDB, and how SQLite gives them.
RUN_TABLES: dict[str, tuple[tuple[tuple[str, str, str], ...], str]] = {
    "runs": (
        (
            ("id", "VARCHAR", "r.id"), ("folder", "VARCHAR", "r.experiment"),
            ("name", "VARCHAR", "r.name"), ("status", "VARCHAR", "r.status"),
            ("started", _MOMENT, "r.started"), ("ended", _MOMENT, "r.ended"),
            ("seconds", "DOUBLE", "r.ended - r.started"), ("user", "VARCHAR", "r.user"),
            ("params", _TEXTS, _group("params")), ("metrics", _NUMBERS, _group("metrics")),
            ("tags", _TEXTS, _group("tags")),
            ("cpu_seconds", "DOUBLE", "f.facts ->> '$.cpu_seconds'"),
            ("peak_memory", "BIGINT", "f.facts ->> '$.peak_memory'"),
            ("artifacts", "VARCHAR", "r.artifacts"),
        ),
        "runs r LEFT JOIN run_facts f ON f.run_id = r.id",
    ),
    "metrics": (
        (
            ("run_id", "VARCHAR", "m.run_id"), ("key", "VARCHAR", "m.key"),
            ("value", "DOUBLE", "m.value"), ("step", "BIGINT", "m.step"),
            ("time", _MOMENT, "m.time"),
        ),
        "run_metrics m JOIN runs r ON r.id = m.run_id",
    ),
    "run_inputs": (
        (
            ("run_id", "VARCHAR", "i.run_id"),
            ("kind", "VARCHAR", "replace(i.kind, 'lakelet_', '')"),
            ("name", "VARCHAR", "i.name"), ("version", "BIGINT", "i.version"),
            ("digest", "VARCHAR", "i.digest"), ("location", "VARCHAR", "i.location"),
            ("named", "BOOLEAN", "i.named"), ("source", "VARCHAR", "i.source"),
        ),
        "run_inputs i JOIN runs r ON r.id = i.run_id",
    ),
}  # fmt: skip
_PLAIN = {_MOMENT: "DOUBLE", _TEXTS: "VARCHAR", _NUMBERS: "VARCHAR"}
"""Types that come out of SQLite as another one."""
_READ = {
    _MOMENT: "to_timestamp({})", _TEXTS: "CAST(CAST({} AS JSON) AS " + _TEXTS + ")",
    _NUMBERS: "CAST(CAST({} AS JSON) AS " + _NUMBERS + ")",
}  # fmt: skip


@dataclass(frozen=True)
class RunsTable:
    """One of the tables of runs, as a table of a query.

    Attributes:
        workspace: whose runs.
        which: ``runs``, ``metrics`` or ``run_inputs``.
    """

    workspace: WorkspaceFolder
    which: str

    @property
    def typed(self) -> tuple[tuple[str, str], ...]:
        """Names and DuckDB types of the columns."""
        return tuple((name, kind) for name, kind, _ in RUN_TABLES[self.which][0])

    def attach(self, connection: duckdb.DuckDBPyConnection, view: str) -> None:
        """Make the rows a table of that name on a connection, up to date as of now."""
        from arro3.core import Array, DataType, Table

        bring_up_to_date(self.workspace)
        kinds = {"VARCHAR": DataType.string(), "DOUBLE": DataType.float64(),
                 "BIGINT": DataType.int64(), "BOOLEAN": DataType.bool()}  # fmt: skip
        rows = list(zip(*self._rows(), strict=True)) or [()] * len(self.typed)
        arrays: dict[str, Any] = {}
        selected = []
        for (name, kind), values in zip(self.typed, rows, strict=True):
            plain = _PLAIN.get(kind, kind)
            arrays[name] = Array(list(map(_CONVERT[plain], values)), kinds[plain])
            selected.append(f"{_READ.get(kind, '{}').format(quote(name))} AS {quote(name)}")
        connection.register("lakelet runs", Table.from_pydict(arrays))
        connection.execute(
            f'CREATE TABLE {view} AS SELECT {", ".join(selected)} FROM "lakelet runs"'
        )
        connection.unregister("lakelet runs")

    def _rows(self) -> list[tuple[Any, ...]]:
        columns, source = RUN_TABLES[self.which]
        selected = ", ".join(expression for _, _, expression in columns)
        if self.which == "metrics" and (path := database(self.workspace)) is not None:
            return _all_steps(path) if path.exists() else []
        with open_store(self.workspace) as store:
            gone = killed_states(self.workspace, store)
            rows = store.execute(
                f"SELECT {selected} FROM {source} WHERE r.tracking = ? AND NOT r.deleted",
                (self.workspace.settings.runs.tracking,),
            ).fetchall()
        found = [tuple(row) for row in rows]
        if self.which == "runs":
            found = [
                (*row[:3], gone.get(row[0], row[3]) if row[3] == "RUNNING" else row[3], *row[4:])
                for row in found
            ]
        return found


def _all_steps(path: Any) -> list[tuple[Any, ...]]:
    """Every value of every metric, which the index does not repeat, from MLflow's own store."""
    try:
        with closing(sqlite3.connect(path, timeout=30.0)) as connection:
            return connection.execute(
                "SELECT m.run_uuid, m.key, CASE WHEN m.is_nan THEN NULL ELSE m.value END, m.step, "
                "m.timestamp / 1000.0 FROM metrics m JOIN runs r ON r.run_uuid = m.run_uuid "
                "WHERE r.lifecycle_stage = 'active'"
            ).fetchall()
    except sqlite3.Error as error:
        raise StorageError(f"MLflow's store {path} cannot be read: {error}.") from None


def _optional(convert: Any) -> Any:
    return lambda value: None if value is None else convert(value)


_CONVERT = {"VARCHAR": _optional(str), "DOUBLE": _optional(float), "BIGINT": _optional(int),
            "BOOLEAN": _optional(bool)}  # fmt: skip
