"""Measuring whole processes: CPU seconds and peak memory, several times, as ratios."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE / "data"
RESULTS = HERE / "results"
RUNS = int(os.environ.get("BENCH_RUNS", "5"))


@dataclass(frozen=True)
class Cost:
    """What a process cost: CPU seconds (user and system) and peak memory in MiB."""

    cpu: float
    peak: float
    output: str


def process(code: str) -> Cost:
    """Run Python code in a process of its own."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(code)
        script.flush()
        child = subprocess.Popen(
            [sys.executable, script.name], stdout=subprocess.PIPE, text=True, cwd=HERE
        )
        assert child.stdout is not None
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"a measured process ended with {child.returncode}:\n{code}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def ratios(
    ours: Callable[[], Cost], theirs: Callable[[], Cost], *, runs: int = RUNS
) -> dict[str, float]:
    """Run both in turn; the medians of their CPU seconds and of the ratio ours / theirs."""
    pairs = [(ours(), theirs()) for _ in range(runs)]
    return {
        "ours_cpu_s": statistics.median(a.cpu for a, _ in pairs),
        "theirs_cpu_s": statistics.median(b.cpu for _, b in pairs),
        "ratio": statistics.median(a.cpu / b.cpu for a, b in pairs),
        "ours_peak_mib": max(a.peak for a, _ in pairs),
        "theirs_peak_mib": max(b.peak for _, b in pairs),
        "runs": runs,
    }


def save(name: str, result: object) -> None:
    """Write a result, and say it."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    print(f"{name}: {json.dumps(result)}", flush=True)
