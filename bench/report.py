"""The table of docs/benchmarks.md from the results, the missed figures too."""

from __future__ import annotations

import json
import platform

from measure import HERE, RESULTS

PAGE = HERE.parent / "docs" / "benchmarks.md"
START, END = "<!-- results -->", "<!-- end of results -->"
REFRESHES = "<!-- refreshes -->", "<!-- end of refreshes -->"
VIEWS = {"adding": "kept by adding", "recomputed": "computed anew"}
AIMS = {("adding", 0.001): 10.0, ("recomputed", 0.001): 4.0}
"""How much cheaper than in full a refresh is to be; computed anew, with a million groups."""


def row(what: str, aim: str, got: str, met: bool | None) -> str:
    word = {True: "met", False: "missed", None: "shown"}[met]
    return f"| {what} | {aim} | {got} | {word} |"


def rows(found: dict[str, dict]) -> list[str]:
    lines = []
    if one := found.get("select_1"):
        lines.append(
            row(
                '`lakelet sql "select 1"`, CPU over DuckDB alone',
                "≤ 2.5 ×",
                f"{one['ratio']:.2f} ×",
                one["ratio"] <= 2.5,
            )
        )
    if one := found.get("import_lakelet"):
        lines.append(
            row(
                "`import lakelet`", "< 0.15 CPU-s", f"{one['cpu_s']:.3f} CPU-s", one["cpu_s"] < 0.15
            )
        )
    if one := found.get("nothing_new"):
        lines.append(
            row(
                f"{one['files']:,} files loaded, nothing new",
                "< 2 s, no commit",
                f"{one['again_wall_s']:.2f} s, {one['commits']} commits",
                one["again_wall_s"] < 2,
            )
        )
    if one := found.get("runs_pinned"):
        more = one["ours_writes"] - one["theirs_writes"]
        lines.append(
            row(
                "writes to MLflow's database, a run pinned to three tables over a bare one",
                "≤ 1 more",
                f"{more:.0f} more, {1000 * (one['ours_s'] - one['theirs_s']):.0f} ms",
                more <= 1,
            )
        )
    if one := found.get("runs_index"):
        lines.append(
            row(
                f"index of {one['runs']:,} runs: made, one run changed, 50 listed",
                "",
                f"{one['first_cpu_s']:.1f}, {one['changed_cpu_s']:.3f}, {one['list_cpu_s']:.3f} CPU-s",
                None,
            )
        )
    if one := found.get("core_install"):
        lines.append(
            row(
                "core install",
                "< 300 MB, no pyarrow or pandas",
                f"{one['megabytes']} MB, {one['packages']} packages",
                one["megabytes"] < 300 and not one["pyarrow_or_pandas"],
            )
        )
    if one := found.get("tpch"):
        for name, ratio in one["ratio_to_duckdb"].items():
            ours = name == "lakelet"
            lines.append(
                row(
                    f"TPC-H scale {one['scale']}, {one['queries']} queries, CPU over plain DuckDB: {name}",
                    "≤ 1.05 ×" if ours else "",
                    f"{ratio:.2f} ×",
                    ratio <= 1.05 if ours else None,
                )
            )
    for name in ("neighbouring", "spread"):
        if one := found.get(f"upsert_{name}"):
            lines.append(
                row(
                    f"upsert of 1 % of {one['rows']:,} rows, {name} keys, CPU over delta-rs' MERGE",
                    "≤ 1 ×",
                    f"{one['ratio']:.2f} ×",
                    one["ratio"] <= 1,
                )
            )
            lines.append(
                row(
                    f"the same, peak memory (delta-rs: {one['theirs_peak_mib']:.0f} MiB)",
                    "≤ 1,024 MiB",
                    f"{one['ours_peak_mib']:.0f} MiB",
                    one["ours_peak_mib"] <= 1024,
                )
            )
    for name, one in sorted(found.items()):
        if name.startswith(("load_", "first_load_")):
            aim = 0.8 if name.startswith("first") else 0.6
            lines.append(
                row(
                    f"{name.replace('_', ' ')}, {one['bytes'] / 1e9:.1f} GB: bytes per CPU-s over DuckDB's reader",
                    f"≥ {aim} ×",
                    f"{one['speed_ratio']:.2f} ×",
                    one["speed_ratio"] >= aim,
                )
            )
            lines.append(
                row(
                    "the same, peak memory",
                    "< 1,500 MB",
                    f"{one['ours_peak_mib'] * 1.048576:.0f} MB",
                    one["ours_peak_mib"] * 1.048576 < 1500,
                )
            )
    for name, one in found.get("memory", {}).items():
        lines.append(
            row(
                f"peak memory of a load: {name.replace('_', ' ')}",
                "< 1,500 MB",
                f"{one['peak_mib'] * 1.048576:.0f} MB",
                one["peak_mib"] * 1.048576 < 1500,
            )
        )
    for name, what, aim in (
        ("pipeline_cold", "a pipeline of two datasets, ten rows, cold, CPU over DuckDB alone", 8),
        ("pipeline_nothing", "fifty datasets with nothing to do, CPU over DuckDB alone", 5),
        ("pipeline_publishing", "an update with expectations over the bare query and write", 1.1),
    ):
        if one := found.get(name):
            lines.append(row(what, f"≤ {aim} ×", f"{one['ratio']:.2f} ×", one["ratio"] <= aim))
    lines += web_rows(found)
    lines += model_rows(found)
    lines += acting_rows(found)
    return lines


