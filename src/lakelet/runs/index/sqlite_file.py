"""The index brought up to date from the changed rows of MLflow's own SQLite store.

Rows of runs, metrics, parameters, tags and inputs are added, so that those behind the row number
seen last are new; a run that goes on is read again; and runs themselves are few enough to compare.
A tag that is set anew on a run that ended changes its row in place: that is seen when all tags
are compared, once in a while.

Source: MLflow 3.17, ``mlflow/store/tracking/dbmodels/models.py``; SQLite file format, "File change
counter".
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from lakelet.errors import StorageError

__all__ = ("stamp", "update_from_file")

# Where rows are added, and the column that names the run.
_GROWING = {
    "runs": "run_uuid", "metrics": "run_uuid", "params": "run_uuid", "tags": "run_uuid",
    "inputs": "destination_id",
}  # fmt: skip
_RUNS = (
    "SELECT r.run_uuid, '', e.name, coalesce(r.name, ''), r.status, r.start_time / 1000.0, "
    "r.end_time / 1000.0, r.user_id, "
    "r.lifecycle_stage = 'deleted' OR e.lifecycle_stage = 'deleted', r.artifact_uri "
    "FROM mlflow.runs r JOIN mlflow.experiments e USING (experiment_id)"
)
_INPUTS = """
    SELECT i.destination_id, d.dataset_source_type, d.name, d.digest,
        coalesce(f.facts ->> '$.version', f.facts ->> '$.delta_table_version'),
        coalesce(f.facts ->> '$.location', f.facts ->> '$.path', f.facts ->> '$.uri',
                 f.facts ->> '$.url'),
        f.facts ->> '$.table_id', d.dataset_source, coalesce(f.facts ->> '$.named', 0), 0,
        coalesce(f.facts ->> '$.number', 0)
    FROM changed c
    JOIN mlflow.inputs i ON i.destination_id = c.id AND i.destination_type = 'RUN'
        AND i.source_type = 'DATASET'
    JOIN mlflow.datasets d ON d.dataset_uuid = i.source_id
    JOIN (SELECT dataset_uuid, CASE WHEN json_valid(dataset_source) THEN dataset_source
          ELSE '{}' END AS facts FROM mlflow.datasets) f ON f.dataset_uuid = i.source_id
