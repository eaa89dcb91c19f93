"""TPC-H at scale 1 over Delta tables, against engines that read the same files.

Each engine runs all queries in one process, several rounds, and all engines again in further
processes, in turn; the figure of a query is the median of its CPU seconds, of an engine the geometric
mean over the queries, each as a ratio to plain DuckDB. Every engine keeps its connection, session or
workspace open and has all rows in Python or Arrow at the end; a first round is not counted. Lakelet
pins the tables anew each time; it keeps the translation of a text, not its plan, so that a text seen
for the first time costs 2 to 3 CPU-ms more. Lakelet's rows are compared with plain DuckDB's.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from measure import DATA, RUNS, process, save
from tpch_queries import QUERIES, TABLES

SCALE = os.environ.get("BENCH_SCALE", "1")
ROOT = DATA / f"tpch{SCALE}"
PASSES = 3
ROUNDS = -(-RUNS // PASSES)
FRAME = """
import json, resource, sys
sys.path.insert(0, {here!r})
from tpch_queries import QUERIES, TABLES
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF); return used.ru_utime + used.ru_stime
{setup}
times, rows = {{}}, {{}}
for turn in range({runs} + 1):
    for name, query in QUERIES.items():
        start = cpu()
        try:
            found = run(query)
        except Exception as error:
            times[name] = None; continue
        if turn:  # the first round warms up
            times.setdefault(name, []).append(cpu() - start)
        elif isinstance(found, list):
            rows[name] = found
print(json.dumps([times, rows], default=str))
"""
ENGINES = {
    "duckdb": """
import duckdb
from deltalake import DeltaTable
connection = duckdb.connect()
for table in TABLES:
    files = DeltaTable(f"{root}/lake/tpch/" + table).file_uris()
    connection.execute(f"CREATE VIEW {{table}} AS SELECT * FROM read_parquet({{files!r}})")
def run(query): return connection.execute(query).fetchall()
""",
    "lakelet": """
import re, lakelet
ws = lakelet.open({root!r})
names = re.compile(r"\\b(" + "|".join(TABLES) + r")\\b(?!\\s*\\.)")
def run(query): return ws.sql(names.sub(r"tpch.\\1", query)).rows()
""",
    "lakelet_duckdb_dialect": """
import re, lakelet
ws = lakelet.open({root!r})
names = re.compile(r"\\b(" + "|".join(TABLES) + r")\\b(?!\\s*\\.)")
def run(query): return ws.sql(names.sub(r"tpch.\\1", query), dialect="duckdb").rows()
""",
    "query_builder": """
from deltalake import DeltaTable, QueryBuilder
builder = QueryBuilder()
for table in TABLES:
    builder.register(table, DeltaTable(f"{root}/lake/tpch/" + table))
def run(query): return builder.execute(query.replace("year(o_orderdate)", "extract(year from o_orderdate)")).read_all()
""",
    "pysail": """
import os
from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession
server = SparkConnectServer(port=0); server.start(background=True)
spark = SparkSession.builder.remote(f"sc://127.0.0.1:{{server.listening_address[1]}}").getOrCreate()
for table in TABLES:
    spark.read.format("delta").load(f"{root}/lake/tpch/" + table).createOrReplaceTempView(table)
def run(query): return tuple(spark.sql(query).collect())
""",
    "polars": """
import polars
frames = {{table: polars.scan_delta(f"{root}/lake/tpch/" + table) for table in TABLES}}
context = polars.SQLContext(frames)
def run(query): return context.execute(query).collect(engine="streaming")
""",
}


def prepare() -> None:
    if (ROOT / "done").exists():
        return
    shutil.rmtree(ROOT, ignore_errors=True)
    raw = ROOT / "raw"
    raw.mkdir(parents=True)
    tool = Path(sys.executable).with_name("tpchgen-cli")
    subprocess.run([tool, "parquet", "-s", SCALE, f"--output-dir={raw}"], check=True)
    process(f"""
import lakelet
from deltalake import write_deltalake
import duckdb
ws = lakelet.init({str(ROOT)!r})
for table in {TABLES!r}:
    rows = duckdb.read_parquet(f"{raw}/{{table}}.parquet")
    write_deltalake(f"{ROOT}/lake/tpch/{{table}}", rows)""")
    (ROOT / "done").touch()


def main() -> None:
    prepare()
    here = str(Path(__file__).parent)
    times: dict[str, dict[str, list[float]]] = {name: {} for name in ENGINES}
    for turn in range(PASSES):
        seen: dict[str, dict[str, list]] = {}
        # There and back, so that a machine that becomes busy is nobody's disadvantage.
        for name, setup in list(ENGINES.items())[:: -1 if turn % 2 else 1]:
            code = FRAME.format(here=here, setup=setup.format(root=str(ROOT)), runs=ROUNDS)
            try:
                found, rows = json.loads(process(code).output.splitlines()[-1])
            except SystemExit:
                continue
            for query, some in found.items():
                times[name].setdefault(query, []).extend(some or [])
            seen[name] = rows
        for name in ("lakelet", "lakelet_duckdb_dialect"):
            different = [q for q in QUERIES if not same(seen[name].get(q), seen["duckdb"][q])]
            if different:
                raise SystemExit(f"{name}: other rows than DuckDB's in {different}")
    medians = {
        name: {q: statistics.median(t) if t else None for q, t in found.items()}
        for name, found in times.items()
    }
    result = {"scale": SCALE, "runs": PASSES * ROUNDS, "queries": len(QUERIES), "cpu_s": medians}
    result["ratio_to_duckdb"] = {
        name: geometric_mean([t / medians["duckdb"][q] for q, t in found.items() if t])
        for name, found in medians.items()
        if any(found.values())
    }
    save("tpch", result)


def same(found: list | None, expected: list) -> bool:
    """Whether rows are the same in any order, numbers within what a DOUBLE holds of a decimal."""
    lines = [[tuple(map(plain, row)) for row in rows or []] for rows in (found, expected)]
    return len(lines[0]) == len(lines[1]) and all(
        math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-6)
        if isinstance(a, float) and isinstance(b, float)
        else a == b
        for one, other in zip(*map(sorted, lines), strict=True)
        for a, b in zip(one, other, strict=True)
    )


def plain(value: object) -> object:
    """A number as a float, everything else as it is."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return value


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


if __name__ == "__main__":
    main()
