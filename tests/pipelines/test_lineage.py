"""Where tables and columns come from."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from lakelet.cli.app import cli
from lakelet.errors import SchemaError
from lakelet.session import Workspace
from pipelines.writing import define, put

TEXT = """
CREATE STREAMING TABLE raw AS SELECT * FROM STREAM read_files('files/t');
CREATE TEMPORARY VIEW v AS SELECT id, n * 2 AS twice FROM raw;
CREATE MATERIALIZED VIEW m AS
  WITH c AS (SELECT id, twice + 1 AS more FROM v)
  SELECT c.id, max(c.more) AS top, min(o.w) AS w FROM c JOIN s.other AS o ON o.id = c.id GROUP BY c.id;
CREATE MATERIALIZED VIEW g AS SELECT sum(top) AS total FROM m;
"""


def ends(ws: Workspace, name: str, direction: str = "upstream") -> list[tuple[int, str]]:
    end = "source" if direction == "upstream" else "target"
    return [
        (e["depth"], ".".join(filter(None, (e[end], e[f"{end}_column"]))))
        for e in ws.lineage(name, direction)  # type: ignore[arg-type]
    ]


def test_tables_and_columns_are_followed_through_views_and_subqueries(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.other AS SELECT 1L AS id, 5 AS w")
    define(ws, TEXT)
    put(ws, "t/a.jsonl", {"id": 1, "n": 2})
    ws.update("p")
    assert ends(ws, "p.g") == [
        (0, "p.m"), (1, "p.raw"), (2, "files: files/t"), (1, "s.other"),
    ]  # fmt: skip
    assert ends(ws, "p.g.total") == [(0, "p.m.top"), (1, "p.raw.n")]
    assert ends(ws, "p.m.w") == [(0, "s.other.w")]
    assert ends(ws, "p.raw.n", "downstream") == [(0, "p.m.top"), (1, "p.g.total")]
    assert ends(ws, "s.other", "downstream") == [(0, "p.m"), (1, "p.g")]


def test_a_changed_query_has_a_lineage_of_its_own(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.a AS SELECT 1 AS x")
    ws.sql("CREATE TABLE s.b AS SELECT 1 AS y")
    define(ws, "CREATE MATERIALIZED VIEW m AS SELECT x AS z FROM s.a")
    ws.update("p")
    assert ends(ws, "p.m.z") == [(0, "s.a.x")]
    define(ws, "CREATE MATERIALIZED VIEW m AS SELECT y AS z FROM s.b")
    ws.update("p")
    assert ends(ws, "p.m.z") == [(0, "s.b.y")]
    assert ends(ws, "s.a", "downstream") == []


def test_columns_of_files_are_named_by_their_path(ws: Workspace) -> None:
    put(ws, "t/a.jsonl", {"id": 1, "n": 2})
    define(
        ws,
        "CREATE STREAMING TABLE c AS SELECT id AS x FROM STREAM read_files('files/t');"
        "CREATE TEMPORARY VIEW v AS SELECT n AS y FROM read_files('files/t');"
        "CREATE MATERIALIZED VIEW m AS SELECT y FROM v JOIN range(3) ON y = range.id;",
    )
    ws.update("p")
    assert ends(ws, "p.c.x") == [(0, "files: files/t.id")]
    assert ends(ws, "p.m") == [(0, "files: files/t")]
    assert ends(ws, "p.m.y") == [(0, "files: files/t.n")]
    with pytest.raises(SchemaError, match=r"p\.c has no column nosuch"):
        ws.lineage("p.c.nosuch")


def test_the_tree_shows_which_lines_belong_together(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.other AS SELECT 1L AS id, 5 AS w")
    define(ws, TEXT)
    put(ws, "t/a.jsonl", {"id": 1, "n": 2})
    ws.update("p")
    done = CliRunner().invoke(cli, ["--workspace", str(ws.folder.root), "lineage", "p.g"])
    assert done.output.splitlines() == [
        "p.g",
        "└─ p.m",
        "   ├─ p.raw",
        "   │  └─ files: files/t",
        "   └─ s.other",
    ]
