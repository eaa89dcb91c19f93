"""Several statements in one text: one after another, and what became of which."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lakelet.engines.dialect.splitting import split_statements
from lakelet.errors import SqlError
from lakelet.session import Workspace


def run(ws: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lakelet", *arguments],
        cwd=ws.folder.root, capture_output=True, text=True, check=False,
    )  # fmt: skip


def texts(script: str, dialect: str = "databricks") -> list[str]:
    return [piece.text for piece in split_statements(script, dialect)]  # type: ignore[arg-type]


def test_a_semicolon_in_a_text_a_name_or_a_comment_ends_nothing() -> None:
    script = """-- one; two
        SELECT ';' AS `a;b`, "x;y", 'it''s; so', r'\\;' /* ; /* ; */ ; */;
        ; -- nothing
        SELECT $$ a; b $$; SELECT 3 -- the end;"""
    first, second, third = texts(script)
    assert first.startswith("SELECT ';' AS `a;b`") and first.endswith("r'\\;'")
    assert (second, third) == ("SELECT $$ a; b $$", "SELECT 3")
    assert texts("SELECT $t$ a; b $t$; SELECT 'a\\';", "duckdb") == [
        "SELECT $t$ a; b $t$", "SELECT 'a\\'"
    ]  # fmt: skip
    assert [piece.line for piece in split_statements(script, "databricks")] == [2, 4, 4]
    assert texts(" ; -- x\n;") == []
    with pytest.raises(SqlError, match="never closed"):
        texts("SELECT 1; SELECT 'a;")


def test_statements_of_a_file_run_one_after_another(ws: Workspace) -> None:
    path = ws.folder.root / "q.sql"
    path.write_text(
        "\ufeff-- a script; with a comment\nCREATE TABLE s.q AS SELECT ';' AS a;\n\n"
        "INSERT INTO s.q VALUES (:b);\nSELECT * FROM s.q ORDER BY a;\n"
    )
    done = run(ws, "sql", "-f", "q.sql", "--param", "b=x", "--as", "jsonl")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ['{"a": ";"}', '{"a": "x"}']
    assert done.stderr == ""


def test_a_failure_tells_which_it_is_and_what_became_of_the_others(ws: Workspace) -> None:
    script = "CREATE TABLE s.q AS SELECT 1 AS a;\nINSERT INTO s.q\nSELECT nope;\nDROP TABLE s.q;"
    (ws.folder.root / "q.sql").write_text(script)
    done = run(ws, "sql", "-f", "q.sql")
    assert done.returncode == 1
    assert "statement 2 of 3 (line 2: INSERT INTO s.q) failed:" in done.stderr
    assert "no column nope" in done.stderr
    assert "The one before it is done, and stays. The one after it was not run." in done.stderr
    assert "Traceback" not in done.stderr
    assert ws.sql("SELECT * FROM s.q").rows() == [(1,)]
    done = run(ws, "sql", "SELECT nope; SELECT 2; SELECT 3")
    assert "Nothing was done before it. The 2 after it were not run." in done.stderr


def test_one_file_takes_one_result(ws: Workspace) -> None:
    done = run(ws, "sql", "CREATE TABLE s.q AS SELECT 1 AS a; SELECT 2", "-o", "x.csv")
    assert done.returncode == 2 and "here are 2; nothing was run" in done.stderr
    assert list(ws.tables()) == []
    (ws.folder.root / "q.sql").write_bytes(b"SELECT '\xff'")
    done = run(ws, "sql", "-f", "q.sql")
    assert done.returncode == 2 and "not text in UTF-8" in done.stderr


def test_a_bar_in_a_name_stays_in_its_cell(ws: Workspace) -> None:
    done = run(ws, "sql", "SELECT 'x|y' AS `a|b`", "--as", "markdown")
    assert done.stdout.splitlines() == ["| a\\|b |", "|---|", "| x\\|y |"]
