"""The known answers computed anew by a Spark-compatible engine."""

from __future__ import annotations

import pytest

from engines.dialect.sail import answers
from engines.dialect.test_answers import CASES

pytestmark = pytest.mark.slow


@pytest.mark.filterwarnings("ignore")
def test_the_answers_are_those_of_another_engine() -> None:
    cases = [case for case in CASES if "page" not in case]
    wrong = []
    for case, got in zip(cases, answers(case["sql"] for case in cases), strict=True):
        if "error" in case or "error" in got:
            if ("error" in case) != ("error" in got):
                wrong.append((case, got))
        elif (case["types"], case["rows"]) != (got["types"], got["rows"]):
            wrong.append((case, got))
    assert not wrong
