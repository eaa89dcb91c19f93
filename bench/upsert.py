"""An upsert of 1 % of a 10-million-row table by key, beside delta-rs' own MERGE."""

from __future__ import annotations

import os
import shutil

from measure import DATA, RUNS, Cost, process, save

ROWS = int(float(os.environ.get("BENCH_GB", "1")) * 10_000_000)
ROOT = DATA / "upsert"
COLUMNS = (
    "i AS id, i % 1000 AS a, i / 7 AS b, 'text ' || i AS c, 'more text ' || (i * 7 % 100000) AS d, "
    "(i % 2 = 0) AS e, DATE '2026-01-01' + CAST(i % 365 AS INTEGER) AS f, i * 3 AS g, "
    "md5(CAST(i AS VARCHAR)) AS h, i % 17 AS j"
)
KEYS = {
    "neighbouring": f"range({ROWS // 2}, {ROWS // 2 + ROWS // 100})",
    "spread": f"range(0, {ROWS}, 100)",
}
MAKE = f"""
import lakelet, duckdb
from deltalake import write_deltalake
ws = lakelet.init({str(ROOT)!r})
rows = duckdb.connect().sql("SELECT {COLUMNS} FROM range({ROWS}) AS r(i)")
write_deltalake(ws.folder.root / 'lake' / 't' / 't', rows, target_file_size=64 << 20,
    configuration={{'delta.enableChangeDataFeed': 'false'}})"""


def source(keys: str) -> str:
    return f"SELECT {COLUMNS} FROM {keys} AS r(i)"


def ours(keys: str) -> str:
    return f"""
import lakelet, duckdb
ws = lakelet.open({str(ROOT)!r})
rows = duckdb.connect().sql({source(keys)!r})
print(ws.table('t.t').merge(rows, on=['id']))"""


def theirs(keys: str) -> str:
    return f"""
import duckdb
from deltalake import DeltaTable
table = DeltaTable({str(ROOT / "lake" / "t" / "t")!r})
rows = duckdb.connect().sql({source(keys)!r})
(table.merge(rows, 't.id = s.id', source_alias='s', target_alias='t')
    .when_matched_update_all().when_not_matched_insert_all().execute())"""


def once(code: str) -> Cost:
    shutil.rmtree(ROOT, ignore_errors=True)
    process(MAKE)
    return process(code)


def main() -> None:
    for name, keys in KEYS.items():
        pairs = [(once(ours(keys)), once(theirs(keys))) for _ in range(RUNS)]
        middle = sorted(a.cpu / b.cpu for a, b in pairs)[len(pairs) // 2]
        save(
            f"upsert_{name}",
            {
                "rows": ROWS,
                "ours_cpu_s": sorted(a.cpu for a, _ in pairs)[len(pairs) // 2],
                "theirs_cpu_s": sorted(b.cpu for _, b in pairs)[len(pairs) // 2],
                "ratio": middle,
                "ours_peak_mib": max(a.peak for a, _ in pairs),
                "theirs_peak_mib": max(b.peak for _, b in pairs),
                "runs": len(pairs),
            },
        )


if __name__ == "__main__":
    main()