def acting_rows(found: dict[str, dict]) -> list[str]:
    lines = []
    if one := found.get("acting_first_rows"):
        for name, query in one["queries"].items():
            lines.append(
                row(f"from asking to the first rows, {name} of {one['rows']:,}, above the engine's "
                    f"own {query['engine_ms']:.0f} ms", "≤ 60 ms", f"{query['above_ms']:.0f} ms",
                    query["above_ms"] <= 60)
            )  # fmt: skip
    if one := found.get("scrolling"):
        worst = min(one["cases"].values(), key=lambda case: case["frames_a_second"])
        most = max(case["peak_mb"] for case in one["cases"].values())
        lines += [
            row(f"scrolling {one['rows']:,} rows of a result, frames drawn a second by the browser's "
                f"trace, at the worst of {len(one['cases'])} speeds", "≥ 50",
                f"{worst['frames_a_second']:.0f}", worst["frames_a_second"] >= 50),
            row("the same, memory of the page's scripts", "≤ 50 MB", f"{most:.0f} MB", most <= 50),
        ]  # fmt: skip
    if one := found.get("acting_words"):
        lines.append(
            row(f"completion with {one['tables']:,} tables, CPU of the server", "≤ 30 ms",
                f"{one['cpu_ms']:.0f} ms", one["cpu_ms"] <= 30)
        )  # fmt: skip
    if one := found.get("acting_upload"):
        lines += [
            row(f"an upload of {one['bytes'] / 1e9:.1f} GB over `cp`, by speed", "≥ 0.8 ×",
                f"{one['speed']:.2f} ×", one["speed"] >= 0.8),
            row("the same, peak memory of the server", "≤ 200 MB", f"{one['peak_mb']:.0f} MB",
                one["peak_mb"] <= 200),
        ]  # fmt: skip
    return lines


def model_rows(found: dict[str, dict]) -> list[str]:
    lines = []
    if one := found.get("models_card"):
        lines.append(
            row(f"the card of a model of {one['bytes'] / 1e9:.0f} GB with {one['tokens']:,} tokens",
                "< 100 ms", f"{one['cpu_ms']:.0f} ms of CPU", one["cpu_ms"] < 100)
        )  # fmt: skip
    if one := found.get("models_count"):
        lines.append(
            row(f"counting a prompt of {one['tokens']:,} tokens", "< 60 ms", f"{one['ms']:.0f} ms",
                one["ms"] < 60)
        )  # fmt: skip
    if one := found.get("models_gateway"):
        lines += [
            row(f"the gateway over its engine's own server, CPU a token, {one['pairs']} pairs",
                "< 1.02 × (upper end)",
                f"{one['ratio']:.3f} × ({one['low']:.3f} to {one['high']:.3f})",
                one["high"] < 1.02),
            row("the same, to the first token", "< 5 ms", f"{one['first_ms']:.1f} ms",
                one["first_ms"] < 5),
        ]  # fmt: skip
    return lines


