"""Names: those that cannot be, those that come to mean another table, and tables nobody declares."""

from __future__ import annotations

import pytest

from lakelet.errors import (
    InvalidNameError,
    LakeletError,
    OwnedTableError,
    PipelineError,
    SettingsError,
    TableNotFoundError,
)
from lakelet.session import Workspace
from pipelines.writing import commits, define, put

FILES = "CREATE STREAMING TABLE {} AS SELECT id FROM STREAM read_files('files/t');"


@pytest.fixture
def files(ws: Workspace) -> Workspace:
    put(ws, "t/a.jsonl", {"id": 1}, {"id": 2})
    return ws


def settings(ws: Workspace, text: str, name: str = "p") -> None:
    (ws.folder.root / "pipelines" / name / "pipeline.toml").write_text(text)


def ids(ws: Workspace, table: str) -> list[int]:
    return sorted(row[0] for row in ws.sql(f"SELECT id FROM {table}").rows())


@pytest.mark.parametrize("name", ["a b", "a.b", "system", "System", "a`b", "../a", ""])
def test_a_pipeline_of_such_a_name_is_not_made(ws: Workspace, name: str) -> None:
    with pytest.raises(InvalidNameError, match="nothing was made"):
        ws.new_pipeline(name)
    assert list((ws.folder.root / "pipelines").iterdir()) == []


@pytest.mark.parametrize(
    ("pipeline", "dataset", "message"),
    [
        ("a b", "m", "pipelines/a b: 'a b' cannot be the schema"),
        ("system", "m", "'system' cannot be the schema"),
        ("p", "`c d`", r"a\.sql:1: p\.c d cannot be the name of a dataset"),
        ("p", "`c.d`", r"a\.sql:1: p\.c\.d cannot be the name of a dataset"),
    ],
)
def test_names_that_need_quotes_are_refused_at_once(
    ws: Workspace, pipeline: str, dataset: str, message: str
) -> None:
    define(ws, f"CREATE MATERIALIZED VIEW {dataset} AS SELECT 1 AS a", name=pipeline)
    for act in (ws.plan, ws.update):
        with pytest.raises(PipelineError, match=message):
            act(pipeline)
    assert commits(ws) == {}


def test_a_pipeline_named_with_a_blank_works_with_a_schema(ws: Workspace) -> None:
    define(ws, "CREATE MATERIALIZED VIEW m AS SELECT 1 AS id", name="a b")
    settings(ws, 'schema = "ab"', "a b")
    ws.update("a b")
    assert ids(ws, "ab.m") == [1]


def test_a_schema_that_is_no_text_is_refused(ws: Workspace) -> None:
    define(ws, "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a")
    settings(ws, "schema = 3")
    with pytest.raises(SettingsError, match="schema is 3, not a text"):
        ws.plan("p")


def test_another_schema_gives_the_same_names_other_tables(files: Workspace) -> None:
    text = FILES.format("raw") + "CREATE MATERIALIZED VIEW g.m AS SELECT * FROM raw;"
    define(files, text)
    files.update("p")
    settings(files, 'schema = "q"')
    plan = {str(d.dataset.name): (d.how, d.reason) for d in files.plan("p").decisions}
    assert plan["g.m"] == ("full", "input q.raw was not read before")
    files.update("p")
    assert ids(files, "q.raw") == ids(files, "g.m") == [1, 2]
    assert files.update("p").update is None
    assert [str(name) for name in files.plan("p").abandoned] == ["p.raw"]


def test_a_stream_does_not_go_on_in_another_table(files: Workspace) -> None:
    define(files, FILES.format("raw") + "CREATE STREAMING TABLE g.c AS SELECT * FROM STREAM raw;")
    files.update("p")
    settings(files, 'schema = "q"')
    with pytest.raises(PipelineError, match=r"took rows of p\.raw .* means q\.raw now"):
        files.update("p")
    assert ids(files, "g.c") == [1, 2]
    files.update("p", full_refresh=["g.c"])
    assert ids(files, "g.c") == [1, 2]


def test_a_dataset_in_the_place_of_a_dropped_table(files: Workspace) -> None:
    files.sql("CREATE TABLE p.t AS SELECT 7 AS id")
    view = "CREATE MATERIALIZED VIEW m AS SELECT id FROM t;"
    define(files, view)
    files.update("p")
    files.sql("DROP TABLE p.t")
    define(files, view + FILES.format("t"))
    plan = {d.dataset.name.table: (d.how, d.reason) for d in files.plan("p").decisions}
    assert plan["m"] == ("full", "input p.t is replaced by a dataset")
    files.update("p")
    assert ids(files, "p.m") == [1, 2]
    define(files, view + FILES.format("t") + "CREATE STREAMING TABLE c AS SELECT * FROM STREAM s.u")
    files.sql("CREATE TABLE s.u AS SELECT 7 AS id")
    files.update("p")
    files.sql("DROP TABLE s.u")
    define(files, "CREATE STREAMING TABLE c AS SELECT * FROM STREAM s.u;" + FILES.format("s.u"))
    with pytest.raises(PipelineError, match=r"was replaced by a dataset of that name"):
        files.update("p")
    assert ids(files, "p.c") == [7]


def test_tables_of_a_pipeline_that_is_gone_can_be_dropped(files: Workspace) -> None:
    text = (
        FILES.format("raw")
        + "CREATE MATERIALIZED VIEW m (CONSTRAINT c EXPECT (id > 1) ON VIOLATION DROP ROW) AS "
        "SELECT * FROM raw;"
    )
    path = define(files, text)
    files.update("p")
    with pytest.raises(OwnedTableError, match="DROP TABLE is refused"):
        files.sql("DROP TABLE p.m")
    path.parent.rename(path.parent.with_name("r"))
    settings(files, 'schema = "p"', "r")
    with pytest.raises(PipelineError, match="there is no pipeline p") as gone:
        files.update("p", drop_abandoned=True)
    assert "p.m, p.m__rejected, p.raw. DROP TABLE drops each" in str(gone.value)
    with pytest.raises(OwnedTableError, match=r"DROP TABLE p\.raw"):
        files.sql("INSERT INTO p.raw VALUES (1)")
    files.sql("DROP TABLE p.m")
    assert "p.m__rejected" not in [str(name) for name in files.tables()]
    with pytest.raises(TableNotFoundError):
        files.sql("SELECT * FROM p.m")
    with pytest.raises(OwnedTableError, match=r"p\.raw was made by the pipeline p"):
        files.update("r")
    files.sql("DROP TABLE p.raw")
    files.update("r")
    assert ids(files, "p.m") == [2]


def test_another_workspace_drops_nothing_it_only_reads(files: Workspace) -> None:
    import lakelet

    path = define(files, FILES.format("raw"))
    files.update("p")
    other = lakelet.init(files.folder.root.parent / "other")
    toml = other.folder.root / "lakelet.toml"
    toml.write_text(toml.read_text().replace('# path = "lake"', f'path = "{files.lake.root}"'))
    other = lakelet.open(other.folder.root)
    with pytest.raises(LakeletError, match="updated by another workspace"):
        other.sql("DROP TABLE p.raw")
    with pytest.raises(LakeletError, match="updated by another workspace"):
        other.sql("DELETE FROM p.raw WHERE id = 1")
    assert path.is_file()
    assert ids(files, "p.raw") == [1, 2]
