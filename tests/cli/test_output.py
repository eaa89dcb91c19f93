"""What is printed says what is there, digit for digit."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from conftest import make_workspace
from lakelet.cli.app import cli
from lakelet.cli.output import cell_text, json_text, table_lines


@pytest.mark.parametrize(
    "digits", ["9007199254740993", "123456789012345678.25", "-0.10", "18446744073709551616"]
)
def test_decimals_keep_their_digits(digits: str) -> None:
    assert json_text({"a": [Decimal(digits), 1.5, "x"]}) == f'{{"a": [{digits}, 1.5, "x"]}}'
    assert cell_text([Decimal(digits)]) == f"[{digits}]"


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "markdown"])
def test_a_long_result_is_told_whole_without_being_held(tmp_path: Path, form: str) -> None:
    ws = make_workspace(tmp_path / "ws", "Europe/Berlin")
    query = (
        "SELECT id, TIMESTAMP '2026-01-01 10:00:00' AS t, 1.10BD AS d FROM range(25000) ORDER BY id"
    )
    result = ws.sql(query)
    rows, count = result.first(200)
    assert (len(rows), count) == (200, 25_000)
    assert [row for portion in ws.sql(query).portions() for row in portion] == ws.sql(query).rows()
    done = CliRunner().invoke(cli, ["--workspace", str(ws.folder.root), "sql", query, "--as", form])
    assert done.exit_code == 0
    if form == "table":
        assert "the first 200 of 25,000 rows" in done.stdout
    else:
        assert len(done.stdout.splitlines()) - 25_000 in (0, 1, 2)
        assert "1.10" in done.stdout and "24999" in done.stdout


def test_columns_that_do_not_fit_stand_below_with_the_first_one() -> None:
    names = ("name", "quantization", "licence", "about")
    rows = [("qwen3-4b", "Q4_K_M", "permissive", "x" * 50), ("tiny", "F16", "unknown", "y")]
    assert [line for line in table_lines(names, rows, width=40) if "─" not in line] == [
        "name      quantization  licence",
        "qwen3-4b  Q4_K_M        permissive",
        "tiny      F16           unknown",
        "",
        "name      about",
        "qwen3-4b  " + "x" * 29 + "…",
        "tiny      y",
    ]
    beside = table_lines(names, rows, width=60)
    assert len(beside) == 4 and all(len(line) <= 60 for line in beside)
    assert table_lines(("name", "path"), [("a", "b" * 90)], width=40, whole=("path",))[-1] == (
        "a     " + "b" * 90
    )