"""
# CROSS JOIN lets SQLite begin with the few runs that changed, by the indexes MLflow has.
_COPIES = {
    "run_params": "SELECT p.run_uuid, p.key, p.value FROM changed c "
    "CROSS JOIN mlflow.params p ON p.run_uuid = c.id",
    "run_tags": "SELECT t.run_uuid, t.key, t.value FROM changed c "
    "CROSS JOIN mlflow.tags t ON t.run_uuid = c.id",
    "run_metrics": "SELECT m.run_uuid, m.key, CASE WHEN m.is_nan THEN NULL ELSE m.value END, "
    "m.step, m.timestamp / 1000.0 FROM changed c "
    "CROSS JOIN mlflow.latest_metrics m ON m.run_uuid = c.id",
}


def stamp(path: Path) -> list[int]:
    """What changes with every commit to the file: its time, size and change counter."""
    facts = path.stat()
    with path.open("rb") as file:
        counter = int.from_bytes(file.read(28)[24:28], "big")
    log = path.with_name(path.name + "-wal")
    logged = log.stat() if log.exists() else None
    waiting = [] if logged is None else [logged.st_mtime_ns, logged.st_size]
    return [facts.st_mtime_ns, facts.st_size, counter, *waiting]


def update_from_file(
    store: sqlite3.Connection,
    path: Path,
    state: dict[str, Any],
    *,
    whole: bool,
    exactly: str | None = None,
    changed: bool = True,
) -> dict[str, Any]:
    """Copy what changed.

    Args:
        store: the metadata store, in a transaction.
        path: MLflow's file.
        state: what this function returned the last time.
        whole: compare every tag, too.
        exactly: the id of a run to copy in any case.
        changed: whether the file is another than the last time.

    Raises:
        StorageError: MLflow's file cannot be read; the index is as it was.
    """
    try:
        return _update(store, path, state, whole=whole, exactly=exactly, changed=changed)
    except sqlite3.Error as error:
        raise StorageError(
            f"MLflow's store {path} cannot be read: {error}; nothing was changed.",
            hint="if it is damaged, bring it back from a copy; tables are not touched by it.",
        ) from None


def _update(
    store: sqlite3.Connection,
    path: Path,
    state: dict[str, Any],
    *,
    whole: bool,
    exactly: str | None,
    changed: bool,
) -> dict[str, Any]:
    store.execute("ATTACH ? AS mlflow", (str(path),))
    store.execute("CREATE TEMP TABLE changed (id TEXT PRIMARY KEY) WITHOUT ROWID")
    if exactly is not None:
        store.execute("INSERT INTO changed VALUES (?)", (exactly,))
    if not store.execute("SELECT 1 FROM mlflow.sqlite_master WHERE name = 'inputs'").fetchone():
        return {}  # MLflow is about to make its tables
    seen: dict[str, int] = state.get("rows", {})
    rows = {table: _last_row(store, table) for table in _GROWING}
    made = store.execute("SELECT version_num FROM mlflow.alembic_version").fetchone()[0]
    if made != state.get("made") or any(rows[table] < seen.get(table, 0) for table in rows):
        seen, whole = {}, True
    for table, column in _GROWING.items():
        store.execute(
            f"INSERT OR IGNORE INTO changed SELECT {column} FROM mlflow.{table} WHERE rowid > ?",
            (seen.get(table, 0),),
        )
    if changed or whole:
        _compare(store, whole=whole)
    _copy(store)
    return {"rows": rows, "made": made}


def _last_row(store: sqlite3.Connection, table: str) -> int:
    return int(store.execute(f"SELECT coalesce(max(rowid), 0) FROM mlflow.{table}").fetchone()[0])


def _compare(store: sqlite3.Connection, *, whole: bool) -> None:
    store.execute(
        "INSERT OR IGNORE INTO changed SELECT id FROM main.runs "
        "WHERE tracking = '' AND status IN ('RUNNING', 'SCHEDULED')"
    )
    store.execute(
        "INSERT OR IGNORE INTO changed SELECT r.run_uuid "
        "FROM mlflow.runs r JOIN mlflow.experiments e USING (experiment_id) "
        "LEFT JOIN main.runs m ON m.id = r.run_uuid "
        "WHERE m.id IS NULL OR m.status IS NOT r.status OR m.ended IS NOT r.end_time / 1000.0 "
        "OR m.name IS NOT coalesce(r.name, '') OR m.experiment IS NOT e.name OR m.deleted IS NOT "
        "(r.lifecycle_stage = 'deleted' OR e.lifecycle_stage = 'deleted')"
    )
    # Runs are removed for good by `mlflow gc` alone.
    here = store.execute("SELECT count(*) FROM main.runs WHERE tracking = ''").fetchone()[0]
    there = store.execute("SELECT count(*) FROM mlflow.runs").fetchone()[0]
    if here + _new(store) != there:
        store.execute(
            "DELETE FROM main.runs WHERE tracking = '' "
            "AND id NOT IN (SELECT run_uuid FROM mlflow.runs)"
        )
    if whole:
        store.execute(
            "INSERT OR IGNORE INTO changed SELECT t.run_uuid FROM mlflow.tags t "
            "LEFT JOIN main.run_tags m ON m.run_id = t.run_uuid AND m.key = t.key "
            "WHERE m.value IS NOT t.value"
        )
        store.execute(
            "INSERT OR IGNORE INTO changed SELECT m.run_id FROM main.run_tags m "
            "JOIN main.runs r ON r.id = m.run_id AND r.tracking = '' "
            "LEFT JOIN mlflow.tags t ON t.run_uuid = m.run_id AND t.key = m.key "
            "WHERE t.key IS NULL"
        )


def _new(store: sqlite3.Connection) -> int:
    """How many of the changed runs are not in the index yet."""
    return int(
        store.execute(
            "SELECT count(*) FROM changed WHERE id NOT IN (SELECT id FROM main.runs)"
        ).fetchone()[0]
    )


def _copy(store: sqlite3.Connection) -> None:
    store.execute(
        f"INSERT OR REPLACE INTO main.runs {_RUNS} WHERE r.run_uuid IN (SELECT id FROM changed)"
    )
    for table, select in _COPIES.items():
        store.execute(f"DELETE FROM main.{table} WHERE run_id IN (SELECT id FROM changed)")
        store.execute(f"INSERT INTO main.{table} {select}")
    store.execute(
        "DELETE FROM main.run_inputs WHERE NOT waiting AND run_id IN (SELECT id FROM changed)"
    )
    store.execute(
        "INSERT OR IGNORE INTO main.run_inputs (run_id, kind, name, digest, version, location, "
        f"table_id, source, named, waiting, number) {_INPUTS}"
    )
