"""Lineage of tables that statements make."""

from __future__ import annotations

from pathlib import Path

import pytest

import lakelet
from lakelet.errors import LakeletError
from lakelet.pipelines.events import LINEAGE
from lakelet.session import Workspace
from pipelines.writing import define, put


def sources(ws: Workspace, name: str, direction: str = "upstream") -> list[tuple[int, str]]:
    end = "source" if direction == "upstream" else "target"
    return [(e["depth"], e[end]) for e in ws.lineage(name, direction)]  # type: ignore[arg-type]


def version(ws: Workspace) -> int:
    return ws.lake.table(LINEAGE).newest_version() if ws.lake.exists(LINEAGE) else -1


@pytest.fixture
def made(ws: Workspace) -> Workspace:
    ws.sql("CREATE TABLE s.a AS SELECT 1 AS x")
    ws.sql("CREATE TABLE s.b AS SELECT 2 AS x")
    return ws


def test_every_kind_of_statement(made: Workspace) -> None:
    put(made, "raw/1.jsonl", {"x": 1})
    made.sql("CREATE TABLE s.c AS WITH w AS (SELECT x FROM s.a) SELECT x FROM w")
    made.sql("INSERT INTO S.C SELECT x FROM main.s.b")
    assert sources(made, "s.c") == [(0, "s.a"), (0, "s.b")]
    made.sql("CREATE TABLE s.d (x BIGINT)")
    made.sql("MERGE INTO s.d USING s.c ON c.x = d.x WHEN NOT MATCHED THEN INSERT (x) VALUES (c.x)")
    assert sources(made, "s.d") == [(0, "s.c"), (1, "s.a"), (1, "s.b")]
    made.sql("CREATE TABLE s.e AS SELECT x FROM read_files('files/raw')")
    assert sources(made, "s.e") == [(0, "files: files/raw")]
    made.sql("COPY INTO s.f FROM 'files/raw' FILEFORMAT = JSON")
    assert sources(made, "s.f") == [(0, "files: files/raw")]
    assert sources(made, "s.a", "downstream") == [(0, "s.c"), (1, "s.d")]


def test_what_is_known_or_nothing_is_not_written(made: Workspace) -> None:
    assert version(made) == -1
    for text in ("INSERT INTO s.a VALUES (5)", "DELETE FROM s.a WHERE x IN (SELECT x FROM s.b)",
                 "SELECT * FROM s.a", "INSERT INTO s.a SELECT x + 1 FROM s.a"):  # fmt: skip
        made.sql(text)
    assert version(made) == -1
    made.sql("INSERT INTO s.a SELECT x FROM s.b")
    before = version(made)
    made.sql("INSERT INTO s.a SELECT x + 1 FROM s.b")
    made.sql("CREATE TABLE IF NOT EXISTS s.a AS SELECT 3 AS x")
    other = lakelet.open(made.folder.root)
    other.sql("INSERT INTO s.a SELECT x FROM s.b")
    assert version(made) == before
    with pytest.raises(LakeletError):
        made.sql("INSERT INTO s.a SELECT nope FROM s.b")
    assert sources(made, "s.a") == [(0, "s.b")]


def test_a_table_made_anew_forgets(made: Workspace) -> None:
    made.sql("CREATE TABLE s.c AS SELECT x FROM s.a")
    other = lakelet.open(made.folder.root)
    other.sql("CREATE OR REPLACE TABLE s.c AS SELECT x FROM s.b")
    assert sources(made, "s.c") == [(0, "s.b")]
    made.sql("INSERT INTO s.c SELECT x FROM s.a")
    assert sources(made, "s.c") == [(0, "s.a"), (0, "s.b")]
    made.sql("CREATE OR REPLACE TABLE s.c (x INT)")
    assert sources(made, "s.c") == []


def test_a_new_name_keeps_what_is_known(made: Workspace) -> None:
    made.sql("CREATE TABLE s.c AS SELECT x FROM s.a")
    made.sql("CREATE TABLE s.d AS SELECT x FROM s.c")
    made.sql("ALTER TABLE s.c RENAME TO s.n")
    assert sources(made, "s.n") == [(0, "s.a")]
    assert (0, "s.n") in sources(made, "s.d")
    made.sql("ALTER TABLE s.d RENAME TO s.m")
    assert (0, "s.n") in sources(made, "s.m")


def test_statements_and_pipelines_follow_one_another(made: Workspace) -> None:
    made.sql("CREATE TABLE s.c AS SELECT x FROM s.a")
    define(made, "CREATE MATERIALIZED VIEW m AS SELECT x FROM s.c;")
    made.update("p")
    made.sql("CREATE TABLE s.z AS SELECT x FROM p.m")
    assert sources(made, "s.z") == [(0, "p.m"), (1, "s.c"), (2, "s.a")]
    (made.folder.root / ".lakelet" / "lakelet.db").unlink()
    made = lakelet.open(made.folder.root)
    assert sources(made, "s.a", "downstream") == [(0, "s.c"), (1, "p.m"), (2, "s.z")]


def test_a_lineage_that_cannot_be_written_fails_no_statement(made: Workspace) -> None:
    place = Path(made.lake.place(LINEAGE).location)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("in the way")
    made.sql("CREATE TABLE s.c AS SELECT x FROM s.a")
    assert made.sql("SELECT x FROM s.c").rows() == [(1,)]
