"""The differences that were measured before this was written, each by name."""

from __future__ import annotations

import pytest

from engines.dialect.duck import Duck


@pytest.fixture(scope="module")
def duck() -> Duck:
    return Duck()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("cast(1.5 as int)", 1),
        ("cast(-1.5 as int)", -1),
        ("dayofweek(date'2020-02-02')", 1),
        ("substring('hello', 0, 2)", "he"),
        ("substring('hello', -3, 2)", "ll"),
        ("7 / 2", "3.5"),
        ("'a\\nb'", "a\nb"),
        ("r'a\\nb'", "a\\nb"),
        ('"text"', "text"),
        ("concat('a', null)", None),
        ("greatest(1, null)", 1),
        ("round(2.675d, 2)", "2.68"),
        ("regexp_extract('a1', '([a-z])([0-9])')", "a"),
        ("null <=> null", True),
        ("'a%' like 'a\\%'", True),
        ("cast(1e10 as string)", "1.0E10"),
        ("hour(timestamp'2020-01-01 12:00:00Z')", 13),
        ("hour(timestamp'2020-07-01 12:00:00Z')", 14),
        ("element_at(array(1, 2), 1)", 1),
        ("- -1", 1),
        ("-(-(2))", 2),
        ("concat('<b(x)>', 'y')", "<b(x)>y"),
        ("element_at(transform(array('x'), (e, i) -> '\"i\"'), 1)", '"i"'),
        ("concat('\ue010count(1)\ue011', 'y')", "\ue010count(1)\ue011y"),
        ("'{0}' || upper('{1}')", "{0}{1}"),
        ("coalesce('lk_fail', 'x')", "lk_fail"),
    ],
)
def test_value(duck: Duck, expression: str, value: object) -> None:
    assert duck.answer(expression)["rows"] == [[value]]


def test_percentile_lies_between_rows(duck: Duck) -> None:
    got = duck.answer("select percentile(x, 0.5) from values (1), (2) t(x)")
    assert got["rows"] == [["1.5"]]


def test_nulls_come_first(duck: Duck) -> None:
    got = duck.answer("select x from values (1), (null) t(x) order by x")
    assert got["rows"] == [[None], [1]]


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("1 / 0", "DIVIDE_BY_ZERO"),
        ("1.5 / 0", "DIVIDE_BY_ZERO"),
        ("1 % 0", "REMAINDER_BY_ZERO"),
        ("1 div 0", "DIVIDE_BY_ZERO"),
        ("2147483647 + 1", "Overflow"),
        ("cast('1.5' as int)", "CAST_INVALID_INPUT"),
        ("element_at(array(1), 0)", "INVALID_INDEX_OF_ZERO"),
        ("element_at(array(1), 2)", "INVALID_ARRAY_INDEX"),
        ("array_join(array(1.5d), ',')", "DATATYPE_MISMATCH"),
    ],
)
def test_failure(duck: Duck, expression: str, error: str) -> None:
    assert error in duck.answer(expression)["error"]


@pytest.mark.parametrize("column", ["'1.7'", "date'2020-01-01'", "true"])
def test_a_number_is_not_compared_with_something_else(duck: Duck, column: str) -> None:
    got = duck.answer(f"select * from values ({column}) t(x) where x = 2")
    assert "DATATYPE_MISMATCH" in got.get("error", got.get("refused"))


def test_text_beside_a_number_is_not_rounded(duck: Duck) -> None:
    got = duck.answer("select * from values (2) t(x) where x = '1.7'")
    assert "CAST_INVALID_INPUT" in got["error"]


def test_decimals_keep_their_type(duck: Duck) -> None:
    got = duck.answer("select sum(x), avg(x), x * x from values (1.50) t(x) group by x")
    assert got["types"] == ["decimal(13,2)", "decimal(7,6)", "decimal(7,4)"]
