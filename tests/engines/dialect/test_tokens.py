"""Text is split exactly, and strings arrive as they were meant."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engines.dialect.duck import Duck
from lakelet.engines.dialect.documentation import page
from lakelet.engines.dialect.tokens import text_of, tokenize
from lakelet.errors import SqlError

DUCK = Duck()


@given(st.text())
def test_tokens_joined_give_the_text_back(text: str) -> None:
    try:
        tokens = tokenize(text)
    except SqlError:
        return
    assert "".join(token.text for token in tokens) == text


def spelled(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


@given(st.text())
def test_a_string_is_what_was_written(value: str) -> None:
    (token,) = tokenize(spelled(value))
    assert text_of(token) == value


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_string_reaches_the_engine_unchanged(value: str) -> None:
    assert DUCK.answer(spelled(value))["rows"] == [[value]]


@given(st.text(min_size=1, max_size=20).filter(lambda name: "\0" not in name))
def test_quoted_names_cannot_break_out(name: str) -> None:
    quoted = "`" + name.replace("`", "``") + "`"
    got = DUCK.answer(f"select {quoted} from (select 1 as {quoted})")
    assert got.get("rows") == [[1]] or "refused" in got or "error" in got


@given(st.integers(-(2**31) + 1, 2**31 - 1), st.integers(-(2**31) + 1, 2**31 - 1))
def test_div_and_remainder_belong_together(a: int, b: int) -> None:
    if b:
        (row,) = DUCK.answer(f"select ({a}) div ({b}), ({a}) % ({b})")["rows"]
        assert row[0] * b + row[1] == a


def test_the_page_is_up_to_date() -> None:
    docs = Path(__file__).parents[3] / "docs" / "sql-functions.md"
    assert docs.read_text("utf-8") == page()


def test_importing_the_package_is_light() -> None:
    loaded = "print('sqlglot' in sys.modules, 'duckdb' in sys.modules)"
    code = f"import sys, lakelet.engines.dialect; {loaded}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
