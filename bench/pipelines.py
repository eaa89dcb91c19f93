"""Pipelines: a small one cold, fifty datasets with nothing to do, and what publishing costs."""

from __future__ import annotations

import os
import shutil

from measure import DATA, RUNS, process, ratios, save

ROWS = int(os.environ.get("BENCH_PIPELINE_ROWS", "20000000"))
THEIRS = "import duckdb; duckdb.sql('select 1').fetchall()"


def command(root, *arguments: str) -> str:
    return (
        f"from lakelet.cli.app import _run; import os; os.chdir({str(root)!r}); "
        f"raise SystemExit(_run({list(arguments)!r}))"
    )


def workspace(name: str, text: str):
    root = DATA / name
    shutil.rmtree(root, ignore_errors=True)
    process(f"import lakelet; lakelet.init({str(root)!r})")
    folder = root / "pipelines" / "p"
    folder.mkdir()
    (folder / "p.sql").write_text(text)
    return root


def main() -> None:
    _cold()
    _nothing_to_do()
    _publishing()


def _cold() -> None:
    base = workspace(
        "pipeline_cold",
        "CREATE STREAMING TABLE raw AS SELECT * FROM STREAM read_files('files/t');"
        "CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM raw;",
    )
    folder = base / "files" / "t"
    folder.mkdir()
    (folder / "a.jsonl").write_text("".join(f'{{"id": {n}}}\n' for n in range(10)))
    root = DATA / "pipeline_cold_run"

    def ours():
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(base, root)
        return process(command(root, "update", "p"))

    save("pipeline_cold", ratios(ours, lambda: process(THEIRS)))


def _nothing_to_do() -> None:
    text = "CREATE MATERIALIZED VIEW d0 AS SELECT 1 AS a;" + "".join(
        f"CREATE MATERIALIZED VIEW d{n} AS SELECT a + 1 AS a FROM d{n - 1};" for n in range(1, 50)
    )
    root = workspace("pipeline_fifty", text)
    process(command(root, "update", "p"))
    before = sorted(path.name for path in root.glob("lake/*/*/_delta_log/*.json"))
    save(
        "pipeline_nothing",
        ratios(lambda: process(command(root, "update", "p")), lambda: process(THEIRS)),
    )
    assert sorted(path.name for path in root.glob("lake/*/*/_delta_log/*.json")) == before


def _publishing() -> None:
    query = "SELECT id, grp, v * 2 AS v, name, day FROM s.big WHERE v >= 0"
    root = workspace(
        "pipeline_big",
        "CREATE MATERIALIZED VIEW m (CONSTRAINT known EXPECT (id IS NOT NULL), "
        f"CONSTRAINT small EXPECT (v < 1e9) ON VIOLATION DROP ROW) AS {query};",
    )
    process(
        f"import lakelet; ws = lakelet.open({str(root)!r}); ws.sql("
        f"'CREATE TABLE s.big AS SELECT id, id % 1000 AS grp, CAST(id * 7919 % 1000003 AS DOUBLE) / 7 AS v, "
        f'md5(CAST(id AS STRING)) AS name, date_add(DATE "2026-01-01", CAST(id % 365 AS INT)) AS day '
        f"FROM range({ROWS})')"
    )
    bare = f"""
import lakelet, shutil
from lakelet.lake.handover import handed_over_stream
from deltalake import WriterProperties, write_deltalake
ws = lakelet.open({str(root)!r})
shutil.rmtree({str(root / "bare")!r}, ignore_errors=True)
write_deltalake({str(root / "bare")!r}, handed_over_stream(ws.sql({query!r}).relation),
    writer_properties=WriterProperties(compression='SNAPPY', max_row_group_size=512 << 10))"""
    runs = max(3, RUNS - 2)
    save(
        "pipeline_publishing",
        {
            "rows": ROWS,
            **ratios(
                lambda: process(command(root, "update", "p", "--full-refresh")),
                lambda: process(bare),
                runs=runs,
            ),
        },
    )


if __name__ == "__main__":
    main()
