"""`make bench`: all benchmarks, results to bench/results, the table to docs/benchmarks.md.

BENCH_RUNS (5), BENCH_GB (1) and BENCH_SCALE (1) make it longer or shorter; names as arguments run
only some: startup, tpch, upsert, loading, memory, size, pipelines, incremental, runs,
web, acting, scrolling, models.
"""

from __future__ import annotations

import compileall
import importlib
import sys

from measure import DATA, HERE

NAMES = (
    "startup", "size", "tpch", "upsert", "loading", "memory", "pipelines", "incremental",
    "runs", "web", "acting", "scrolling", "models",
)  # fmt: skip


def main() -> None:
    DATA.mkdir(exist_ok=True)
    # As an installation does; otherwise the first process of each kind would compile.
    compileall.compile_dir(HERE.parent / "src", quiet=1)
    for name in sys.argv[1:] or NAMES:
        print(f"# {name}", flush=True)
        importlib.import_module(name).main()
    importlib.import_module("report").main()


if __name__ == "__main__":
    main()
