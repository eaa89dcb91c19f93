"""Every entry of the tables gives the known answer, or fails as Databricks fails.

``answers.jsonl`` holds one case a line: ``sql``, then ``types`` and ``rows``, or ``error``. One
with ``page`` is the value documented on that page of Databricks' SQL reference, where the engine
that stands in for it (see test_other_engine.py) departs from it; all others were computed by it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from engines.dialect.duck import Duck
from lakelet.engines.dialect.functions import table

CASES: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parent / "answers.jsonl").read_text("utf-8").splitlines()
]


def _says(got: dict[str, Any], error: str) -> bool:
    """Whether a failure names Databricks' error class; DuckDB words overflows itself."""
    named = re.fullmatch(r"[A-Z_.]+", error) is not None and error != "ARITHMETIC_OVERFLOW"
    return not named or error in str(got)


@pytest.fixture(scope="module")
def duck() -> Duck:
    return Duck()


@pytest.mark.parametrize("start", range(0, len(CASES), 50))
def test_known_answers(duck: Duck, start: int) -> None:
    wrong = []
    for case in CASES[start : start + 50]:
        got = duck.answer(case["sql"])
        if "error" in case:
            if ("error" not in got and "refused" not in got) or not _says(got, case["error"]):
                wrong.append((case, got))
        elif (got.get("types"), got.get("rows")) != (case["types"], case["rows"]):
            wrong.append((case, got))
    assert not wrong


@pytest.mark.parametrize("name", sorted(table()))
def test_every_function_has_answers(name: str) -> None:
    called = re.compile(rf"(?<!\w){name}\(")
    assert any(called.search(case["sql"]) for case in CASES)


def test_the_functions_used_most_are_there() -> None:
    assert len(table()) >= 150
