"""A workspace as it is after years, written straight into its stores.

2,000 tables, one of them with 1,500 columns and one with a name of 120 characters; twenty pipelines
with 10,000 updates between them, their events, publications, expectations, lineage and loaded files;
and, where MLflow is there, 50,000 runs.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
import uuid
from pathlib import Path

from lakelet.session import Workspace

SQL = """
CREATE OR REFRESH STREAMING TABLE raw_posts COMMENT 'posts as they came'
AS SELECT * FROM STREAM read_files('files/posts', format => 'json');
CREATE OR REFRESH MATERIALIZED VIEW good (
  CONSTRAINT has_score EXPECT (score IS NOT NULL) ON VIOLATION DROP ROW
) AS SELECT id, score FROM raw_posts;
CREATE OR REFRESH MATERIALIZED VIEW best AS SELECT max(score) AS score FROM good;
"""
PIPELINES = 20
LONG = "n" * 120
WIDE = "wide_one"
PAGES = {
    "home": "/", "space": "/parts/space", "search": "/search?q=column_7",
    "search nothing": "/search?q=zzzz", "tables": "/tables", "tables found": "/tables?find=t01",
    "schema": "/tables/s00", "schema, further on": "/tables/s00?first=160",
    "system tables": "/tables/system",
    **{
        f"{which}, {tab or 'overview'}": f"/tables/{name}{'/' if tab else ''}{tab}"
        for which, name in (
            ("table", "s00/t0007"), ("wide table", f"s00/{WIDE}"), ("pipeline's table", "p00/good"),
        )
        for tab in (
            "", "sample", "history", "lineage", "quality", "files", "rescued", "used", "health",
            "profile",
        )
    },
    "long name": f"/tables/s00/{LONG}", "streaming table, files": "/tables/p00/raw_posts/files",
    "diff": "/tables/p00/good/diff?first=0&second=1",
    "pipeline_events": "/tables/system/pipeline_events",
    "pipeline_events, sample": "/tables/system/pipeline_events/sample",
    "pipelines": "/pipelines", "pipeline": "/pipelines/p00", "pipeline, list": "/pipelines/p00/list",
    "pipeline, an earlier update": "/pipelines/p00?update=4001",
    "pipeline, updates": "/pipelines/p00/updates", "update": "/pipelines/p00/updates/4001",
    "pipeline, source": "/pipelines/p00/source", "step": "/pipelines/p00/steps/p00.good",
    "files": "/files", "folder": "/file?path=files/posts", "file": "/file?path=files/posts/a.jsonl",
}  # fmt: skip
"""Every kind of page."""
RUN_PAGES = {
    "runs": "/runs", "runs of a folder": "/runs?folder=e", "runs, further on": "/runs?first=20000",
    "runs, a condition": "/runs?where=metrics.m1+%3E+0.5+and+params.k1+%3D+%2730000%27",
    "run": f"/runs/{uuid.UUID(int=1).hex}",
    "compared": "/compare?" + "&".join(f"run={uuid.UUID(int=n).hex}" for n in (1, 2, 3)),
    "search, runs": "/search?q=run+49",
}  # fmt: skip
"""Every kind of page about runs."""


def make_large(ws: Workspace, *, tables: int = 2000, updates: int = 10_000) -> None:
    """Fill a fresh workspace."""
    root = ws.folder.root
    posts = ws.folder.files / "posts"
    posts.mkdir(parents=True)
    (posts / "a.jsonl").write_text('{"id":1,"score":5}\n{"id":2,"score":null}\n{"id":\n')
    for number in range(PIPELINES):
        folder = root / "pipelines" / f"p{number:02}"
        folder.mkdir(parents=True)
        (folder / "steps.sql").write_text(SQL)
    ws.update("p00")
    (posts / "b.jsonl").write_text('{"id":3,"score":9}\n')
    ws.update("p00")
    wide = ", ".join(f"{number} AS column_{number}" for number in range(1500))
    ws.sql(f"CREATE TABLE s00.{WIDE} AS SELECT {wide} FROM range(100)")
    _copy_tables(ws, tables)
    _write_updates(ws, updates)


def _copy_tables(ws: Workspace, tables: int) -> None:
    ws.sql("CREATE TABLE s00.t0000 AS SELECT id AS a, CAST(id AS STRING) AS b FROM range(1000)")
    first = Path(ws.lake.root) / "s00" / "t0000"
    log = first / "_delta_log" / f"{0:020}.json"
    text = log.read_text()
    known = next(
        json.loads(line)["metaData"]["id"] for line in text.splitlines() if "metaData" in line
    )
    for number in range(1, tables):
        name = LONG if number == 1 else f"t{number:04}"
        folder = first.parent.parent / f"s{number // 200 if number > 1 else 0:02}" / name
        shutil.copytree(first, folder)
        (folder / log.relative_to(first)).write_text(
            text.replace(known, str(uuid.uuid4())).replace(
                "s00.t0000", f"{folder.parent.name}.{name}"
            )
        )


def _write_updates(ws: Workspace, updates: int) -> None:
    import duckdb
    from deltalake import write_deltalake

    from lakelet.workspace.store import open_store

    now = time.time()
    # Half of all updates are those of one pipeline; one update every five minutes, up to now.
    pipeline = f"CASE WHEN u % 2 = 0 THEN 'p00' ELSE printf('p%02d', (u // 2) % {PIPELINES}) END"
    began = f"to_timestamp({now} - ({updates + 3} - u) * 300)"
    engine = duckdb.connect()
    engine.execute("SET TimeZone = 'UTC'")
    engine.execute(
        f"CREATE TABLE u AS SELECT u, {pipeline} AS p, {began} AS t, u % 50 = 7 AS failed "
        f"FROM range(3, {updates + 3}) r(u)"
    )
    step = "FROM u, (VALUES ('raw_posts', 0), ('good', 1), ('best', 2)) s(step, k)"
    done = (
        '{"rows":3,"kept":3,"dropped":1,"rejected":1,"how":"full","seconds":0.1,"expectations":[]}'
    )
    columns = "u AS update_id, {} AS number, t + INTERVAL ({}) MILLISECOND AS time, p AS pipeline, "
    each = [
        columns.format("1", "0")
        + "NULL AS dataset, 'update' AS kind, 'update ' || u || ' of ' || p || ' began' AS message, "
        "'{}' AS details FROM u",
        *(
            columns.format(f"2 + k * 4 + {place}", f"2 + k * 4 + {place}")
            + f"p || '.' || step, '{kind}', '{said}', '{details}' {step}"
            for place, (kind, said, details) in enumerate(
                (
                    ("decision", "new files", '{"how":"incremental"}'), ("started", "new files", "{}"),
                    ("finished", "3 rows", done), ("lineage", "2 edges", '{"edges":[]}'),
                )
            )
        ),
        columns.format("14", "20")
        + "NULL, 'update', 'update ' || u || CASE WHEN failed THEN ' failed: it broke' "
        "ELSE ' is published' END, '{}' FROM u",
    ]  # fmt: skip
    rows = {
        "pipeline_events": " UNION ALL ".join(f"SELECT {one}" for one in each) + " ORDER BY 1, 2",
        "expectations": "SELECT u AS update_id, t AS time, p AS pipeline, p || '.good' AS dataset, "
        "'has_score' AS expectation, 'score IS NOT NULL' AS condition, 'drop' AS action, "
        "3::BIGINT AS kept, 1::BIGINT AS broken FROM u ORDER BY 1",
        "lineage": "SELECT u AS update_id, t AS time, p AS pipeline, p || '.good' AS target, NULL AS "
        "target_column, p || '.raw_posts' AS source, NULL AS source_column FROM u WHERE u % 10 = 0",
        "publications": "SELECT u AS update_id, p AS pipeline, p || '.' || step AS table_name, "
        "'00000000-0000-0000-0000-000000000000' AS table_id, 1::BIGINT AS version, "
        "'materialized view' AS kind, '0' AS definition, 'SELECT 1' AS text, "
        f"'{{}}' AS inputs, t AS published_at {step} WHERE p <> 'p00' AND NOT failed",
        "loaded_files": "SELECT 'p00.raw_posts' AS table_name, 'files/posts/' || u || '.jsonl' AS "
        "file, 19::BIGINT AS size, t AS modified, '1' AS etag, u AS batch, 3::BIGINT AS kept, "
        "0::BIGINT AS rescued, 0::BIGINT AS rejected, 'loaded' AS state, NULL AS reason, "
        "t AS loaded_at, 'p00.raw_posts' AS flow FROM u WHERE p = 'p00'",
    }
    for name, text in rows.items():
        place = Path(ws.lake.root) / "system" / name
        from deltalake import DeltaTable

        fields = {one.name: one.type.duckdb for one in ws.table(f"system.{name}").columns}
        cast = ", ".join(f"CAST({field} AS {kind}) AS {field}" for field, kind in fields.items())
        batches = engine.sql(f"SELECT {cast} FROM ({text})")
        from arro3.core import Table

        write_deltalake(DeltaTable(place), Table.from_arrow(batches), mode="append")
    found = engine.sql(
        "SELECT u, p, CASE WHEN failed THEN 'failed' ELSE 'published' END, epoch(t), epoch(t) + 0.02, "
        "0, CASE WHEN failed THEN 'it broke' ELSE '3 tables' END FROM u"
    ).fetchall()
    with open_store(ws.folder) as store:
        store.executemany("INSERT INTO updates VALUES (?, ?, ?, ?, ?, ?, ?)", found)
        store.executemany(
            "INSERT INTO queries (time, text, dialect, source, read, written, rows, seconds) "
            "VALUES (?, ?, 'databricks', 'python', ?, '{}', 1, 0.01)",
            [
                (now - number, f"SELECT {number % 70} FROM s00.t{number % 999:04}",
                 json.dumps({f"s00.t{number % 999:04}": 0}))
                for number in range(20_000)
            ],
        )  # fmt: skip


def add_runs(root: Path, runs: int = 50_000) -> None:
    """Fill MLflow's store, which a first run makes."""
    from measure import process

    first = f"import lakelet\nwith lakelet.open({str(root)!r}).run('e/first'): pass"
    # From a file: PySpark's client, where it is there, takes `python -c` for a shell of Spark.
    process(first)
    with sqlite3.connect(root / ".lakelet" / "mlflow.db") as store:
        (folder,) = store.execute(
            "SELECT experiment_id FROM experiments WHERE name = 'e'"
        ).fetchone()
        ids = [uuid.UUID(int=number + 1).hex for number in range(runs)]
        store.executemany(
            "INSERT INTO runs (run_uuid, name, source_type, status, start_time, end_time, "
            "lifecycle_stage, artifact_uri, experiment_id) "
            "VALUES (?, ?, 'LOCAL', 'FINISHED', ?, ?, 'active', '', ?)",
            [(one, f"run {n}", 10**12 + n, 10**12 + n + 50, folder) for n, one in enumerate(ids)],
        )
        for table, many in (("params", 5), ("tags", 8)):
            store.executemany(
                f"INSERT INTO {table} (key, value, run_uuid) VALUES (?, ?, ?)",
                ((f"k{k}", str(n * k), one) for n, one in enumerate(ids) for k in range(many)),
            )
        store.executemany(
            "INSERT INTO latest_metrics VALUES (?, ?, 0, 0, 0, ?)",
            ((f"m{k}", n / runs, one) for n, one in enumerate(ids) for k in range(4)),
        )
        store.executemany(
            "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) "
            "VALUES (?, ?, 0, ?, ?, 0)",
            (("m0", n / runs, one, step) for n, one in enumerate(ids) for step in range(4)),
        )
    store.close()
