"""AUTO CDC: what its clauses do, where changes come from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.errors import (
    ConstraintError,
    OwnedTableError,
    PipelineError,
    SqlError,
    StorageError,
)
from lakelet.session import Workspace
from pipelines.writing import commits, define, put

CDC = """CREATE STREAMING TABLE t;
CREATE FLOW f AS AUTO CDC INTO t FROM STREAM s.c KEYS (id)
  APPLY AS DELETE WHEN op = 'd' SEQUENCE BY at COLUMNS * EXCEPT (op, at) STORED AS SCD TYPE {scd} {more};
"""


def source(ws: Workspace, *rows: tuple[object, ...]) -> None:
    if "s.c" not in [str(name) for name in ws.tables()]:
        ws.sql("CREATE TABLE s.c (id INT, v STRING, w INT, op STRING, at INT)")
    change(ws, *rows)


def change(ws: Workspace, *rows: tuple[object, ...]) -> None:
    for row in rows:
        ws.sql("INSERT INTO s.c VALUES (?, ?, ?, ?, ?)", list(row))


def rows(ws: Workspace, query: str) -> list[tuple[object, ...]]:
    return sorted(ws.sql(query).rows(), key=repr)


def test_a_late_change_finds_its_place_and_a_deletion_is_remembered(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 5), (2, "b", 1, "u", 5), (3, None, None, "d", 9))
    define(ws, CDC.format(scd=1, more=""))
    ws.update("p")
    change(ws, (1, "late", 1, "u", 3), (3, "late", 1, "u", 7), (2, None, None, "d", 6))
    ws.update("p")
    assert rows(ws, "SELECT * FROM p.t") == [(1, "a", 1)]


def test_history_is_mended_in_the_middle(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 1), (1, "c", 1, "u", 9))
    define(ws, CDC.format(scd=2, more=""))
    ws.update("p")
    change(ws, (1, "b", 1, "u", 5), (1, None, None, "d", 7), (1, "a", 1, "u", 2))
    ws.update("p")
    assert rows(ws, "SELECT v, __START_AT, __END_AT FROM p.t") == [
        ("a", 1, 5), ("b", 5, 7), ("c", 9, None),
    ]  # fmt: skip


def test_only_tracked_columns_begin_a_row(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 1), (1, "a", 2, "u", 2), (1, "b", 3, "u", 3))
    define(ws, CDC.format(scd=2, more="TRACK HISTORY ON * EXCEPT (w)"))
    ws.update("p")
    assert rows(ws, "SELECT * FROM p.t") == [(1, "a", 2, 1, 3), (1, "b", 3, 3, None)]


def test_nothing_but_ignored_changes_leaves_the_rows_alone(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 5))
    define(ws, CDC.format(scd=1, more=""))
    ws.update("p")
    kept = commits(ws)["p.t__cdc"]
    files = ws.sql("DESCRIBE DETAIL p.t").dicts()[0]["numFiles"]
    change(ws, (1, "late", 1, "u", 4))
    ws.update("p")
    assert commits(ws)["p.t__cdc"] == kept
    assert ws.sql("DESCRIBE DETAIL p.t").dicts()[0]["numFiles"] == files
    before = commits(ws)
    assert ws.update("p").update is None
    assert commits(ws) == before


def test_what_has_one_sequence_is_ordered_by_its_values(ws: Workspace) -> None:
    for number, order in enumerate([(0, 1, 2), (2, 1, 0), (1, 2, 0)]):
        ties = [(1, "b", 1, "u", 5), (1, "a", 9, "u", 5), (1, None, None, "d", 5)]
        name = f"q{number}"
        ws.sql(f"CREATE OR REPLACE TABLE {name}.c (id INT, v STRING, w INT, op STRING, at INT)")
        define(ws, CDC.format(scd=1, more="").replace("s.c", f"{name}.c"), name=f"p{number}")
        for place in order:
            ws.sql(f"INSERT INTO {name}.c VALUES (?, ?, ?, ?, ?)", list(ties[place]))
            ws.update(f"p{number}")
        assert rows(ws, f"SELECT * FROM p{number}.t") == [(1, "b", 1)]


def test_a_sequence_that_is_null_is_refused_with_the_count(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 5), (2, "a", 1, "u", None))
    define(ws, CDC.format(scd=1, more=""))
    with pytest.raises(
        PipelineError, match=r"a\.sql:2: .*1 of 2 changes .* NULL in SEQUENCE BY at"
    ):
        ws.update("p")
    define(ws, CDC.format(scd=1, more="").replace(
        "TABLE t;", "TABLE t (CONSTRAINT s EXPECT (at IS NOT NULL) ON VIOLATION DROP ROW);"))  # fmt: skip
    ws.update("p")
    assert rows(ws, "SELECT id FROM p.t") == [(1,)]
    ((record,),) = ws.sql("SELECT record FROM p.t__rejected").rows()
    assert record == '{"id":2,"v":"a","w":1,"op":"u","at":null}'


def test_a_sequence_of_two_columns(ws: Workspace) -> None:
    source(ws, (1, "a", 2, "u", 5), (1, "b", 1, "u", 5))
    text = CDC.format(scd=2, more="").replace("SEQUENCE BY at", "SEQUENCE BY STRUCT(at, w)")
    define(ws, text)
    ws.update("p")
    assert rows(ws, "SELECT v, __START_AT.w, __END_AT.w FROM p.t") == [("a", 2, None), ("b", 1, 2)]
    change(ws, (2, "b", None, "u", 5))
    with pytest.raises(PipelineError, match="NULL in SEQUENCE BY"):
        ws.update("p")


def test_expectations_are_of_the_changes(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 5), (2, "b", -1, "u", 5))
    table = "TABLE t (CONSTRAINT w EXPECT (w > 0 OR op = 'd') ON VIOLATION FAIL UPDATE);"
    define(ws, CDC.format(scd=1, more="").replace("TABLE t;", table))
    with pytest.raises(PipelineError, match=r"breaks? the expectation w") as failed:
        ws.update("p")
    assert "lakelet" not in str(failed.value)
    ws.sql("UPDATE s.c SET w = 1")
    ws.update("p")
    assert rows(ws, "SELECT id FROM p.t") == [(1,), (2,)]


def test_columns_that_come_later_and_declared_ones(ws: Workspace) -> None:
    define(ws, CDC.format(scd=2, more="").replace("STREAM s.c", "STREAM read_files('files/c')"))
    put(ws, "c/1.jsonl", {"id": 1, "v": "a", "op": "u", "at": 1})
    ws.update("p")
    put(ws, "c/2.jsonl", {"id": 1, "v": "a", "n": 5, "op": "u", "at": 3})
    ws.update("p")
    assert rows(ws, "SELECT v, n, __START_AT, __END_AT FROM p.t") == [
        ("a", 5, 3, None), ("a", None, 1, 3),
    ]  # fmt: skip
    source(ws, (1, "a", 1, "u", 1))
    declared = "TABLE t (id INT NOT NULL, v STRING, w BIGINT, __START_AT INT, __END_AT INT)"
    define(ws, CDC.format(scd=2, more="").replace("TABLE t", declared), name="q")
    ws.update("q")
    assert rows(ws, "SELECT * FROM q.t") == [(1, "a", 1, 1, None)]
    define(ws, CDC.format(scd=2, more="").replace("TABLE t", "TABLE t (id INT, v STRING, w INT)"))
    with pytest.raises(PipelineError, match="__START_AT, __END_AT is not declared"):
        ws.plan("p")
    change(ws, (None, "a", 1, "u", 1))
    with pytest.raises(ConstraintError):
        ws.update("q")


def test_folders_by_value(ws: Workspace) -> None:
    source(ws, (1, "a b", 1, "u", 1), (2, "ä=/%20", 1, "u", 1), (3, None, 1, "u", 1))
    text = CDC.format(scd=1, more="").replace("TABLE t;", "TABLE t PARTITIONED BY (v);")
    define(ws, text)
    ws.update("p")
    change(ws, (1, "a b", 2, "u", 2), (2, "ä=/%20", 3, "u", 2), (3, "c", 2, "u", 2))
    ws.update("p")
    assert rows(ws, "SELECT * FROM p.t") == [(1, "a b", 2), (2, "ä=/%20", 3), (3, "c", 2)]


def feed(ws: Workspace, of: str = "s.t", table: str = "t", scd: int = 1) -> str:
    return (
        f"CREATE STREAMING TABLE {table};"
        f"CREATE FLOW f_{table} AS AUTO CDC INTO {table} FROM STREAM {of} WITH (readChangeFeed) "
        "KEYS (id) APPLY AS DELETE WHEN _change_type = 'delete' SEQUENCE BY _commit_version "
        "COLUMNS * EXCEPT (_change_type, _commit_version, _commit_timestamp) "
        f"STORED AS SCD TYPE {scd};"
    )


def test_the_change_feed_of_a_table(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT id, id * 10 AS n FROM range(5) AS r(id)")
    define(ws, feed(ws))
    define(ws, feed(ws, scd=2), name="h")
    ws.update("p")
    ws.update("h")
    for statement in (
        "UPDATE s.t SET n = 7 WHERE id = 1",
        "DELETE FROM s.t WHERE id = 2",
        "MERGE INTO s.t AS t USING (SELECT 9 AS id) AS u ON t.id = u.id WHEN NOT MATCHED THEN INSERT (id, n) VALUES (9, 9)",
        "OPTIMIZE s.t",
        "UPDATE s.t SET id = 33 WHERE id = 3",
        "INSERT INTO s.t VALUES (2, 2)",
    ):
        ws.sql(statement)
        if statement.startswith(("DELETE", "OPTIMIZE")):
            ws.update("p")
    ws.update("p")
    ws.update("h")
    assert rows(ws, "SELECT * FROM p.t") == rows(ws, "SELECT * FROM s.t")
    current = "SELECT id, n FROM h.t WHERE __END_AT IS NULL"
    assert rows(ws, current) == rows(ws, "SELECT * FROM s.t")
    assert rows(ws, "SELECT n, __START_AT, __END_AT FROM h.t WHERE id = 2") == [
        (2, 6, None), (20, 0, 2),
    ]  # fmt: skip
    before = commits(ws)
    ws.update("p")
    assert commits(ws) == before


def test_changes_that_other_programs_commit(ws: Workspace) -> None:
    from deltalake import DeltaTable

    ws.sql("CREATE TABLE s.t AS SELECT id, id * 10 AS n FROM range(5) AS r(id)")
    define(ws, feed(ws, scd=2))
    ws.update("p")
    # delta-rs writes the changes down, as rows before and after.
    table = DeltaTable(str(Path(ws.lake.root) / "s" / "t"))
    table.update(predicate="id = 1", updates={"n": "99"})
    table.update(predicate="id = 3", updates={"id": "33"})
    table.delete("id = 2")
    ws.update("p")
    current = "SELECT id, n FROM p.t WHERE __END_AT IS NULL"
    assert rows(ws, current) == rows(ws, "SELECT * FROM s.t")
    assert rows(ws, "SELECT __START_AT, __END_AT FROM p.t WHERE id = 1") == [(0, 1), (1, None)]
    ws.sql("DELETE FROM s.t WHERE id = 0")
    ws.sql("DELETE FROM s.t WHERE id = 1")
    table = DeltaTable(str(Path(ws.lake.root) / "s" / "t"))
    table.vacuum(0, enforce_retention_duration=False, dry_run=False)
    with pytest.raises(StorageError, match=r"s\.t: rows that changed after version 3 are not kept"):
        ws.update("p")
    ws.update("p", full_refresh=["t"])
    assert rows(ws, current) == rows(ws, "SELECT * FROM s.t")


def test_moments_and_nested_values(ws: Workspace) -> None:
    define(ws, CDC.format(scd=2, more="").replace(
        "STREAM s.c", "STREAM read_files('files/c', schemaHints => 'at TIMESTAMP')"))  # fmt: skip
    put(ws, "c/1.jsonl", {"id": 1, "at": "2024-01-01T00:00:00+02:00", "op": "u", "k": {"a": 1}},
        {"id": 1, "at": "2024-01-02T00:00:00Z", "op": "u", "k": {"a": 1}, "l": [1, 2]})  # fmt: skip
    ws.update("p")
    more = {"id": 1, "at": "2024-01-01T12:00:00Z", "op": "u", "k": {"a": 2, "b": "new"}}
    put(ws, "c/2.jsonl", more)
    ws.update("p")
    query = "SELECT k.a, k.b, l, hour(__START_AT), day(__END_AT) FROM p.t"
    assert rows(ws, query) == [
        (1, None, None, 22, 1), (1, None, [1, 2], 0, None), (2, "new", None, 12, 2),
    ]  # fmt: skip


def test_changes_run_through_a_pipeline(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 1), (2, "b", 1, "u", 1))
    define(ws, CDC.format(scd=1, more="") + feed(ws, of="t", table="u") + (
        "CREATE STREAMING TABLE added AS SELECT id, v FROM STREAM t WITH (SKIPCHANGECOMMITS);"
    ))  # fmt: skip
    ws.update("p")
    change(ws, (3, "c", 1, "u", 1))
    ws.update("p")
    change(ws, (1, "z", 1, "u", 2), (2, None, None, "d", 2), (4, "d", 1, "u", 2))
    ws.update("p")
    change(ws, (5, "e", 1, "u", 2))
    ws.update("p")
    assert rows(ws, "SELECT * FROM p.u") == rows(ws, "SELECT * FROM p.t")
    assert rows(ws, "SELECT * FROM p.added") == [(1, "a"), (2, "b"), (3, "c"), (5, "e")]
    define(ws, CDC.format(scd=1, more="") + "CREATE STREAMING TABLE x AS SELECT * FROM STREAM t;")
    with pytest.raises(PipelineError, match=r"the rows of p\.t are changed by AUTO CDC"):
        ws.plan("p")


def test_commits_that_change_rows_are_passed_over(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT id FROM range(3) AS r(id)")
    for number, option in enumerate(("SKIPCHANGECOMMITS", "'skipChangeCommits' = 'true'")):
        define(ws, f"CREATE STREAMING TABLE c{number} AS SELECT id FROM STREAM s.t WITH ({option}) "
               "AS x WHERE x.id <> 1", file=f"{number}.sql")  # fmt: skip
    ws.update("p")
    ws.sql("DELETE FROM s.t WHERE id = 0")
    ws.sql("INSERT INTO s.t VALUES (7)")
    ws.sql("UPDATE s.t SET id = 8 WHERE id = 7")
    ws.sql("INSERT INTO s.t VALUES (9)")
    ws.update("p")
    for number in range(2):
        assert rows(ws, f"SELECT id FROM p.c{number}") == [(0,), (2,), (7,), (9,)]
    define(ws, "CREATE STREAMING TABLE c AS SELECT * FROM STREAM s.t WITH (IGNOREALL)", name="q")
    with pytest.raises(SqlError, match=r"WITH \(IGNOREALL\) is not known"):
        ws.plan("q")


def test_a_view_hands_on_what_its_stream_brings(ws: Workspace) -> None:
    view = "CREATE TEMPORARY VIEW v AS SELECT id, upper(v) AS v, w, op, at FROM {};"
    text = CDC.format(scd=1, more="").replace("STREAM s.c", "STREAM(v)")
    source(ws, (1, "a", 1, "u", 1))
    define(ws, view.format("STREAM s.c") + text)
    define(ws, view.format("STREAM read_files('files/c')") + text, name="q")
    put(ws, "c/1.jsonl", {"id": 1, "v": "x", "w": 1, "op": "u", "at": 1})
    ws.update("p")
    ws.update("q")
    change(ws, (1, "b", 1, "u", 2))
    put(ws, "c/2.jsonl", {"id": 1, "v": "y", "w": 1, "op": "u", "at": 2})
    ws.update("p")
    ws.update("q")
    assert rows(ws, "SELECT v FROM p.t") == [("B",)]
    assert rows(ws, "SELECT v FROM q.t") == [("Y",)]
    assert ws.update("p").update is None
    define(ws, "CREATE TEMPORARY VIEW v AS SELECT * FROM STREAM v;" + text)
    with pytest.raises(PipelineError, match="circle"):
        ws.plan("p")


def test_several_flows_and_one_that_runs_once(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 5))
    ws.sql("CREATE TABLE s.old AS SELECT 1 AS id, 'old' AS v, 0 AS at, 'more' AS extra")
    define(ws, CDC.format(scd=2, more="") + (
        "CREATE FLOW first AS AUTO CDC ONCE INTO t FROM s.old KEYS (id) SEQUENCE BY at "
        "COLUMNS * EXCEPT (at) STORED AS SCD TYPE 2;"
    ))  # fmt: skip
    ws.update("p")
    ws.sql("INSERT INTO s.old VALUES (1, 'never', 1, 'more')")
    change(ws, (1, "b", 1, "u", 6))
    ws.update("p")
    assert rows(ws, "SELECT v, extra, __START_AT, __END_AT FROM p.t") == [
        ("a", None, 5, 6), ("b", None, 6, None), ("old", "more", 0, 5),
    ]  # fmt: skip


def test_a_failed_update_publishes_nothing_of_the_changes(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 1))
    fails = (
        "CREATE MATERIALIZED VIEW m (CONSTRAINT c EXPECT (v <> 'bad') ON VIOLATION FAIL UPDATE) "
        "AS SELECT v FROM t;"
    )
    define(ws, CDC.format(scd=1, more="") + fails)
    ws.update("p")
    change(ws, (1, "bad", 1, "u", 2))
    with pytest.raises(PipelineError):
        ws.update("p")
    assert rows(ws, "SELECT v FROM p.t") == [("a",)]
    assert rows(ws, "SELECT v FROM p.t__cdc") == [("a",)]
    change(ws, (1, "good", 1, "u", 3))
    ws.update("p")
    assert rows(ws, "SELECT v FROM p.t") == [("good",)]


def test_another_shape_needs_everything_anew(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 1))
    define(ws, CDC.format(scd=1, more=""))
    ws.update("p")
    change(ws, (1, "b", 1, "u", 2))
    define(ws, CDC.format(scd=2, more=""))
    with pytest.raises(PipelineError, match=r"made with other KEYS, another SCD TYPE"):
        ws.plan("p")
    with pytest.raises(PipelineError, match=r"made with other KEYS, another SCD TYPE"):
        ws.update("p")
    ws.update("p", full_refresh=["t"])
    assert rows(ws, "SELECT v FROM p.t") == [("a",), ("b",)]
    define(ws, "CREATE STREAMING TABLE t AS SELECT * FROM STREAM s.c", name="q")
    ws.update("q")
    define(ws, CDC.format(scd=2, more=""), name="q")
    change(ws, (1, "c", 1, "u", 3))
    with pytest.raises(PipelineError, match="without AUTO CDC until now"):
        ws.update("q")


def test_a_truncation_by_a_sequence_of_two_columns_lasts(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 5), (2, "b's", 9, "u", 5))
    text = CDC.format(scd=1, more="").replace(
        "SEQUENCE BY at", "APPLY AS TRUNCATE WHEN op = 't' SEQUENCE BY STRUCT(at, v)"
    )
    define(ws, text)
    ws.update("p")
    assert len(rows(ws, "SELECT * FROM p.t")) == 2
    change(ws, (None, "b", None, "t", 5))
    ws.update("p")
    assert rows(ws, "SELECT id FROM p.t") == [(2,)]
    # A key never seen before, older than the truncation; and one that is newer.
    change(ws, (3, "a", 1, "u", 5), (4, "c", 1, "u", 5))
    ws.update("p")
    assert rows(ws, "SELECT id FROM p.t") == [(2,), (4,)]
    change(ws, (5, "z", 1, "u", 4))
    ws.update("p")
    assert rows(ws, "SELECT id FROM p.t") == [(2,), (4,)]


def test_a_key_is_forgotten_by_hand(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 1), (2, "b", 1, "u", 1))
    define(ws, CDC.format(scd=2, more=""))
    ws.update("p")
    ws.sql("DELETE FROM p.t WHERE id = 1")
    ws.sql("DELETE FROM p.t__cdc WHERE id = 1")
    change(ws, (1, "z", 1, "u", 2), (2, "z", 1, "u", 2))
    ws.update("p")
    assert rows(ws, "SELECT id, v FROM p.t") == [(1, "z"), (2, "b"), (2, "z")]
    with pytest.raises(OwnedTableError):
        ws.sql("INSERT INTO p.t__cdc (id) VALUES (3)")


def test_lines_that_are_no_changes_are_kept(ws: Workspace) -> None:
    define(ws, CDC.format(scd=1, more="").replace("STREAM s.c", "STREAM read_files('files/c')"))
    put(ws, "c/1.jsonl", {"id": 1, "v": "a", "op": "u", "at": 1}, "broken")
    ws.update("p")
    (broken,) = ws.table("p.t").rejected()
    assert broken["record"] == "broken"
    with pytest.raises(OwnedTableError, match="a retry is refused"):
        ws.table("p.t").retry_rejected()


def test_upkeep_between_updates(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 1))
    define(ws, CDC.format(scd=2, more=""))
    for number in range(2, 5):
        ws.update("p")
        ws.sql("OPTIMIZE p.t")
        ws.table("p.t__cdc").maintain()
        change(ws, (1, f"v{number}", 1, "u", number))
    ws.update("p")
    assert rows(ws, "SELECT v, __START_AT, __END_AT FROM p.t") == [
        ("a", 1, 2), ("v2", 2, 3), ("v3", 3, 4), ("v4", 4, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("KEYS (id)", "KEYS (idd)", r"a\.sql:2: .*no column idd.*"),
        ("SEQUENCE BY at", "SEQUENCE BY nope", r"a\.sql:2: .*nope"),
        ("SEQUENCE BY at", "", "needs SEQUENCE BY"),
        ("op = 'd'", "w + 1", "is INTEGER, not a condition"),
        ("EXCEPT (op, at)", "EXCEPT (id)", "the key id is not among the columns"),
        ("COLUMNS * EXCEPT (op, at)", "COLUMNS (v)", "the key id is not among the columns"),
        ("TYPE 1", "TYPE 3", "SCD TYPE is 1 or 2"),
        ("TYPE 1", "TYPE 1 TRACK HISTORY ON (v)", "type 1 keeps no history"),
        (
            "TYPE 1",
            "TYPE 2 APPLY AS TRUNCATE WHEN op = 't'",
            "TRUNCATE WHEN is for STORED AS SCD TYPE 1",
        ),
        (
            "APPLY AS DELETE WHEN op = 'd'",
            "APPLY AS TRUNCATE WHEN w",
            "is INTEGER, not a condition",
        ),
        ("FROM STREAM s.c", "FROM s.c", "reads nothing with STREAM"),
        (
            "TYPE 1 ;",
            "TYPE 1; CREATE FLOW g AS INSERT INTO t BY NAME SELECT * FROM STREAM s.c",
            "the flow g cannot only add rows",
        ),
        (
            "TYPE 1 ;",
            "TYPE 1; CREATE FLOW g AS AUTO CDC INTO t FROM STREAM s.c KEYS (w) SEQUENCE BY at",
            "differs from f in KEYS",
        ),
        ("INTO t", "INTO t__cdc", "does not declare"),
        (
            "STREAMING TABLE t;",
            "STREAMING TABLE t; CREATE STREAMING TABLE x__cdc;",
            "keeps for itself",
        ),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_read(
    ws: Workspace, old: str, new: str, message: str
) -> None:
    source(ws, (1, "a", 1, "u", 1))
    text = CDC.format(scd=1, more="")
    assert old in text
    define(ws, text.replace(old, new))
    with pytest.raises((PipelineError, SqlError), match=message):
        ws.plan("p")


def test_a_table_of_somebody_elses_is_not_used_for_changes(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 1))
    ws.sql("CREATE TABLE p.t__cdc AS SELECT 1 AS a")
    define(ws, CDC.format(scd=1, more=""))
    with pytest.raises(OwnedTableError, match=r"p\.t__cdc was made by something else"):
        ws.update("p")


def test_a_table_no_longer_made_by_changes_leaves_its_companion(ws: Workspace) -> None:
    source(ws, (1, "a", 1, "u", 1))
    define(ws, CDC.format(scd=1, more=""))
    ws.update("p")
    assert ws.plan("p").abandoned == []
    define(ws, "CREATE STREAMING TABLE t AS SELECT * FROM STREAM s.c")
    change(ws, (1, "b", 1, "u", 2))
    for attempt in (ws.plan, ws.update):
        with pytest.raises(PipelineError, match=r"a\.sql:1: .*p\.t was made by AUTO CDC until now"):
            attempt("p")
    assert rows(ws, "SELECT v FROM p.t") == [("a",)]
    ws.update("p", full_refresh=["t"])
    assert rows(ws, "SELECT v FROM p.t") == [("a",), ("b",)]
    assert [str(name) for name in ws.plan("p").abandoned] == ["p.t__cdc"]
    change(ws, (1, "c", 1, "u", 3))
    ws.update("p")
    assert rows(ws, "SELECT v FROM p.t") == [("a",), ("b",), ("c",)]
    # What the companion still knows is of another table by now.
    define(ws, CDC.format(scd=1, more=""))
    with pytest.raises(PipelineError, match="without AUTO CDC until now"):
        ws.plan("p")
    ws.update("p", full_refresh=["t"])
    assert rows(ws, "SELECT v FROM p.t") == [("c",)]
    change(ws, (1, "d", 1, "u", 4))
    ws.update("p")
    assert rows(ws, "SELECT v FROM p.t") == [("d",)]
