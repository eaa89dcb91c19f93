"""Delta tables made by hand: Parquet files and log entries, as any writer could have left them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lakelet.engines.routes import Route, open_snapshot, plan_route

Action = dict[str, Any] | str


def field(name: str, kind: Any, **metadata: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "nullable": True, "metadata": metadata}


def struct(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "struct", "fields": list(fields)}


def array(kind: Any) -> dict[str, Any]:
    return {"type": "array", "elementType": kind, "containsNull": True}


def mapping(key: Any, value: Any) -> dict[str, Any]:
    return {"type": "map", "keyType": key, "valueType": value, "valueContainsNull": True}


def mapped(name: str, kind: Any, number: int, physical: str | None = None) -> dict[str, Any]:
    """A field of a table with column mapping."""
    return field(
        name,
        kind,
        **{
            "delta.columnMapping.id": number,
            "delta.columnMapping.physicalName": physical or f"col-{number}",
        },
    )


def protocol(*features: str, reader: int | None = None, writer: int | None = None) -> Action:
    if not features:
        versions = {"minReaderVersion": reader or 1, "minWriterVersion": writer or 2}
        return {"protocol": versions}
    return {
        "protocol": {
            "minReaderVersion": reader or 3,
            "minWriterVersion": writer or 7,
            "readerFeatures": list(features),
            "writerFeatures": list(features),
        }
    }


def metadata(
    *fields: dict[str, Any], partitions: Sequence[str] = (), properties: Any = None
) -> Action:
    return {
        "metaData": {
            "id": "5b1f34a2-6a0e-4f62-9d1f-2f0c6f6f7c11",
            "format": {"provider": "parquet", "options": {}},
            "schemaString": json.dumps(struct(*fields)),
            "partitionColumns": list(partitions),
            "configuration": properties or {},
            "createdTime": 1_700_000_000_000,
        }
    }


class Handmade:
    """A table folder that a test fills commit by commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "_delta_log"
        self.log.mkdir(parents=True, exist_ok=True)
        self.version = -1

    def commit(self, *actions: Action, version: int | None = None) -> int:
        self.version = self.version + 1 if version is None else version
        lines = (a if isinstance(a, str) else json.dumps(a) for a in actions)
        text = "".join(line + "\n" for line in lines)
        (self.log / f"{self.version:020d}.json").write_text(text)
        return self.version

    def file(self, path: str, table: pa.Table, **options: Any) -> Path:
        """Write a Parquet file; ``path`` is its true, unescaped path below the table."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, target, **options)
        return target

    def add(self, path: str, *, true_path: str | None = None, **more: Any) -> Action:
        size = (self.folder / (true_path or path)).stat().st_size
        return {
            "add": {
                "path": path,
                "partitionValues": more.pop("partition", {}),
                "size": size,
                "modificationTime": 1_700_000_000_000,
                "dataChange": True,
                **more,
            }
        }

    def write(self, path: str, table: pa.Table, **more: Any) -> Action:
        """A file whose path needs no escapes, and the action that adds it."""
        options = more.pop("parquet", {})
        self.file(path, table, **options)
        return self.add(path, **more)

    def route(self, version: int | None = None) -> Route:
        return plan_route(open_snapshot(str(self.folder), version=version))


def connect(zone: str = "America/New_York") -> duckdb.DuckDBPyConnection:
    """A connection whose zone is far from UTC, so that a slip by the zone shows."""
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{zone}'")
    connection.execute("CREATE SCHEMA bronze")
    return connection


VIEW = '"bronze"."posts"'


def rows(route: Route, query: str = f"SELECT * FROM {VIEW} ORDER BY ALL") -> list[tuple[Any, ...]]:
    with connect() as connection:
        route.attach(connection, VIEW)
        described = connection.execute(f"DESCRIBE {VIEW}").fetchall()
        assert tuple((d[0], d[1]) for d in described) == route.columns
        # The same table twice in one statement, whatever the route.
        (twice,) = connection.execute(
            f"WITH once AS (SELECT * FROM {VIEW}) "
            f"SELECT (SELECT count(*) FROM once) = (SELECT count(*) FROM {VIEW})"
        ).fetchone()  # type: ignore[misc]
        assert twice
        return connection.execute(query).fetchall()


def texts(route: Route) -> list[tuple[Any, ...]]:
    """The rows with every instant as text in UTC and everything else as DuckDB writes it."""
    with connect() as connection:
        route.attach(connection, VIEW)
        names = [f'CAST("{name}" AS VARCHAR)' for name, _ in route.columns]
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(f"SELECT {', '.join(names)} FROM {VIEW} ORDER BY ALL").fetchall()
