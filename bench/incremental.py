"""Refreshing a grouped view of 20 million rows from what changed, against computing it whole.

Three pipelines hold the same view: one always computed whole, one always refreshed from changes, one
as the planner chooses. After each change all three are updated, each in a process of its own; what
counts is the CPU of the update, from the workspace being open to the update being published.
"""

from __future__ import annotations

import json
import os
import statistics

from measure import process, save

from pipelines import workspace

ROWS = int(os.environ.get("BENCH_PIPELINE_ROWS", "20000000"))
RUNS = int(os.environ.get("BENCH_INCREMENTAL_RUNS", "3"))
VIEWS = {
    "adding": "SELECT k, count(*) AS n, count(name) AS named, sum(v) AS v, sum(price) AS price, "
    "max(id) AS newest FROM s.big GROUP BY k",
    "recomputed": "SELECT k, count(*) AS n, avg(d) AS mean, sum(d) AS d, max(id) AS newest "
    "FROM s.big GROUP BY k",
}
POLICIES = {"whole": "FULL", "changes": "INCREMENTAL", "chosen": "AUTO"}
GROUPS = (1_000, 1_000_000)
SHARES = (0.001, 0.01, 0.1)


def main() -> None:
    results = [
        one
        for groups in GROUPS
        for kind in VIEWS
        for where in ("spread", "neighbouring")
        for one in measured(groups, kind, where)
    ]
    save("incremental", {"rows": ROWS, "runs": RUNS, "cases": results})


def measured(groups: int, kind: str, where: str) -> list[dict[str, object]]:
    root = workspace("incremental", "CREATE MATERIALIZED VIEW unused AS SELECT 1 AS a;")
    for name, policy in POLICIES.items():
        folder = root / "pipelines" / name
        folder.mkdir()
        (folder / "a.sql").write_text(
            f"CREATE MATERIALIZED VIEW m REFRESH POLICY {policy} AS {VIEWS[kind]};"
        )
    process(
        f"import lakelet; ws = lakelet.open({str(root)!r}); ws.sql('CREATE TABLE s.big AS SELECT id, "
        f"CAST(id * 7919 % {groups} AS BIGINT) AS k, CAST(id * 31 % 1000003 AS BIGINT) AS v, "
        f"CAST(id * 31 % 100003 AS DECIMAL(12, 2)) AS price, CAST(id * 31 % 1000003 AS DOUBLE) / 7 "
        f"AS d, md5(CAST(id AS STRING)) AS name "
        f"FROM range({ROWS})')"
    )
    for name in POLICIES:
        updated(root, name)
    found = [case(root, groups, kind, where, share) for share in SHARES]
    nothing = {name: updated(root, name)[0] for name in POLICIES}
    return [{"groups": groups, "view": kind, "keys": where, "share": 0.0, **nothing}, *found]


def case(root, groups: int, kind: str, where: str, share: float) -> dict[str, object]:
    """One change, several times; CPU seconds and ratios are medians."""
    count = int(ROWS * share)
    # Spread: keys all over. Neighbouring: as many rows, of a share of the keys as large.
    key = f"id * 7919 % {groups}" if where == "spread" else f"id % {max(1, int(groups * share))}"
    seconds: dict[str, list[float]] = {name: [] for name in POLICIES}
    chose = ""
    for run in range(RUNS):
        process(
            f"import lakelet; ws = lakelet.open({str(root)!r}); ws.sql('INSERT INTO s.big SELECT id, "
            f'CAST({key} AS BIGINT), 5, 0.25BD, 0.5D, "new" FROM range({10**9 + run * count}, '
            f"{10**9 + (run + 1) * count})')"
        )
        for name in POLICIES:
            cpu, how = updated(root, name)
            seconds[name].append(cpu)
            chose = how if name == "chosen" else chose
    cheaper = [min(a, b) for a, b in zip(seconds["whole"], seconds["changes"], strict=True)]
    median = statistics.median
    return {
        "groups": groups, "view": kind, "keys": where, "share": share,
        **{name: round(median(several), 3) for name, several in seconds.items()},
        "cheaper_by": round(
            median(a / b for a, b in zip(seconds["whole"], seconds["changes"], strict=True)), 2
        ),
        "chose": chose,
        "chosen_over_cheaper": round(
            median(a / b for a, b in zip(seconds["chosen"], cheaper, strict=True)), 2
        ),
    }  # fmt: skip


def updated(root, name: str) -> tuple[float, str]:
    """CPU seconds of an update, and how its view was brought up to date."""
    cost = process(
        f"import json, time, lakelet\nws = lakelet.open({str(root)!r})\n"
        f"ws.plan({name!r})\nbegan = time.process_time()\nreport = ws.update({name!r})\n"
        "print(json.dumps([time.process_time() - began, report.datasets[0].how]))"
    )
    cpu, how = json.loads(cost.output)
    return cpu, how


if __name__ == "__main__":
    main()
