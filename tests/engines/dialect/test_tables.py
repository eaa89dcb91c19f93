"""Which tables a query reads, and at which moment."""

from __future__ import annotations

import pytest

from lakelet.engines.dialect import translate_query
from lakelet.errors import SqlError


def only(text: str, dialect: str = "databricks"):
    (table,) = translate_query(text, dialect=dialect).tables
    return table


@pytest.mark.parametrize("dialect", ["databricks", "duckdb"])
@pytest.mark.parametrize(
    "form",
    ["bronze.posts@v3", "bronze.posts VERSION AS OF 3", "bronze.posts FOR VERSION AS OF '3'"],
)
def test_a_version_is_never_taken_for_an_alias(form: str, dialect: str) -> None:
    table = only(f"SELECT posts.id FROM {form}", dialect)
    assert (table.parts, table.version) == (("bronze", "posts"), 3)
    assert table.view == '"bronze"."posts@v3"'


@pytest.mark.parametrize(
    ("form", "moment"),
    [
        ("TIMESTAMP AS OF '2026-01-31'", "2026-01-31"),
        ("TIMESTAMP AS OF timestamp '2026-01-31 12:00:00'", "2026-01-31 12:00:00"),
        ("TIMESTAMP AS OF cast('2026-01-31' AS DATE)", "2026-01-31"),
        ("@20260131120000123", "2026-01-31 12:00:00.123"),
    ],
)
def test_moments(form: str, moment: str) -> None:
    assert only(f"SELECT * FROM posts {form} AS p WHERE p.x = 1").timestamp == moment


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM a@x3",
        "SELECT * FROM a TIMESTAMP AS OF now()",
        "SELECT * FROM a@20261301000000000",
        "SELECT * FROM a VERSION AS OF 1.5",
    ],
)
def test_an_unreadable_moment_is_refused(text: str) -> None:
    with pytest.raises(SqlError):
        translate_query(text)


def test_text_and_comments_are_left_alone() -> None:
    got = translate_query("SELECT 'a@v3 VERSION AS OF 3' AS x /* a@v1 */ FROM t -- @v2")
    assert [table.version for table in got.tables] == [None]
    assert "'a@v3 VERSION AS OF 3'" in got.sql


def test_common_names_are_not_tables() -> None:
    got = translate_query("WITH x AS (SELECT * FROM Y) SELECT * FROM x JOIN z.x AS q ON true")
    assert [table.parts for table in got.tables] == [("y",), ("z", "x")]


def test_a_common_name_does_not_know_itself() -> None:
    got = translate_query("WITH x AS (SELECT * FROM x) SELECT * FROM x")
    assert [table.parts for table in got.tables] == [("x",)]


def test_a_table_by_path_keeps_its_case() -> None:
    assert only("SELECT * FROM delta.`s3://Bucket/T`").parts == ("delta", "s3://Bucket/T")
    assert only("SELECT * FROM delta.`/T@v7`").version == 7


def test_read_files_becomes_a_call() -> None:
    got = translate_query("SELECT * FROM read_files('raw:a', format => 'json', header => false) f")
    (call,) = got.calls
    assert call.positional == ("raw:a",)
    assert call.named == (("format", "json"), ("header", False))
    assert call.view in got.sql


def test_stream_is_refused() -> None:
    with pytest.raises(SqlError, match="STREAM"):
        translate_query("SELECT * FROM STREAM bronze.posts")


def test_parameters_stay_bound() -> None:
    got = translate_query("SELECT * FROM t WHERE a = :lo AND b = :lo AND c < :hi")
    assert got.parameters == ("lo", "hi")
    assert "$lo" in got.sql
