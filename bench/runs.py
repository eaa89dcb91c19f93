"""What a pinned run costs beside a bare MLflow run, and what the index of 50,000 runs costs."""

from __future__ import annotations

import json
import os
import shutil

from measure import DATA, RUNS, process, save

ROOT = DATA / "runs"
MANY = int(float(os.environ.get("BENCH_RUNS_MANY", "50000")))

MAKE = f"""
import lakelet
ws = lakelet.init({str(ROOT)!r})
for name in "abc":
    ws.sql(f"CREATE TABLE gold.{{name}} AS SELECT 1 AS x")
with ws.run("e/first"):
    pass"""
COUNT = """
import time, json, sqlalchemy
commits, pending = [0], set()
def executed(c, _cursor, statement, *_):
    if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
        pending.add(id(c))
def committed(c):
    if id(c) in pending:
        pending.discard(id(c))
        commits[0] += 1
sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", executed)
sqlalchemy.event.listen(sqlalchemy.Engine, "commit", committed)
"""
PINNED = f"""
import lakelet
ws = lakelet.open({str(ROOT)!r})
def one():
    with ws.run("e/pinned", params={{"lr": 0.1}}) as run:
        for name in "abc":
            ws.table(f"gold.{{name}}").rows()
        run.log(f1=0.5, step=1)
one()
{COUNT}
began = time.perf_counter()
for _ in range(20):
    one()
print(json.dumps([commits[0] / 20, (time.perf_counter() - began) / 20]))"""
BARE = f"""
import lakelet, mlflow
ws = lakelet.open({str(ROOT)!r})
mlflow.set_tracking_uri("sqlite:///" + {str(ROOT)!r} + "/.lakelet/mlflow.db")
mlflow.set_experiment("e")
def one():
    with mlflow.start_run(run_name="bare"):
        mlflow.log_params({{"lr": 0.1}})
        for name in "abc":
            ws.table(f"gold.{{name}}").rows()
        mlflow.log_metrics({{"f1": 0.5}}, step=1)
one()
{COUNT}
began = time.perf_counter()
for _ in range(20):
    one()
print(json.dumps([commits[0] / 20, (time.perf_counter() - began) / 20]))"""
FILL = f"""
import sqlite3, uuid
path = {str(ROOT)!r} + "/.lakelet/mlflow.db"
c = sqlite3.connect(path)
one = c.execute("SELECT experiment_id FROM experiments WHERE name = 'e'").fetchone()[0]
ids = [uuid.UUID(int=n + 1).hex for n in range({MANY})]
c.executemany("INSERT INTO runs (run_uuid, name, source_type, status, start_time, end_time, "
    "lifecycle_stage, artifact_uri, experiment_id) VALUES (?, ?, 'LOCAL', 'FINISHED', ?, ?, 'active', '', ?)",
    [(i, f"run {{n}}", 10**12 + n, 10**12 + n + 50, one) for n, i in enumerate(ids)])
for table, many in (("params", 5), ("tags", 8)):
    c.executemany(f"INSERT INTO {{table}} (key, value, run_uuid) VALUES (?, ?, ?)",
        ((f"k{{k}}", str(n * k), i) for n, i in enumerate(ids) for k in range(many)))
c.executemany("INSERT INTO latest_metrics VALUES (?, ?, 0, 0, 0, ?)",
    ((f"m{{k}}", n / {MANY}, i) for n, i in enumerate(ids) for k in range(4)))
c.executemany("INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, 0, ?, ?, 0)",
    (("m0", n / {MANY}, i, s) for n, i in enumerate(ids) for s in range(4)))
c.commit()"""
INDEX = f"""
import time, json, sqlite3, lakelet
ws = lakelet.open({str(ROOT)!r})
def cpu(call):
    began = time.process_time()
    call()
    return time.process_time() - began
def touch():
    c = sqlite3.connect({str(ROOT)!r} + "/.lakelet/mlflow.db")
    c.execute("INSERT INTO metrics SELECT key, value, timestamp + 1, run_uuid, step + abs(random()) % 1000000000, is_nan FROM metrics "
              "WHERE run_uuid IN (SELECT run_uuid FROM runs LIMIT 1) LIMIT 1")
    c.commit()
    c.close()
found = {{"first_cpu_s": cpu(ws.refresh_runs), "unchanged_cpu_s": cpu(ws.refresh_runs)}}
touch()
found["changed_cpu_s"] = cpu(ws.refresh_runs)
from lakelet.workspace.store import open_store
touch()
with open_store(ws.folder) as store:
    store.execute("UPDATE run_index SET state = json_set(state, '$.whole', 0)")
found["whole_cpu_s"] = cpu(lambda: ws.refresh_runs(complete=True))
found["list_cpu_s"] = cpu(lambda: ws.runs(limit=50))
found["where_cpu_s"] = cpu(lambda: ws.runs(where="metrics.m1 > 0.5 and params.k1 = '30000'", limit=50))
found["of_table_cpu_s"] = cpu(lambda: ws.runs_of_table("gold.a"))
found["sql_cpu_s"] = cpu(lambda: ws.sql("SELECT max(metrics['m1']) FROM system.runs").rows())
print(json.dumps(found))"""


def main() -> None:
    shutil.rmtree(ROOT, ignore_errors=True)
    process(MAKE)
    pairs = [
        (json.loads(process(PINNED).output), json.loads(process(BARE).output)) for _ in range(RUNS)
    ]
    middle = sorted(pairs, key=lambda pair: pair[0][1] / pair[1][1])[len(pairs) // 2]
    save(
        "runs_pinned",
        {
            "ours_writes": middle[0][0], "theirs_writes": middle[1][0],
            "ours_s": middle[0][1], "theirs_s": middle[1][1], "runs": len(pairs),
        },
    )  # fmt: skip
    process(FILL)
    save("runs_index", {"runs": MANY, **json.loads(process(INDEX).output)})


if __name__ == "__main__":
    main()
