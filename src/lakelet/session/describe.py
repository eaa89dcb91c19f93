"""What can be said about a table without reading its rows."""

from __future__ import annotations

from typing import Any

from lakelet.engines.bucket_files import plan_table
from lakelet.engines.routes import Route, open_snapshot
from lakelet.lake import Lake, LakeTable
from lakelet.lake.history import commits
from lakelet.lake.publications import Publications, pipeline_of
from lakelet.lake.table import columns_of, named_version
from lakelet.lake.tags import TAGS, tags_of
from lakelet.workspace.quantities import format_bytes

__all__ = ("brief", "describe", "summarize")

_CONSTRAINT = "delta.constraints."


def _snapshot(table: LakeTable, version: int | None) -> Any:
    """A version of a table; without one what people see of it."""
    options = table.storage.options or None
    if version is not None:
        with named_version(table, version):
            return open_snapshot(table.location, version=version, storage_options=options)
    snapshot = open_snapshot(table.location, storage_options=options)
    if pipeline_of(snapshot.metadata().configuration) is not None:
        published = Publications(Lake(table.workspace)).of(table.name)
        if published is not None and published.version != snapshot.version():
            return _snapshot(table, published.version)
    return snapshot


def _facts(table: LakeTable, snapshot: Any, route: Route) -> dict[str, Any]:
    actions = snapshot.get_add_actions(flatten=True)
    sizes = actions.column("size_bytes").to_pylist()
    last = commits(snapshot, limit=1)
    return {
        "name": str(table.name),
        "rows": _rows(table, route, actions),
        "version": snapshot.version(),
        "bytes": sum(sizes),
        "size": format_bytes(sum(sizes)),
        "files": len(sizes),
        "changed": last[0].time if last else None,
    }


def _rows(table: LakeTable, route: Route, actions: Any) -> int:
    """The number of rows.

    The log has that of every file where its writer said so; of deleted rows the engine knows.
    """
    if route.kind == "files" and "num_records" in actions.column_names:
        counts = actions.column("num_records").to_pylist()
        if None not in counts:
            return int(sum(counts))
    from lakelet.engines.connection import open_connection
    from lakelet.engines.engine import duckdb_errors

    connection = open_connection(table.workspace)
    with duckdb_errors():
        route.attach(connection, "counted")
        ((rows,),) = connection.execute("SELECT count(*) FROM counted").fetchall()
    connection.close()
    return int(rows)


def brief(table: LakeTable, version: int | None = None) -> dict[str, Any]:
    """What a table's log says at once: version, last change, columns, pipeline, comment."""
    snapshot = _snapshot(table, version)
    metadata = snapshot.metadata()
    last = commits(snapshot, limit=1)
    return {
        "name": str(table.name),
        "id": str(metadata.id),
        "version": snapshot.version(),
        "changed": last[0].time if last else None,
        "columns": len(columns_of(snapshot)),
        "pipeline": pipeline_of(metadata.configuration),
        "comment": metadata.description or None,
    }


def summarize(table: LakeTable, version: int | None = None) -> dict[str, Any]:
    """Name, rows, version, bytes, files and last change."""
    snapshot = _snapshot(table, version)
    return _facts(table, snapshot, plan_table(table, snapshot))


def describe(table: LakeTable, version: int | None = None) -> dict[str, Any]:
    """All there is to say: besides the summary columns, constraints, properties and route."""
    snapshot = _snapshot(table, version)
    metadata, route = snapshot.metadata(), plan_table(table, snapshot)
    configuration = dict(metadata.configuration)
    return {
        **_facts(table, snapshot, route),
        "comment": metadata.description or None,
        "location": table.location,
        "partition_by": list(metadata.partition_columns),
        "pipeline": Publications(Lake(table.workspace)).owner(table.name, configuration),
        "route": route.kind,
        "route_reason": route.reason,
        "columns": [
            {
                "name": column.name,
                "type": column.type.sql,
                "nullable": column.nullable,
                "comment": column.comment,
            }
            for column in columns_of(snapshot)
        ],
        "constraints": {
            name.removeprefix(_CONSTRAINT): check
            for name, check in configuration.items()
            if name.startswith(_CONSTRAINT)
        },
        "tags": tags_of(configuration),
        "properties": {
            name: value
            for name, value in configuration.items()
            if not name.startswith(_CONSTRAINT) and name != TAGS
        },
    }
