"""Statements about whole tables, listings, and what is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.statements.rows import refused, rows, version
from lakelet.errors import SqlError, TableExistsError, TableNotFoundError, VersionNotFoundError
from lakelet.session import Workspace


@pytest.fixture
def t(ws: Workspace) -> Workspace:
    ws.sql("CREATE TABLE b.t (id BIGINT COMMENT 'key', day DATE) PARTITIONED BY (day)")
    ws.sql("INSERT INTO b.t VALUES (1, DATE '2026-01-01')")
    ws.sql("INSERT INTO b.t VALUES (2, DATE '2026-01-01')")
    return ws


def test_drop_and_undrop(t: Workspace) -> None:
    t.sql("DROP TABLE b.t")
    refused(t, "SELECT * FROM b.t", "UNDROP TABLE b.t", error=TableNotFoundError)
    refused(t, "DROP TABLE b.t", error=TableNotFoundError)
    t.sql("DROP TABLE IF EXISTS b.t;")
    t.sql("UNDROP TABLE b.t")
    assert rows(t, "SELECT count(*) FROM b.t") == [(2,)]
    refused(t, "UNDROP TABLE b.t", "no dropped table", error=TableNotFoundError)
    refused(t, "DROP SCHEMA b", "DROP TABLE works")
    refused(t, "DROP TABLE b.t PURGE", "still there")


def test_describe_says_columns_details_and_history(t: Workspace) -> None:
    columns = [("id", "BIGINT", "key"), ("day", "DATE", None)]
    assert rows(t, "DESCRIBE b.t")[:2] == columns
    assert rows(t, "DESC TABLE b.t") == rows(t, "DESCRIBE b.t")
    extended = dict(row[:2] for row in rows(t, "DESCRIBE TABLE EXTENDED b.t"))
    assert extended["Name"] == "b.t"
    assert extended["delta.enableChangeDataFeed"] == "true"
    (detail,) = t.sql("DESCRIBE DETAIL b.t").dicts()
    assert (detail["name"], detail["numFiles"], detail["partitionColumns"]) == ("b.t", 2, ["day"])
    history = t.sql("DESCRIBE HISTORY b.t").dicts()
    assert [(h["version"], h["operation"], h["numOutputRows"]) for h in history] == [
        (2, "INSERT", 1), (1, "INSERT", 1), (0, "CREATE TABLE", None),
    ]  # fmt: skip
    assert history[0]["operationParameters"]["lakelet.operation"] == "INSERT"
    assert history[0]["timestamp"].tzinfo is not None
    assert len(rows(t, "DESCRIBE HISTORY b.t LIMIT 1")) == 1


def test_a_schema_called_like_a_word_of_describe_is_still_a_schema(ws: Workspace) -> None:
    ws.sql("CREATE TABLE history.detail (a INT)")
    assert rows(ws, "DESCRIBE history.detail") == [("a", "INT", None)]
    assert len(rows(ws, "DESCRIBE HISTORY history.detail")) == 1


def test_show_lists_and_narrows(t: Workspace) -> None:
    t.sql("CREATE TABLE c.posts (a INT)")
    t.sql("CREATE SCHEMA IF NOT EXISTS empty")
    assert rows(t, "SHOW TABLES") == [("b", "t", False), ("c", "posts", False)]
    assert rows(t, "SHOW TABLES IN c") == [("c", "posts", False)]
    assert rows(t, "SHOW TABLES LIKE 'x*|P*'") == [("c", "posts", False)]
    assert rows(t, "SHOW SCHEMAS") == [("b",), ("c",), ("empty",)]
    assert rows(t, "SHOW DATABASES LIKE 'e*'") == [("empty",)]
    assert rows(t, "SHOW COLUMNS IN b.t") == [("id",), ("day",)]
    assert rows(t, "SHOW TBLPROPERTIES b.t ('delta.enableChangeDataFeed')") == [
        ("delta.enableChangeDataFeed", "true")
    ]
    refused(t, "SHOW TABLES IN bb", "there is no schema bb", error=TableNotFoundError)
    refused(t, "SHOW CREATE TABLE b.t", "DESCRIBE EXTENDED")
    refused(t, "CREATE SCHEMA c", error=TableExistsError)


def test_restore_goes_back_and_loads_know_it(ws: Workspace) -> None:
    for name in ("a", "b"):
        (ws.folder.files / f"{name}.jsonl").write_text('{"id": 1}\n')
        ws.load("files", into="b.t")
    moment = ws.table("b.t").history()[1].time.isoformat()
    done = ws.sql("RESTORE TABLE b.t TO VERSION AS OF 1").dicts()[0]
    assert (done["version"], done["num_raw_files_to_load_again"]) == (3, 1)
    assert rows(ws, "SELECT count(*) FROM b.t") == [(1,)]
    assert ws.load("files", into="b.t").kept == 1
    ws.sql(f"RESTORE b.t TO TIMESTAMP AS OF '{moment}'")
    assert rows(ws, "SELECT count(*) FROM b.t") == [(1,)]
    refused(ws, "RESTORE b.t TO VERSION AS OF 99", error=VersionNotFoundError)
    refused(ws, "RESTORE b.t VERSION 3", "VERSION AS OF or TIMESTAMP AS OF")


def test_optimize_merges_files_and_keeps_rows(t: Workspace) -> None:
    assert t.sql("OPTIMIZE b.t").dicts()[0]["num_files_added"] == 1
    assert rows(t, "SELECT id FROM b.t ORDER BY id") == [(1,), (2,)]
    t.sql("OPTIMIZE b.t ZORDER BY (id)")
    refused(t, "OPTIMIZE b.t WHERE day > DATE '2026-01-01'", "looks at the whole table")
    refused(t, "OPTIMIZE b.t ZORDER BY (idd)", "did you mean 'id'")
    assert rows(t, "SELECT id FROM b.t VERSION AS OF 1") == [(1,)]


def test_vacuum_keeps_what_the_retention_keeps(t: Workspace) -> None:
    t.sql("DELETE FROM b.t WHERE id = 1")
    refused(t, "VACUUM b.t RETAIN 0 HOURS", "keeps 30 days (720 hours)", error=SqlError)
    assert rows(t, "VACUUM b.t DRY RUN") == []
    assert t.sql("VACUUM b.t RETAIN 1000 HOURS").dicts()[0]["num_files_removed"] == 0
    assert rows(t, "SELECT count(*) FROM b.t VERSION AS OF 2") == [(2,)]


def test_vacuum_removes_what_nothing_needs_any_more(t: Workspace) -> None:
    settings = Path(t.folder.root) / "lakelet.toml"
    text = settings.read_text()
    (line,) = [line for line in text.splitlines() if line.lstrip("# ").startswith("retention")]
    settings.write_text(text.replace(line, 'retention = "0 hours"'))
    import lakelet

    again = lakelet.open(t.folder.root)
    again.sql("DELETE FROM b.t WHERE id = 1")
    assert len(rows(again, "VACUUM b.t RETAIN 0 HOURS DRY RUN")) >= 1
    assert again.sql("VACUUM b.t").dicts()[0]["num_files_removed"] >= 1
    assert rows(again, "SELECT id FROM b.t") == [(2,)]


def test_copy_into_loads_each_file_once(ws: Workspace) -> None:
    (ws.folder.files / "a.csv").write_text("id;n\n1;x\n")
    (ws.folder.files / "b.txt").write_text("other")
    copy = ("COPY INTO b.t FROM 'files' FILEFORMAT = CSV PATTERN = '*.csv' "
            "FORMAT_OPTIONS ('sep' = ';', 'header' = 'true')")  # fmt: skip
    assert ws.sql(copy).dicts()[0]["num_inserted_rows"] == 1
    assert (
        ws.sql(copy).dicts()[0] | {"num_known_files": 1, "num_inserted_rows": 0}
        == (ws.sql(copy).dicts()[0])
    )
    (ws.folder.files / "c.csv").write_text("id;n;late\n2;y;z\n")
    strict = copy + " COPY_OPTIONS ('mergeSchema' = 'false')"
    refused(ws, strict, "late")
    ws.sql(copy + " COPY_OPTIONS ('mergeSchema' = 'true')")
    assert rows(ws, "SELECT id, n, late FROM b.t ORDER BY id") == [(1, "x", None), (2, "y", "z")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("COPY INTO b.t FROM 'files' FILEFORMAT = AVRO", "JSON, CSV, PARQUET and TEXT"),
        ("COPY INTO b.t FROM (SELECT 1) FILEFORMAT = CSV", "read_files"),
        ("COPY INTO b.t FROM 'x' FILEFORMAT = CSV FILES = ('a')", "PATTERN"),
        ("COPY INTO b.t FROM 'x' FILEFORMAT = CSV COPY_OPTIONS ('force' = 'true')", "exactly once"),
        ("CREATE VIEW b.v AS SELECT 1", "queries/"),
        ("CREATE EXTERNAL TABLE b.t (a INT)", "lakelet attach"),
        ("EXPLAIN SELECT 1", "lakelet show"),
        ("USE b", "schema.table"),
        ("GRANT SELECT ON b.t TO x", "is refused"),
        ("UPDAT b.t SET a = 1", "did you mean UPDATE"),
        ("PRAGMA database_list", "docs/sql.md"),
        ("DROP TABLE b.a; DROP TABLE b.b", "one after the other"),
        ("DESCRIBE SCHEMA b", "schema.table works"),
    ],
)
@pytest.mark.parametrize("dialect", ["databricks", "duckdb"])
def test_what_does_not_work_is_refused_by_name(
    ws: Workspace, text: str, said: str, dialect: str
) -> None:
    refused(ws, text, said, dialect=dialect)
    assert list(ws.tables()) == []


def test_statements_take_no_moment_and_no_this(t: Workspace) -> None:
    with pytest.raises(SqlError, match="only a query"):
        t.sql("DELETE FROM b.t", at="2026-01-01")
    with pytest.raises(SqlError, match="only a query"):
        t.table("b.t").sql("DELETE FROM this")
    assert version(t, "b.t") == 2