def web_rows(found: dict[str, dict]) -> list[str]:
    lines = []
    if one := found.get("web_first_page"):
        lines += [
            row("`lakelet up` to its first page, CPU over `datasette serve` to its", "≤ 1.6 ×",
                f"{one['ratio']:.2f} ×", one["ratio"] <= 1.6),
            row(f"the same, peak memory (datasette: {one['theirs_peak_mb']:.0f} MB)", "≤ 150 MB",
                f"{one['ours_peak_mb']:.0f} MB", one["ours_peak_mb"] <= 150),
        ]  # fmt: skip
    if one := found.get("web_pages"):
        pages = len(one["pages"])
        lines += [
            row(f"{pages} pages of 2,000 tables, 10,000 updates, 50,000 runs: CPU of the slowest, "
                f"{one['slowest']}", "< 150 ms", f"{one['slowest_cpu_ms']:.0f} ms",
                one["slowest_cpu_ms"] < 150),
            row("the same, of the one in the middle", "< 150 ms", f"{one['median_cpu_ms']:.0f} ms",
                one["median_cpu_ms"] < 150),
        ]  # fmt: skip
    if one := found.get("web_many_rows"):
        for what, name in (("again", ""), ("the first time", "first_")):
            wall, cpu = one[f"{name}wall_ms"], one[f"{name}cpu_ms"]
            lines.append(
                row(f"the first 200 rows of {one['rows']:,}, {what}", "< 300 ms",
                    f"{wall:.0f} ms ({cpu:.0f} of CPU)", wall < 300)
            )  # fmt: skip
    if one := found.get("web_people"):
        lines.append(
            row(f"{one['people']} people reading while a pipeline runs: 95th percentile",
                "< 1 s, no error", f"{one['p95_ms']:.0f} ms, {one['errors']} errors",
                one["p95_ms"] < 1000 and not one["errors"])
        )  # fmt: skip
    return lines


def refreshes(found: dict) -> list[str]:
    """Every case of bench/incremental.py, a line each."""
    lines = [
        "| groups | columns | keys of the rows appended | share | in full | from changes "
        "| cheaper by | chosen over the cheaper (aim ≤ 1.2) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in found["cases"]:
        begun = f"| {one['groups']:,} | {VIEWS[one['view']]} | {one['keys']} | {one['share']:.1%} "
        costs = f"| {one['whole']:.2f} | {one['changes']:.2f} "
        if not one["share"]:
            lines.append(f"{begun}{costs}| | {one['chosen']:.2f} |")
            continue
        aim = AIMS.get((one["view"], one["share"]))
        if one["view"] == "recomputed" and one["groups"] < 1_000_000:
            aim = None
        told = "" if aim is None else f" (aim {aim:.0f})"
        lines.append(
            f"{begun}{costs}| {one['cheaper_by']:.1f} ×{told} "
            f"| {one['chosen_over_cheaper']:.2f} ({one['chose']}) |"
        )
    return lines


def put(page: str, marks: tuple[str, str], text: str) -> str:
    """The page with a text between two marks."""
    head, _, rest = page.partition(marks[0])
    _, _, tail = rest.partition(marks[1])
    return f"{head}{marks[0]}\n\n{text}\n\n{marks[1]}{tail}"


def main() -> None:
    found = {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}
    table = ["| what | aim | measured | |", "|---|---|---|---|", *rows(found)]
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, 2 shared cores."
    page = put(PAGE.read_text(), (START, END), f"{machine}\n\n" + "\n".join(table))
    if one := found.get("incremental"):
        page = put(page, REFRESHES, "\n".join(refreshes(one)))
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
