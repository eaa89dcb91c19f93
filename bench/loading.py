"""Loading against DuckDB's own readers: bytes per CPU second, clean and with 1 % damaged rows.

The readers convert the same files to the same types and write Parquet; damaged rows they drop or
turn into NULL. A load writes Delta with ledger, rescue and rejected rows.
"""

from __future__ import annotations

import os
import shutil

from measure import DATA, process, ratios, save
from raw_data import TYPES, write_csv, write_json

SIZE = int(float(os.environ.get("BENCH_GB", "1")) * 1e9)
OUT = DATA / "out.parquet"
ROOT = DATA / "loading"
COLUMNS = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in TYPES.items()) + "}"
HINTS = ", ".join(f"{n} {k.replace('TIMESTAMPTZ', 'TIMESTAMP')}" for n, k in TYPES.items())


def reader(query: str) -> str:
    return f"""
import duckdb
c = duckdb.connect(); c.execute("SET TimeZone = 'UTC'")
c.execute({f"COPY (SELECT * FROM {query}) TO '{OUT}'"!r})"""


def fresh(*, fixed: bool) -> None:
    shutil.rmtree(ROOT, ignore_errors=True)
    process(f"""
import lakelet
from lakelet.lake import TableName
from lakelet.lake.type_text import parse_columns
from lakelet.loading.shape import service_columns
ws = lakelet.init({str(ROOT)!r})
path = ws.folder.root / 'lakelet.toml'
if {fixed}: ws.lake.create(TableName('t', 't'), [*parse_columns({HINTS!r}), *service_columns()])""")


def load(path, *, fixed: bool):
    fresh(fixed=fixed)
    return process(
        f"import lakelet; r = lakelet.open({str(ROOT)!r}).load({str(path)!r}, into='t.t'); "
        "print(r.kept, r.rescued, r.rejected)"
    )


def main() -> None:
    DATA.mkdir(exist_ok=True)
    files = {
        "json_clean": write_json(DATA / "clean.jsonl", SIZE),
        "json_damaged": write_json(DATA / "damaged.jsonl", SIZE, damaged=0.01),
        "csv_clean": write_csv(DATA / "clean.csv", SIZE),
        "csv_damaged": write_csv(DATA / "damaged.csv", SIZE, damaged=0.01),
    }
    for name, path in files.items():
        if path.suffix == ".jsonl":
            options = "format='newline_delimited', ignore_errors=true"
            query = f"read_json('{path}', {options}, columns={COLUMNS})"
            first = f"read_json('{path}', {options}, sample_size=-1)"
        else:
            options = "header=true, delim=',', quote='\"', ignore_errors=true"
            query = f"read_csv('{path}', {options}, auto_detect=false, columns={COLUMNS})"
            first = f"read_csv('{path}', {options}, sample_size=-1)"
        compare(f"load_{name}", path, query, fixed=True)
        if "clean" in name:
            compare(f"first_load_{name}", path, first, fixed=False)


def compare(name: str, path, query: str, *, fixed: bool) -> None:
    found = ratios(lambda: load(path, fixed=fixed), lambda: process(reader(query)))
    # The figure is bytes per CPU second, ours over theirs: the inverse of the cost.
    save(name, {**found, "speed_ratio": 1 / found["ratio"], "bytes": path.stat().st_size})


if __name__ == "__main__":
    main()
