"""What typical mistakes are told: names, place and hint, and no word of the engines behind."""

from __future__ import annotations

import re

import pytest

from lakelet.errors import LakeletError, SqlError
from lakelet.session import Workspace

MISTAKES = [
    ("SELECT nam FROM s.t", "UNRESOLVED_COLUMN.*nam.*line 1, column 8.*did you mean name"),
    ("SELECT id,\n  'a\nb', foo FROM s.t", r"no column foo.*line 3, column 5.*DESCRIBE"),
    ("SELECT x.foo FROM s.t x", r"no column x\.foo"),
    ("SELECT y.id FROM s.t x", r"y names no table.*known here: x"),
    ("SELECT foo", "no column foo: the query reads nothing.*'foo'"),
    ("SELECT * EXCEPT (foo) FROM s.t", "no column foo"),
    ("SELECT id FROM s.t a JOIN s.t b ON a.id = b.id", r"AMBIGUOUS_REFERENCE.*a\.id or b\.id"),
    ("SELECT name, count(*) FROM s.t", r"MISSING_AGGREGATION.*name.*any_value\(name\)"),
    ("SELECT id FROM s.t WHERE max(id) > 1", "WHERE takes no aggregate.*HAVING"),
    ("SELECT id FROM s.t WHERE rank() OVER (ORDER BY id) = 1", "WHERE takes no.*QUALIFY"),
    ("SELECT id + name FROM s.t", r"\+ does not take BIGINT and STRING"),
    ("SELECT name LIKE 1 FROM s.t", "LIKE does not take STRING and INT"),
    ("SELECT CAST('99999999999' AS INT)", "CAST_OVERFLOW.*99999999999.*range of INT.*try_cast"),
    ("SELECT CAST('a' AS DOUBLE)", "CAST_INVALID_INPUT.*of type STRING"),
    ("SELECT TIMESTAMP 'a'", r"cannot be cast to TIMESTAMP\."),
    ("SELECT 2147483647 + 1", r"ARITHMETIC_OVERFLOW.*2147483647 \+ 1.*of INT"),
    ("SELECT abs('a')", "the text 'a' cannot be read as DOUBLE"),
    ("SELECT 1 UNION SELECT 1, 2", "NUM_COLUMNS_MISMATCH"),
    ("SELECT (SELECT id FROM s.t)", "SCALAR_SUBQUERY_TOO_MANY_ROWS.*LIMIT 1"),
    ("SELECT id IN (SELECT 1, 2) FROM s.t", "gives 2 columns where 1"),
    ("SELECT explode(name) FROM s.t", "take an ARRAY, not STRING"),
    ("SELECT name.x FROM s.t", "name is no STRUCT"),
    ("SELECT st.fild FROM s.t", "FIELD_NOT_FOUND.*fild.*did you mean field"),
    ("SELECT map('a', 1, 'a', 2)", "DUPLICATED_MAP_KEY"),
    ("SELECT element_at(map('a', 1), 1)", "key is of another type"),
    ("SELECT upper(arr) FROM s.t", r"a function or operator here does not take ARRAY<INT>\."),
    ("SELECT lower(arr) FROM s.t", r"lower\(\) does not take ARRAY<INT> \(line 1, column 8"),
    ("SELECT element_at(arr, 1.5) FROM s.t", r"place is a whole number, not DECIMAL\(2,1\)"),
    ("SELECT s.x.y FROM (SELECT named_struct('x', 1) AS s)", r"s\.x is no STRUCT and has no field y"),
    ("SELECT st.x.y FROM s.t", r"no field x in the STRUCT \(line 1"),
    ("SELECT CASE WHEN id = 1 THEN day ELSE 1 END FROM s.t", "INT and DATE are mixed.*of CASE"),
    ("SELECT coalesce(day, 1) FROM s.t", "DATE and INT are mixed.*COALESCE"),
    ("SELECT id IN (day) FROM s.t", "BIGINT and DATE stand where one type"),
    ("SELECT * FROM VALUES (1, 2), (3)", "a row of VALUES has 1 value where the first has 2 values"),
    ("SELECT make_date(2026, 13, 1)", "2026-13-1 is no day of the calendar"),
    ("SELECT make_timestamp(2026, 1, 1, 25, 0, 0)", "25:0:0.* is no time of the day"),
    ("SELECT CAST('abc' AS INT)", "abc of type STRING cannot be cast to INT"),
    ("SELECT CAST(name AS SMALLINT) FROM s.t", "cannot be cast to SMALLINT"),
    ("SELECT int('x')", "cannot be cast to INT"),
    ("SELECT CAST(day AS BIGINT) FROM s.t", "of type DATE cannot be cast to BIGINT"),
    ("SELECT concat(arr, 'x') FROM s.t", "ARRAY<INT> and STRING cannot be joined"),
    ("SELECT a.id FROM s.t a JOIN s.t a ON true", "two tables of this query are called a"),
    ("SELECT id.* FROM s.t", r"id in id\.\* names no table"),
    ("SELECT count(*) FROM s.t GROUP BY sum(id)", "GROUP BY takes no aggregate"),
    ("SELECT sum(sum(id)) FROM s.t", "an aggregate stands inside an aggregate"),
    ("VACUUM s.t RETAIN x HOURS", r"after 's\.t RETAIN', but it says 'x'"),
    ("SELECT 7//2", "div"),
    ("SELECT 1 +", r"missing after '\+' \(line 1, column 10\)"),
    ("SELECT 'a b!',\n 1 + * 2 FROM", r"PARSE_SYNTAX_ERROR.*line 2"),
    ("SELECT SELECT FROM s.t", "'SELECT' is not expected here.*backticks"),
    ("SELECT (1 + 2", r"\) is missing after '2'"),
    ("SELECT * FROM s.t WHERE", "missing after 'WHERE'"),
    ("SELECT CAST(1 AS foo)", "'foo' is no type"),
    ("SELECT ?", "has 1 [?] marker, and 0 values were given"),
    ("SELECT substring(name, 1, 2, 3) FROM s.t", "takes 2 to 3 arguments"),
    ("SELECT * FROM read_file('a')", "did you mean read_files"),
    ("SELECT regexp_extract(name, '(') FROM s.t", "regular expression '.' cannot be read"),
    ("SELECT * FROM delta.`/nope`", "there is no such folder.*check the path"),
    ("SELCT 1", "did you mean SELECT"),
    ("OPTIMIZE s.t ZORDER BY (day)", "ZORDERING_ON_PARTITION_COLUMN.*partitioned by day"),
    ("DELETE FROM s.t WHERE nam = 'x'", "no column nam.*line 1, column 23.*Nothing was changed"),
    ("MERGE INTO s.t t USING s.t u ON t.id = u.foo WHEN MATCHED THEN DELETE", r"column u\.foo"),
    ("CREATE TABLE s.n AS SELECT named_struct('a', NULL) AS st", "st.*NULL.*no table was made"),
]  # fmt: skip
INNARDS = re.compile(
    r"lk_|sqlglot|VARCHAR|Candidate|LINE \d|_metadata|INT32|class '|Binder|HUGEINT|INTEGER|_extract|"
    r"explicit cast|_LITERAL|\[\]"
)


