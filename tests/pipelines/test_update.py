"""Updates: what runs and why, what is published, and that nothing is published by halves."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.errors import (
    LakeletError,
    OwnedTableError,
    PipelineError,
    SqlError,
    TableNotFoundError,
)
from lakelet.session import Workspace
from pipelines.writing import commits, define, put

FORUM = """
CREATE OR REFRESH STREAMING TABLE raw AS SELECT * FROM STREAM read_files('files/posts', format => 'json');
CREATE OR REFRESH MATERIALIZED VIEW posts (
  CONSTRAINT has_title   EXPECT (title IS NOT NULL),
  CONSTRAINT known_forum EXPECT (forum IN ('ml', 'llm')) ON VIOLATION DROP ROW,
  CONSTRAINT one_id      EXPECT (id IS NOT NULL) ON VIOLATION FAIL UPDATE
) COMMENT 'one row a post' AS SELECT id, title, forum, score FROM raw;
CREATE OR REFRESH MATERIALIZED VIEW totals AS SELECT forum, count(*) AS n FROM posts GROUP BY forum;
"""
FIRST = (
    {"id": 1, "title": "a", "forum": "ml", "score": 1},
    {"id": 2, "forum": "llm", "score": 2},
    {"id": 3, "title": "c", "forum": "other", "score": 3},
    "broken",
)


@pytest.fixture
def forum(ws: Workspace) -> Workspace:
    define(ws, FORUM)
    put(ws, "posts/a.jsonl", *FIRST)
    return ws


def hows(ws: Workspace, **options: object) -> dict[str, tuple[str, str]]:
    plan = ws.plan("p", **options)  # type: ignore[arg-type]
    return {d.dataset.name.table: (d.how, d.reason) for d in plan.decisions}


def rows(ws: Workspace, query: str) -> list[tuple[object, ...]]:
    return sorted(ws.sql(query).rows())


def test_every_row_is_a_row_or_a_rejected_one(forum: Workspace) -> None:
    report = forum.update("p")
    assert report.published
    assert rows(forum, "SELECT id FROM p.raw") == [(1,), (2,), (3,)]
    assert rows(forum, "SELECT id, title FROM p.posts") == [(1, "a"), (2, None)]
    assert rows(forum, "SELECT * FROM p.totals") == [("llm", 1), ("ml", 1)]
    (broken,) = forum.table("p.raw").rejected()
    assert (broken["line"], broken["record"]) == (4, "broken")
    query = "SELECT batch, reason, expectations, record FROM p.posts__rejected"
    record = '{"id":3,"title":"c","forum":"other","score":3}'
    assert rows(forum, query) == [(1, "breaks known_forum", ["known_forum"], record)]
    counted = "SELECT expectation, action, kept, broken FROM system.expectations"
    assert rows(forum, counted) == [
        ("has_title", "warn", 2, 1), ("known_forum", "drop", 2, 1), ("one_id", "fail", 3, 0),
    ]  # fmt: skip


def test_nothing_to_do_commits_nothing(forum: Workspace) -> None:
    forum.update("p")
    before = commits(forum)
    report = forum.update("p")
    assert (report.update, report.published) == (None, False)
    assert commits(forum) == before
    assert hows(forum) == {
        "raw": ("skip", "nothing new"),
        "posts": ("skip", "nothing changed"),
        "totals": ("skip", "nothing changed"),
    }


def test_reasons_are_those_a_person_understands(forum: Workspace) -> None:
    assert hows(forum)["posts"] == ("full", "first update")
    forum.update("p")
    put(forum, "posts/b.jsonl", {"id": 4, "title": "d", "forum": "ml"})
    put(forum, "posts/c.jsonl", {"id": 5, "title": "e", "forum": "ml"})
    assert hows(forum)["raw"] == ("new rows", "new files (2)")
    assert hows(forum)["posts"] == ("incremental", "input p.raw changes in this update")
    forum.update("p")
    assert rows(forum, "SELECT n FROM p.totals WHERE forum = 'ml'") == [(3,)]
    define(forum, FORUM.replace("count(*) AS n", "count(*) + 1 AS n"))
    how, reason = hows(forum)["totals"]
    assert (how, reason) == ("full", "query changed")
    define(forum, FORUM.replace("SELECT forum,", "select  forum , -- the forum\n"))
    assert hows(forum)["totals"] == ("skip", "nothing changed"), "a reformatted query is the same"
    assert hows(forum, full_refresh=["totals"])["totals"] == ("full", "forced")


def test_an_input_of_the_lake_that_moved_is_named_with_its_versions(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS a")
    define(ws, "CREATE MATERIALIZED VIEW m AS SELECT sum(a) AS a FROM s.t")
    ws.update("p")
    ws.sql("INSERT INTO s.t VALUES (2)")
    assert hows(ws)["m"] == ("full", "input s.t moved from version 0 to 1")
    ws.update("p")
    assert rows(ws, "SELECT a FROM p.m") == [(3,)]


def test_a_failing_expectation_publishes_nothing(forum: Workspace) -> None:
    forum.update("p")
    before = {q: rows(forum, f"SELECT count(*) FROM p.{q}") for q in ("raw", "posts", "totals")}
    put(forum, "posts/b.jsonl", {"title": "no id", "forum": "ml"})
    with pytest.raises(PipelineError, match=r"breaks? the expectation one_id") as failed:
        forum.update("p")
    assert "no id" in str(failed.value)
    assert {q: rows(forum, f"SELECT count(*) FROM p.{q}") for q in before} == before
    (newest, *_) = forum.updates("p")
    assert newest["state"] == "failed"
    put(forum, "posts/b.jsonl", {"id": 9, "title": "has one", "forum": "ml"})
    forum.update("p")
    assert rows(forum, "SELECT id FROM p.posts") == [(1,), (2,), (9,)]
    kinds = {e["kind"] for e in forum.events(newest["update"])}
    assert {"decision", "failed", "update"} <= kinds


def test_nothing_to_do_after_a_failure_says_that_all_is_well(forum: Workspace) -> None:
    forum.update("p")
    define(forum, "CREATE MATERIALIZED VIEW wrong AS SELECT raise_error('x') AS a;", file="b.sql")
    with pytest.raises(LakeletError):
        forum.update("p")
    (forum.folder.root / "pipelines" / "p" / "b.sql").unlink()
    before = forum.table("p.posts").version
    assert forum.update("p").update is None
    newest, failed, *_ = forum.updates("p")
    assert (newest["state"], newest["message"]) == ("published", "nothing to do")
    assert failed["state"] == "failed" and forum.table("p.posts").version == before
    forum.update("p")
    assert len(forum.updates("p")) == 3


def test_new_fields_of_files_become_columns(forum: Workspace) -> None:
    forum.update("p")
    put(forum, "posts/b.jsonl", {"id": 4, "title": "d", "forum": "ml", "late": 1.5})
    forum.update("p")
    assert rows(forum, "SELECT id, late FROM p.raw WHERE late IS NOT NULL") == [(4, 1.5)]


def test_a_query_over_new_files(ws: Workspace) -> None:
    define(
        ws,
        "CREATE STREAMING TABLE t (CONSTRAINT big EXPECT (n > 1) ON VIOLATION DROP ROW) AS "
        "SELECT id, upper(name) AS name, n * 10 AS n FROM STREAM read_files('files/t')",
    )
    put(ws, "t/a.jsonl", {"id": 1, "name": "x", "n": 0}, {"id": 2, "name": "y", "n": 2})
    ws.update("p")
    put(ws, "t/b.jsonl", {"id": 3, "name": "z", "n": 3})
    ws.update("p")
    assert rows(ws, "SELECT * FROM p.t") == [(2, "Y", 20), (3, "Z", 30)]
    assert len(ws.table("p.t").rejected()) == 1


def test_a_stream_takes_each_row_of_a_table_once(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS a")
    define(ws, "CREATE STREAMING TABLE c AS SELECT a FROM STREAM s.t")
    ws.update("p")
    ws.sql("INSERT INTO s.t VALUES (2)")
    ws.sql("INSERT INTO s.t VALUES (3)")
    ws.sql("OPTIMIZE s.t")
    ws.update("p")
    ws.sql("OPTIMIZE s.t")
    assert ws.update("p").published in (True, False)
    assert rows(ws, "SELECT a FROM p.c") == [(1,), (2,), (3,)]
    ws.sql("DELETE FROM s.t WHERE a = 1")
    with pytest.raises(PipelineError, match=r"changed or taken away by DELETE in version 4"):
        ws.update("p")
    ws.update("p", full_refresh=["*"])
    assert rows(ws, "SELECT a FROM p.c") == [(2,), (3,)]


def test_streams_follow_one_another_within_an_update(ws: Workspace) -> None:
    define(
        ws,
        "CREATE STREAMING TABLE a AS SELECT * FROM STREAM read_files('files/t');"
        "CREATE STREAMING TABLE b AS SELECT n * 2 AS n FROM STREAM a;",
    )
    for number in range(3):
        put(ws, f"t/{number}.jsonl", {"n": number})
        ws.update("p")
    assert rows(ws, "SELECT n FROM p.b") == [(0,), (2,), (4,)]


def test_several_flows_and_a_temporary_view(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS a")
    ws.sql("CREATE TABLE s.u AS SELECT 10 AS a")
    define(
        ws,
        "CREATE STREAMING TABLE c;"
        "CREATE FLOW one AS INSERT INTO c BY NAME SELECT a FROM STREAM s.t;"
        "CREATE FLOW two AS INSERT INTO c BY NAME SELECT a FROM STREAM s.u;"
        "CREATE TEMPORARY VIEW v AS SELECT a + 1 AS a FROM c;"
        "CREATE MATERIALIZED VIEW m AS SELECT sum(a) AS a FROM v;",
    )
    ws.update("p")
    assert rows(ws, "SELECT a FROM p.m") == [(13,)]
    ws.sql("INSERT INTO s.u VALUES (20)")
    ws.update("p")
    assert rows(ws, "SELECT a FROM p.m") == [(34,)]
    with pytest.raises(TableNotFoundError):
        ws.sql("SELECT * FROM p.v")


def test_a_table_of_something_else_is_never_taken_over(forum: Workspace) -> None:
    forum.sql("CREATE TABLE p.posts AS SELECT 1 AS a")
    with pytest.raises(OwnedTableError, match=r"p\.posts was made by something else"):
        forum.update("p")
    assert rows(forum, "SELECT * FROM p.posts") == [(1,)]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO p.posts (id) VALUES (9)",
        "DELETE FROM p.posts",
        "UPDATE p.posts SET id = 1",
        "MERGE INTO p.raw USING p.posts AS s ON p.raw.id = s.id WHEN MATCHED THEN DELETE",
        "ALTER TABLE p.raw ADD COLUMN x INT",
        "ALTER TABLE p.raw RENAME TO p.other",
        "DROP TABLE p.raw",
        "CREATE OR REPLACE TABLE p.raw AS SELECT 1 AS a",
        "RESTORE TABLE p.raw TO VERSION AS OF 0",
        "COPY INTO p.raw FROM 'files/posts' FILEFORMAT = JSON",
    ],
)
def test_other_changes_of_a_pipelines_table_are_refused(forum: Workspace, statement: str) -> None:
    forum.update("p")
    before = commits(forum)
    with pytest.raises(OwnedTableError, match="belongs to the pipeline p"):
        forum.sql(statement)
    with pytest.raises(OwnedTableError):
        forum.load("files/posts", into="p.raw")
    with pytest.raises(OwnedTableError):
        forum.table("p.posts").append([{"id": 1}])
    assert commits(forum) == before


def test_what_may_be_changed_is_published_at_once(forum: Workspace) -> None:
    forum.update("p")
    forum.sql("DELETE FROM p.raw WHERE id = 1")
    assert rows(forum, "SELECT id FROM p.raw") == [(2,), (3,)]
    assert hows(forum)["posts"] == ("full", "input p.raw moved from version 1 to 2")
    forum.sql("COMMENT ON TABLE p.posts IS 'said by hand'")
    forum.sql("OPTIMIZE p.raw")
    forum.table("p.raw").maintain()
    assert rows(forum, "SELECT id FROM p.raw") == [(2,), (3,)]
    forum.update("p")
    assert rows(forum, "SELECT id FROM p.posts") == [(2,)]


def test_what_another_program_commits_is_not_shown(forum: Workspace) -> None:
    forum.update("p")
    from deltalake import DeltaTable

    table = DeltaTable(str(Path(forum.lake.root) / "p" / "raw"))
    table.delete("id = 1")
    assert rows(forum, "SELECT id FROM p.raw") == [(1,), (2,), (3,)]
    assert forum.table("p.raw").summary()["version"] == 1
    assert forum.table("p.raw").describe()["pipeline"] == "p"
    assert [(f["table"], f["version"]) for f in forum.foreign()] == [("p.raw", 2)]
    with pytest.raises(PipelineError, match=r"another program committed version 2"):
        forum.update("p")
    forum.update("p", foreign="discard")
    assert rows(forum, "SELECT id FROM p.raw") == [(1,), (2,), (3,)]
    DeltaTable(str(Path(forum.lake.root) / "p" / "raw")).delete("id = 1")
    forum.update("p", foreign="adopt")
    assert rows(forum, "SELECT id FROM p.raw") == [(2,), (3,)]
    assert rows(forum, "SELECT id FROM p.posts") == [(2,)]


def test_an_abandoned_table_stays_until_it_is_dropped(forum: Workspace) -> None:
    forum.update("p")
    define(forum, FORUM.split("CREATE OR REFRESH MATERIALIZED VIEW totals")[0])
    assert [str(n) for n in forum.plan("p").abandoned] == ["p.totals"]
    forum.update("p")
    assert len(rows(forum, "SELECT * FROM p.totals")) == 2
    forum.update("p", drop_abandoned=True)
    with pytest.raises(TableNotFoundError):
        forum.sql("SELECT * FROM p.totals")
    forum.sql("UNDROP TABLE p.totals")


def test_only_some_datasets(forum: Workspace) -> None:
    forum.update("p", only=["raw"])
    assert len(rows(forum, "SELECT * FROM p.raw")) == 3
    with pytest.raises(TableNotFoundError):
        forum.sql("SELECT * FROM p.posts")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "CREATE MATERIALIZED VIEW m AS SELECT * FROM nowhere",
            r"a\.sql:1: p\.m: there is no table",
        ),
        ("\n\nCREATE MATERIALIZED m AS SELECT 1", r"a\.sql:3: "),
        (
            "-- one\nCREATE MATERIALIZED VIEW m AS\nSELECT 1 AS a\nFROM s.t WHERE a = = 2",
            r"a\.sql:4: p\.m: .*\(line 4, column 20\)",
        ),
        (
            "CREATE MATERIALIZED VIEW m AS\nSELECT a,\n  nope\nFROM s.t",
            r"a\.sql:3: p\.m: .*no column nope.*\(line 3, column 3\)",
        ),
        (
            "CREATE MATERIALIZED VIEW m AS\nSELECT a\nFROM s.nowhere",
            r"a\.sql:3: p\.m: there is no table s\.nowhere.*\(line 3, column 8\)",
        ),
        (
            "CREATE MATERIALIZED VIEW m AS\nSELECT frobnicate(a)\nFROM s.t",
            r"a\.sql:2: p\.m: frobnicate\(\) is refused.*\(line 2, column 8\)",
        ),
        ("CREATE MATERIALIZED VIEW m AS SELECT 'x", r"a\.sql"),
        (
            "CREATE MATERIALIZED VIEW a AS SELECT * FROM b;\nCREATE MATERIALIZED VIEW b AS SELECT * FROM a",
            r"circle: p\.\w → p\.\w → p\.\w",
        ),
        (
            "CREATE MATERIALIZED VIEW a AS SELECT 1 AS x;\nCREATE STREAMING TABLE b AS SELECT * FROM STREAM a",
            r"a\.sql:2: .*a materialized view is replaced",
        ),
        (
            "\nCREATE MATERIALIZED VIEW m AS SELECT * FROM read_files('files', format => 'xml')",
            r"a\.sql:2: p\.m: format cannot be 'xml'",
        ),
        (
            "CREATE STREAMING TABLE t AS SELECT * FROM STREAM read_files('files', heade => 'x')",
            r"a\.sql:1: p\.t: .*unknown setting 'heade'",
        ),
        (
            "CREATE STREAMING TABLE t AS SELECT * FROM STREAM read_files('files', "
            "schemaHints => 'a FOO')",
            r"a\.sql:1: p\.t: .*FOO is no type",
        ),
        ("CREATE STREAMING TABLE b AS SELECT 1 AS x", r"reads nothing with STREAM"),
        ("CREATE MATERIALIZED VIEW m (a STRING) AS SELECT 1 AS a", r"a\.sql:1: .*declared STRING"),
        ("CREATE MATERIALIZED VIEW m AS SELECT a FROM s.t WHERE nope = 1", r"a\.sql:1: .*nope"),
        ("CREATE MATERIALIZED VIEW m AS SELECT sum(b) AS b FROM s.t", r"a\.sql:1: .*\bb\b"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(ws: Workspace, text: str, message: str) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 'x' AS a")
    define(ws, text)
    before = commits(ws)
    with pytest.raises(LakeletError, match=message):
        ws.plan("p")
    with pytest.raises(LakeletError, match=message):
        ws.update("p")
    assert commits(ws) == before


def test_another_pipeline_reads_what_is_published(forum: Workspace) -> None:
    forum.update("p")
    define(forum, "CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM p.posts", name="q")
    forum.update("q")
    assert rows(forum, "SELECT n FROM q.m") == [(2,)]
    put(forum, "posts/b.jsonl", {"id": 4, "title": "d", "forum": "ml"})
    forum.update("p")
    plan = forum.plan("q").decisions[0]
    assert plan.reason == "input p.posts moved from version 1 to 2"


def test_the_project_as_it_was(forum: Workspace) -> None:
    import datetime as dt
    import time

    forum.update("p")
    time.sleep(0.01)
    moment = dt.datetime.now(dt.UTC)
    put(forum, "posts/b.jsonl", {"id": 4, "title": "d", "forum": "ml"})
    forum.update("p")
    assert forum.sql("SELECT count(*) FROM p.posts").rows() == [(3,)]
    assert forum.sql("SELECT count(*) FROM p.posts", at=moment).rows() == [(2,)]
    with pytest.raises(TableNotFoundError, match=r"was not published at .*: the first time was 20"):
        forum.sql("SELECT count(*) FROM p.posts", at="2020-01-01")


def test_deleting_the_metadata_store_loses_nothing(forum: Workspace) -> None:
    first = forum.update("p").update
    for file in forum.folder.private.glob("lakelet.db*"):
        file.unlink()
    assert forum.update("p").update is None
    put(forum, "posts/b.jsonl", {"id": 4, "title": "d", "forum": "ml"})
    second = forum.update("p").update
    assert first is not None
    assert second is not None
    assert second > first
    assert [w["reason"] for w in forum.why("p", "raw")] == ["new files (1)", "first update"]


def test_a_lake_is_updated_by_one_workspace(forum: Workspace, tmp_path: Path) -> None:
    import lakelet

    forum.update("p")
    other = lakelet.init(tmp_path / "other")
    settings = other.folder.root / "lakelet.toml"
    settings.write_text(
        settings.read_text().replace('# path = "lake"', f'path = "{forum.lake.root}"')
    )
    other = lakelet.open(other.folder.root)
    define(other, FORUM)
    assert rows(other, "SELECT * FROM p.totals") == [("llm", 1), ("ml", 1)]
    with pytest.raises(PipelineError, match="updated by another workspace"):
        other.update("p")
    other.take_over()
    other.update("p")
    with pytest.raises(PipelineError, match="updated by another workspace"):
        forum.update("p")


def test_events_are_seen_while_they_wait(forum: Workspace) -> None:
    from lakelet.pipelines.events import Log

    update = forum.update("p").update
    assert update is not None
    Log(forum.folder, "p", update + 1).tell("update", "it's on its way", None)
    found = forum.sql(
        "SELECT max(update_id), max_by(message, update_id) FROM system.pipeline_events"
    )
    assert found.rows() == [(update + 1, "it's on its way")]


def test_results_of_a_failed_update_are_taken_over(forum: Workspace) -> None:
    define(
        forum, FORUM + "CREATE MATERIALIZED VIEW bad AS SELECT CAST(title AS INT) AS x FROM posts;"
    )
    with pytest.raises(LakeletError, match=r"a\.sql:9: p\.bad"):
        forum.update("p")
    define(
        forum,
        FORUM + "CREATE MATERIALIZED VIEW bad AS SELECT try_cast(title AS INT) AS x FROM posts;",
    )
    report = forum.update("p")
    assert report.published
    assert report.update is not None
    resumed = {e["dataset"] for e in forum.events(report.update) if e["kind"] == "resumed"}
    assert resumed == {"p.raw", "p.posts", "p.totals"}
    assert rows(forum, "SELECT id FROM p.raw") == [(1,), (2,), (3,)]
    folders = [f.name for f in (Path(forum.lake.root) / "p" / "raw").iterdir() if f.is_dir()]
    assert sum(name.startswith("staged-") for name in folders) == 1


def test_records_a_view_of_files_leaves_out_are_told(ws: Workspace) -> None:
    query = "SELECT *, upper('_metadata') AS x FROM read_files('files/t')"
    define(ws, f"CREATE MATERIALIZED VIEW t AS {query};")
    put(ws, "t/a.jsonl", {"id": 1}, "broken")
    update = ws.update("p").update
    assert update is not None
    told = [event["message"] for event in ws.events(update) if event["kind"] == "output"]
    assert "1 record is no row of the result, in files/t/a.jsonl: line 2" in told[0]
    assert ws.sql("SELECT * FROM p.t").columns == ["id", "x", "_rescued_data"]


def test_a_full_refresh_that_would_lose_rows_is_refused(forum: Workspace) -> None:
    forum.update("p")
    (forum.folder.files / "posts" / "a.jsonl").unlink()
    put(forum, "posts/b.jsonl", {"id": 4, "title": "d", "forum": "ml", "score": 4})
    with pytest.raises(
        PipelineError, match=r"1 file that is not there any more: files/posts/a\.jsonl"
    ):
        forum.update("p", full_refresh=["*"])
    assert len(rows(forum, "SELECT * FROM p.raw")) == 3
    forum.update("p", full_refresh=["*"], even_if_lost=True)
    assert rows(forum, "SELECT id FROM p.raw") == [(4,)]


def test_two_updates_at_once(forum: Workspace) -> None:
    from lakelet.errors import LockedError
    from lakelet.pipelines.own_update import pipeline_lock

    with pipeline_lock(forum.lake, "p") as held:
        assert held
        with pytest.raises(LockedError, match="another update of p is running"):
            forum.update("p")
    assert forum.update("p").published


def test_a_column_called_like_the_loaders_is_only_a_column(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS a, 'mine' AS _metadata UNION ALL SELECT 2, 'too'")
    define(
        ws,
        "CREATE MATERIALIZED VIEW m (CONSTRAINT one EXPECT (a = 1) ON VIOLATION DROP ROW) AS SELECT * FROM s.t",
    )
    ws.update("p")
    assert ws.sql("SELECT record, file FROM p.m__rejected").rows() == [
        ('{"a":2,"_metadata":"too"}', None)
    ]


def test_an_expectation_on_a_view_is_refused(ws: Workspace) -> None:
    define(ws, "CREATE TEMPORARY VIEW v (CONSTRAINT c EXPECT (a = 1)) AS SELECT 1 AS a")
    with pytest.raises(SqlError, match=r"a\.sql:1: a temporary view stores no rows"):
        ws.plan("p")
