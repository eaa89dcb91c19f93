"""What is not in the tables is refused by name, before anything runs."""

from __future__ import annotations

import pytest

from lakelet.engines.dialect import failure_text, translate_expression, translate_query
from lakelet.errors import SqlError


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT upperr('a')", "upper"),
        ("SELECT from_json(x, 'a INT') FROM t", "from_json"),
        ("SELECT * FROM t PIVOT (sum(x) FOR y IN (1, 2))", "PIVOT"),
        ("SELECT * FROM t TABLESAMPLE (10 ROWS)", "SAMPLE"),
        ("SELECT * FROM a ASOF JOIN b ON a.x = b.x", "ASOF"),
        ("SELECT a FROM t SORT BY a", "SORT"),
        ("SELECT a FROM t CLUSTER BY a", "CLUSTER"),
        ("SELECT DISTINCT ON (a) b FROM t", "DISTINCT ON"),
        ("SELECT cast(a AS ARRAY<INT>) FROM t", "ARRAY"),
        ("SELECT cast(a AS VARCHAR(3)) FROM t", "VARCHAR"),
        ("SELECT a & b | c FROM t", "parentheses"),
        ("SELECT a || b + c FROM t", "parentheses"),
        ("SELECT a LIKE ANY ('x', 'y') FROM t", "LIKE ANY"),
        ("SELECT a FROM t WHERE a RLIKE b", "literal"),
        ("SELECT a RLIKE '(?=x)' FROM t", "regular expression"),
        ("SELECT regexp_replace(a, 'x*', 'y') FROM t", "match nothing"),
        ("SELECT date_format(d, 'G') FROM t", "date pattern"),
        ("SELECT array(1, 2)[0]", "element_at"),
        ("SELECT explode(a), explode(b) FROM t", "MULTI_GENERATOR"),
        ("SELECT 1 + explode(a) FROM t", "explode"),
        ("SELECT row_number() FROM t", "OVER"),
        ("SELECT sum(a, b) FROM t", "takes 1 argument"),
        ("SELECT * FROM parquet.`/a/b`", "read_files"),
        ("SELECT * FROM somewhere(1)", "somewhere"),
        ("WITH RECURSIVE r AS (SELECT 1) SELECT * FROM r", "RECURSIVE"),
        ("SELECT a FROM t FOR UPDATE", "LOCKS"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("EXPLAIN SELECT 1", "cannot start with"),
        ("", "no SQL"),
        ("SELECT 'open", "never closed"),
        ("SELECT * FROM a JOIN", "cannot be read"),
        ("SELECT :a, ?", "mixed"),
        ("SELECT 1 UNION SELECT 'a'", "INCOMPATIBLE_COLUMN_TYPE"),
        ("SELECT a LIKE 'x\\\\y' FROM t", "escape"),
    ],
)
def test_refused(text: str, says: str) -> None:
    with pytest.raises(SqlError) as caught:
        translate_query(text)
    assert says.lower() in str(caught.value).lower()


@pytest.mark.parametrize("text", ["a = 1 FROM t", "a, b", "1 AS x", "", "SELECT 1"])
def test_an_expression_stands_alone(text: str) -> None:
    with pytest.raises(SqlError):
        translate_expression(text)


def test_an_expression_is_translated() -> None:
    got = translate_expression("upper(name) = 'X' AND age BETWEEN 1 AND 9")
    assert '"name"' in got.sql
    assert not got.tables


def test_failure_text_finds_our_own_words() -> None:
    wrapped = "Conversion Error: Could not convert string '[DIVIDE_BY_ZERO] No.' to INT32\n\nLINE"
    assert failure_text(wrapped) == "[DIVIDE_BY_ZERO] No."
    assert failure_text("Catalog Error: no such table") is None