@pytest.fixture
def table(ws: Workspace) -> Workspace:
    ws.sql(
        "CREATE TABLE s.t (id BIGINT, name STRING, day DATE, st STRUCT<field: BIGINT>, "
        "arr ARRAY<INT>, "
        "_metadata STRUCT<file_path: STRING>) PARTITIONED BY (day)"
    )
    ws.sql("INSERT INTO s.t (id, name, day) VALUES (1, 'a', DATE '2026-01-01'), (2, 'b', NULL)")
    return ws


@pytest.mark.parametrize(("query", "told"), MISTAKES)
def test_a_mistake_is_told_in_the_words_of_the_query(
    table: Workspace, query: str, told: str
) -> None:
    before = table.table("s.t").version
    with pytest.raises(LakeletError) as raised:
        table.sql(query).rows()
    said = str(raised.value)
    assert re.search(told, said, re.S), said
    assert not INNARDS.search(said), said
    assert table.table("s.t").version == before


def test_what_is_not_text_becomes_text_where_text_is_wanted(table: Workspace) -> None:
    query = (
        "SELECT lpad(id, 3, '0'), left(day, 4), length(12345), replace(day, '-', ''), trim(id), "
        "substring(TIMESTAMP '2026-01-01 10:00:00', 1, 10), upper(true), length(1e10), "
        "day LIKE '2026%', day RLIKE '01$', position(1 IN 21), contains(id, 1) FROM s.t "
        "WHERE id = 1"
    )
    assert table.sql(query).rows() == [
        ("001", "2026", 5, "20260101", "1", "2026-01-01", "TRUE", 6, True, True, 2, True)
    ]


def test_null_goes_into_a_field_of_any_type(table: Workspace) -> None:
    table.sql("INSERT INTO s.t (id, st) SELECT 3, named_struct('field', NULL)")
    table.sql("UPDATE s.t SET st = named_struct('field', NULL) WHERE id = 1")
    found = table.sql("SELECT id, st FROM s.t ORDER BY id").rows()
    assert found == [(1, {"field": None}), (2, None), (3, {"field": None})]


def test_values_for_markers_are_counted(ws: Workspace) -> None:
    with pytest.raises(SqlError, match=r"has 0 . markers, and 1 value was given"):
        ws.sql("SELECT 1", [7])
    assert ws.sql("SELECT ? + ?", [1, 2]).rows() == [(3,)]


def test_a_marker_counts_once_however_often_it_is_written(ws: Workspace) -> None:
    query = "SELECT ? - ?, a FROM (SELECT id AS a FROM range(9) WHERE id = ?) WHERE a < ?"
    assert ws.sql(query, [7, 2, 4, 5]).rows() == [(5, 4)]
    assert ws.sql("SELECT ?", ["x"]).columns == ["?"]
