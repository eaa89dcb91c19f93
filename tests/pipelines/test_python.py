"""Datasets in Python: what a function may return, what it is given, and that it runs once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from lakelet.errors import LakeletError, PipelineError
from lakelet.pipelines.definitions import python_file
from lakelet.session import Workspace
from pipelines.writing import commits, define, put

START = "from lakelet import pipelines as dp\n"
RAW = (
    "CREATE STREAMING TABLE raw AS SELECT * FROM STREAM read_files('files/posts', format => 'json')"
)
ROWS = (
    {"id": 1, "title": "a", "score": 1},
    {"id": 2, "title": None, "score": 0},
    {"id": 3, "title": "c", "score": 9},
)


@pytest.fixture
def raw(ws: Workspace) -> Workspace:
    define(ws, RAW)
    put(ws, "posts/a.jsonl", *ROWS)
    return ws


def python(ws: Workspace, text: str, file: str = "b.py") -> Path:
    return define(ws, START + text, file=file)


def rows(ws: Workspace, query: str) -> list[tuple[object, ...]]:
    return sorted(ws.sql(query).rows(), key=repr)


def output(ws: Workspace, update: int | None) -> list[str]:
    assert update is not None
    return [e["message"] for e in ws.events(update) if e["kind"] == "output"]


RETURNED = {
    "an input": "return raw.select('id', 'score * 2 AS n').filter('id > 1')",
    "sql": "return 'SELECT id, score * 2 AS n FROM raw WHERE id > 1'",
    "sql by its full name": "return 'SELECT id, score * 2 AS n FROM p.raw WHERE id > 1'",
    "a query over an input": "return raw.sql('SELECT id, score * 2 AS n FROM this WHERE id > 1')",
    "a duckdb relation": "return raw.relation.filter('id > 1').project('id, score * 2 AS n')",
    "polars": "return raw.polars().filter(pl.col('id') > 1).select('id', n=pl.col('score') * 2)",
    "lazy polars": "return raw.polars().lazy().filter(pl.col('id') > 1)"
    ".select('id', n=pl.col('score') * 2)",
    "pandas": "f = raw.pandas(); f['n'] = f['score'] * 2; return f[f['id'] > 1][['id', 'n']]",
    "arrow": "return pa.table({'id': [2, 3], 'n': [0, 18]})",
    "an arrow batch": "return pa.table({'id': [2, 3], 'n': [0, 18]}).to_batches()[0]",
    "an arrow reader": "return pa.table({'id': [2, 3], 'n': [0, 18]}).to_reader()",
    "dictionaries": "return [{'id': r['id'], 'n': r['score'] * 2} for r in raw.rows() if r['id'] > 1]",
    "yielded batches": "yield from (b.slice(1) for b in raw.select('id', 'score * 2 AS n').batches())",
    "yielded frames": "yield pl.DataFrame({'id': [2], 'n': [0]}); yield pl.DataFrame({'n': [18], 'id': [3]})",
    "yielded dictionaries": "yield {'id': 2, 'n': 0}\n    yield {'n': 18, 'id': 3}",
    "yielded lists": "yield [{'id': 2, 'n': 0}]\n    yield [{'id': 3, 'n': 18}]",
    "numpy values": "import numpy as np\n    return [{'id': np.int64(2), 'n': np.int32(0)}, {'id': 3, 'n': 18}]",
}


@pytest.mark.parametrize("body", RETURNED.values(), ids=RETURNED)
def test_what_a_function_may_return(raw: Workspace, body: str) -> None:
    python(
        raw,
        f"import polars as pl\nimport pyarrow as pa\n@dp.materialized_view\ndef m(raw):\n    {body}\n",
    )
    report = raw.update("p")
    assert rows(raw, "SELECT id, n FROM p.m") == [(2, 0), (3, 18)]
    assert [d.rows for d in report.datasets] == [3, 2]


def test_values_keep_their_types(ws: Workspace) -> None:
    python(
        ws,
        "import datetime as dt, decimal\n"
        "@dp.materialized_view\n"
        "def m():\n"
        "    utc = dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.timezone.utc)\n"
        "    yield {'i': 1, 'f': 1, 's': 'x', 'b': b'\\x00a', 't': utc, 'n': utc.replace(tzinfo=None),\n"
        "           'd': dt.date(2026, 1, 2), 'm': decimal.Decimal('1.25'), 'l': [1, None], 'o': True,\n"
        "           'st': {'a': [{'b': 1}]}, 'none': None, 'big': 1 << 70}\n"
        "    yield {'i': None, 'f': 2.5, 'm': decimal.Decimal('-0.5'), 'st': {'a': []}}\n",
    )
    ws.update("p")
    columns = {c.name: c.type.sql for c in ws.table("p.m").columns}
    assert columns == {
        "i": "BIGINT", "f": "DOUBLE", "s": "STRING", "b": "BINARY", "t": "TIMESTAMP",
        "n": "TIMESTAMP_NTZ", "d": "DATE", "m": "DECIMAL(38,2)", "l": "ARRAY<BIGINT>",
        "o": "BOOLEAN", "st": "STRUCT<a: ARRAY<STRUCT<b: BIGINT>>>", "none": "STRING",
        "big": "DECIMAL(38,0)",
    }  # fmt: skip
    first, _ = ws.sql("SELECT * FROM p.m ORDER BY i NULLS LAST").dicts()
    assert first["t"] == dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC)
    assert first["n"] == dt.datetime(2026, 1, 2, 3, 4, 5, 6)
    assert (first["b"], first["l"], first["st"], first["big"]) == (
        b"\x00a", [1, None], {"a": [{"b": 1}]}, 1 << 70,
    )  # fmt: skip


def test_a_function_runs_once_and_its_rows_are_checked_as_they_come(raw: Workspace) -> None:
    python(
        raw,
        "@dp.materialized_view(comment='checked')\n"
        "@dp.expect('seen', 'score > 0')\n"
        "@dp.expect_or_drop('has_title', 'title IS NOT NULL')\n"
        "@dp.expect_all_or_fail({'has_id': 'id IS NOT NULL'})\n"
        "def m(raw):\n"
        "    with open('calls.txt', 'a') as calls: calls.write('call\\n')\n"
        "    for row in raw.rows():\n"
        "        with open('calls.txt', 'a') as calls: calls.write('row\\n')\n"
        "        yield {k: row[k] for k in ('id', 'title', 'score')}\n",
    )
    python(
        raw,
        "@dp.expect_or_drop('late', 'n > 1')\n@dp.materialized_view\ndef above(): return [{'n': 1}]\n",
        "c.py",
    )
    report = raw.update("p")
    calls = (raw.folder.root / "calls.txt").read_text().split()
    assert (calls.count("call"), calls.count("row")) == (1, 3)
    (found,) = [d for d in report.datasets if d.dataset.table == "m"]
    assert (found.rows, found.kept, found.dropped) == (3, 2, 1)
    assert found.broken == {"seen": 1, "has_title": 1, "has_id": 0}
    assert [r[0] for r in raw.sql("SELECT expectations FROM p.m__rejected").rows()] == [
        ["seen", "has_title"]
    ]
    assert rows(raw, "SELECT * FROM p.above") == [], "an expectation above the decorator counts too"
    before = commits(raw)
    assert raw.update("p").update is None
    assert commits(raw) == before
    assert (raw.folder.root / "calls.txt").read_text().split() == calls


def test_an_update_with_nothing_to_do_starts_no_process(
    raw: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    python(raw, "@dp.materialized_view\ndef m(raw): return raw\n")
    raw.update("p")

    def refused(*_args: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(python_file, "_described", refused)
    assert raw.update("p").update is None
    assert {d.reason for d in raw.plan("p").decisions} == {"nothing new", "nothing changed"}


def test_streams_deliver_new_rows_only(raw: Workspace) -> None:
    python(
        raw,
        "@dp.table(stream=['raw'])\n"
        "def seen(raw): return [{'ids': sorted(r['id'] for r in raw.rows())}]\n"
        "@dp.table(stream=['raw'])\n"
        "def text(): return 'SELECT id FROM STREAM raw'\n"
        "dp.create_streaming_table('both', comment='of two', expect_all_or_drop={'small': 'id < 5'})\n"
        "@dp.append_flow(target='both', reads={'new': 'p.raw'}, stream=['new'])\n"
        "def first(new): return new.select('id')\n"
        "@dp.append_flow(target='both', name='start', once=True)\n"
        "def second(): return [{'id': 0}]\n",
    )
    raw.update("p")
    put(raw, "posts/b.jsonl", {"id": 4, "title": "d"}, {"id": 5, "title": "e"})
    raw.update("p")
    assert rows(raw, "SELECT ids FROM p.seen") == [([1, 2, 3],), ([4, 5],)]
    assert rows(raw, "SELECT id FROM p.text") == [(1,), (2,), (3,), (4,), (5,)]
    assert rows(raw, "SELECT id FROM p.both") == [(0,), (1,), (2,), (3,), (4,)]
    assert raw.update("p").update is None
    raw.update("p", full_refresh=["*"])
    assert rows(raw, "SELECT ids FROM p.seen") == [([1, 2, 3, 4, 5],)]


VIEWS = """
CREATE TEMPORARY VIEW files AS SELECT id * 10 AS id FROM STREAM read_files('files/posts', format => 'json');
CREATE TEMPORARY VIEW rows AS SELECT id + 1 AS id FROM STREAM s.t WITH (SKIPCHANGECOMMITS);
CREATE TEMPORARY VIEW upon AS SELECT id FROM STREAM rows WHERE id > 0;
CREATE TEMPORARY VIEW whole AS SELECT id FROM s.t;
"""


def test_streams_are_read_through_views(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1L AS id")
    put(ws, "posts/a.jsonl", {"id": 1})
    define(ws, VIEWS)
    python(
        ws,
        "dp.create_streaming_table('t')\n"
        "@dp.append_flow(target='t', stream=['files'])\n"
        "def one(files): return files\n"
        "@dp.append_flow(target='t', stream=['upon'])\n"
        "def two(upon, whole): return 'SELECT id FROM STREAM upon WHERE id IS NOT NULL'\n",
    )
    ws.update("p")
    assert rows(ws, "SELECT id FROM p.t") == [(10,), (2,)]
    put(ws, "posts/b.jsonl", {"id": 2})
    ws.sql("INSERT INTO s.t VALUES (5)")
    ws.sql("DELETE FROM s.t WHERE id = 1")
    ws.update("p")
    assert rows(ws, "SELECT id FROM p.t") == [(10,), (2,), (20,), (6,)]
    assert not ws.update("p").published


def test_what_a_stream_delivers_is_said_by_name(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS id")
    python(
        ws,
        "@dp.table(reads={'t': 's.t'}, stream={'t': 'skipChangeCommits'})\n"
        "def added(t): return t\n"
        "@dp.table(reads={'t': 's.t'}, stream={'t': 'readChangeFeed'})\n"
        "def feed(t): return t.select('id', '_change_type AS kind')\n",
    )
    ws.update("p")
    ws.sql("DELETE FROM s.t")
    ws.sql("INSERT INTO s.t VALUES (2)")
    ws.update("p")
    assert rows(ws, "SELECT id FROM p.added") == [(1,), (2,)]
    assert rows(ws, "SELECT kind, id FROM p.feed") == [("delete", 1), ("insert", 1), ("insert", 2)]


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        ("{'rows': 'skipChangeCommits'}", "rows is a temporary view; what its stream delivers"),
        ("{'rows': 'nope'}", "stream says 'nope', which is not known"),
        ("['whole']", "reads nothing with STREAM"),
        ("['made']", "reads nothing with STREAM"),
    ],
)
def test_streams_that_are_none(ws: Workspace, stream: str, message: str) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS id")
    define(ws, VIEWS)
    python(
        ws,
        "@dp.temporary_view(reads={'t': 's.t'})\n"
        "def made(t): return t\n"
        f"@dp.table(stream={stream})\n"
        "def m(): return []\n",
    )
    with pytest.raises(PipelineError, match=message):
        ws.plan("p")


def test_changes_are_applied_by_a_declared_flow(raw: Workspace) -> None:
    python(
        raw,
        "dp.create_streaming_table('newest')\n"
        "dp.create_auto_cdc_flow(target='newest', source='raw', keys=['id'], sequence_by='score',\n"
        "                        except_column_list=['_rescued_data', '_metadata'])\n",
    )
    raw.update("p")
    put(raw, "posts/b.jsonl", {"id": 1, "title": "later", "score": 2})
    raw.update("p")
    assert rows(raw, "SELECT id, title FROM p.newest WHERE id = 1") == [(1, "later")]


def test_a_declared_flow_may_truncate(raw: Workspace) -> None:
    text = (
        "dp.create_streaming_table('newest')\n"
        "dp.create_auto_cdc_flow('newest', 'raw', ['id'], 'score',\n"
        "    apply_as_truncates=\"title = 'none left'\", column_list=['id', 'title'])\n"
    )
    python(raw, text)
    raw.update("p")
    put(raw, "posts/b.jsonl", {"title": "none left", "score": 50}, {"id": 9, "score": 51})
    raw.update("p")
    assert rows(raw, "SELECT id FROM p.newest") == [(9,)]
    python(raw, text.replace("column_list", "stored_as_scd_type=2, column_list"))
    with pytest.raises(PipelineError, match="TRUNCATE WHEN is for STORED AS SCD TYPE 1"):
        raw.plan("p")


def test_other_tables_are_declared_and_views_are_computed_once(raw: Workspace) -> None:
    raw.sql("CREATE TABLE gold.tags AS SELECT 1 AS id, 'x' AS tag")
    python(
        raw,
        "@dp.temporary_view\n"
        "def v(raw):\n"
        "    print('the view runs')\n"
        "    return raw.select('id')\n"
        "@dp.materialized_view(reads={'tags': 'gold.tags'}, timeout=60)\n"
        "def tagged(v, tags, shown='no'): return v.sql('SELECT v.id, tag FROM v JOIN tags ON v.id = tags.id')\n"
        "@dp.materialized_view(reads={'tags': 'gold.tags'})\n"
        "def text(): return 'SELECT tags.tag FROM gold.tags'\n",
    )
    define(raw, "CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM v", file="c.sql")
    report = raw.update("p")
    assert rows(raw, "SELECT * FROM p.tagged") == [(1, "x")]
    assert rows(raw, "SELECT * FROM p.text") == [("x",)]
    assert rows(raw, "SELECT * FROM p.counted") == [(3,)]
    assert output(raw, report.update).count("the view runs") == 1
    assert not list(raw.folder.temp.glob("rows-*"))
    raw.sql("INSERT INTO gold.tags VALUES (3, 'z')")
    plan = {d.dataset.name.table: d.reason for d in raw.plan("p").decisions}
    assert plan["tagged"] == "input gold.tags moved from version 0 to 1"
    assert plan["counted"] == "nothing changed"


def test_rows_that_are_no_plain_files_are_handed_over_too(raw: Workspace) -> None:
    define(
        raw, f"{RAW};\nCREATE TEMPORARY VIEW v AS SELECT upper(title) AS t FROM raw WHERE id <> 2"
    )
    python(
        raw,
        "@dp.materialized_view\ndef m(v):\n    assert v.columns == ['t']\n    return v.arrow()\n",
    )
    raw.update("p")
    assert rows(raw, "SELECT t FROM p.m") == [("A",), ("C",)]
    assert not list(raw.folder.temp.glob("rows-*"))


def test_what_is_printed_is_among_the_events(raw: Workspace) -> None:
    python(
        raw,
        "import sys\n"
        "@dp.materialized_view\n"
        "def m(raw):\n"
        "    print('to the one')\n"
        "    print('to the other', file=sys.stderr)\n"
        "    import subprocess; subprocess.run(['echo', 'from a child'])\n"
        "    return raw.select('id')\n",
    )
    report = raw.update("p")
    assert "\n".join(output(raw, report.update)).split("\n") == [
        "to the one", "to the other", "from a child",
    ]  # fmt: skip


def test_declared_columns_are_enforced_and_given(ws: Workspace) -> None:
    python(
        ws,
        "@dp.materialized_view(schema=\"id INT COMMENT 'the one', at TIMESTAMP, m MAP<STRING, INT>\","
        " partition_cols=['id'], table_properties={'delta.appendOnly': 'false'}, spark_conf={'a': 'b'})\n"
        "def m(): return [{'id': 1, 'm': {'a': 2}}, {'id': 2}]\n"
        "@dp.materialized_view(schema='id INT, name STRING')\n"
        "def empty(): return []\n",
    )
    ws.update("p")
    assert [c.type.sql for c in ws.table("p.m").columns] == ["INT", "TIMESTAMP", "MAP<STRING, INT>"]
    assert ws.table("p.m").columns[0].comment == "the one"
    assert rows(ws, "SELECT id, m['a'] FROM p.m") == [(1, 2), (2, None)]
    assert [c.name for c in ws.table("p.empty").columns] == ["id", "name"]


def test_many_rows_come_in_order_and_whole(ws: Workspace) -> None:
    python(
        ws,
        "@dp.materialized_view\n"
        "def dicts():\n"
        "    for i in range(30_000): yield {'i': i, 's': 'x' * 20}\n"
        "@dp.materialized_view\n"
        "def big(dicts): return dicts.sql('SELECT a.i * 100 + b.i AS i FROM this a, dicts b WHERE b.i < 20')\n",
    )
    ws.update("p")
    assert rows(ws, "SELECT count(*), sum(i), max(i) FROM p.dicts") == [
        (30_000, 449_985_000, 29_999)
    ]
    assert rows(ws, "SELECT count(DISTINCT i) FROM p.big") == [(600_000,)]


def test_modules_of_the_pipeline_and_the_workspace_are_private(ws: Workspace) -> None:
    root = ws.folder.root
    (root / "shared_code").mkdir()
    (root / "shared_code" / "numbers.py").write_text("STEP = 10\n")
    for name in ("p", "q"):
        define(ws, f"NAME = '{name}'\n", name=name, file="_own.py")
        define(
            ws,
            START + "import _own\nfrom shared_code.numbers import STEP\n"
            "@dp.materialized_view\ndef m(): return [{'n': _own.NAME, 's': STEP}]\n",
            name=name, file="json.py",
        )  # fmt: skip
        ws.update(name)
    assert rows(ws, "SELECT n, s FROM p.m") == [("p", 10)]
    assert rows(ws, "SELECT n, s FROM q.m") == [("q", 10)]
    (root / "shared_code" / "numbers.py").write_text("STEP = 11\n")
    (decision,) = ws.plan("p").decisions
    assert decision.reason == "function changed"
    assert "-STEP = 10\n+STEP = 11" in decision.details["diff"]
    ws.update("p")
    assert rows(ws, "SELECT s FROM p.m") == [(11,)]


def test_a_function_that_changed_runs_again_and_only_that_one(raw: Workspace) -> None:
    text = "@dp.materialized_view\ndef one(raw): return raw.select('id')\n@dp.materialized_view\ndef two(raw): return raw.select('title')\n"
    python(raw, text)
    raw.update("p")
    python(
        raw,
        "# said\n" + text.replace("def one(raw): return", "def one( raw ):\n    # why\n    return"),
    )
    assert raw.update("p").update is None, "a reformatted function is the same"
    python(raw, text.replace("'id'", "'id', 'score'"))
    how = {d.dataset.table: (d.state, d.reason) for d in raw.update("p").datasets}
    assert how["one"] == ("published", "function changed")
    assert how["two"] == ("skipped", "nothing changed")
    newest = raw.why("p", "one")[0]
    assert "+    return raw.select('id', 'score')" in newest["diff"]


def test_decorated_functions_can_be_called_outside_an_update() -> None:
    from lakelet import pipelines as dp

    @dp.materialized_view
    @dp.expect("positive", "n > 0")
    def doubled(numbers: list[int]) -> list[int]:
        return [2 * n for n in numbers]

    assert doubled([1]) == [2]
    with pytest.raises(LakeletError, match="timeout is a number"):
        dp.table(timeout=-1)


def test_functions_need_no_extra(raw: Workspace) -> None:
    python(
        raw,
        "import sys\n"
        "class Blocked:\n"
        "    names = {'pandas', 'pyarrow', 'polars', 'numpy'}\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in self.names: raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "@dp.materialized_view\n"
        "def dicts(raw): return [row for row in raw.select('id', 'title').rows()]\n"
        "@dp.materialized_view\n"
        "def batches(raw): yield from raw.select('id').batches()\n"
        "@dp.materialized_view\n"
        "def text(raw): return 'SELECT count(*) AS n FROM raw'\n"
        "@dp.materialized_view\n"
        "def frame(raw):\n"
        "    try:\n"
        "        return raw.polars()\n"
        "    except ImportError as error:\n"
        "        return [{'said': str(error)}]\n",
    )
    raw.update("p")
    assert len(rows(raw, "SELECT * FROM p.dicts")) == len(rows(raw, "SELECT * FROM p.batches")) == 3
    assert rows(raw, "SELECT n FROM p.text") == [(3,)]
    assert "lakelet[frames]" in raw.sql("SELECT said FROM p.frame").rows()[0][0]


def test_a_failing_connection_is_tried_again(ws: Workspace) -> None:
    python(
        ws,
        "import pathlib\n"
        "@dp.materialized_view\n"
        "def m():\n"
        "    tries = pathlib.Path('tries.txt')\n"
        "    seen = tries.read_text() if tries.exists() else ''\n"
        "    tries.write_text(seen + 'x')\n"
        "    if not seen: raise ConnectionResetError('gone')\n"
        "    return [{'tries': len(seen) + 1}]\n",
    )
    report = ws.update("p")
    assert rows(ws, "SELECT tries FROM p.m") == [(2,)]
    assert report.update is not None
    (retried,) = [e for e in ws.events(report.update) if e["kind"] == "retried"]
    assert "ConnectionResetError: gone" in retried["message"]


def test_the_version_of_a_package_counts(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    (site / "made_up").mkdir(parents=True)
    (site / "made_up" / "__init__.py").write_text("STEP = 1\n")
    told = site / "made_up-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: made_up\nVersion: 1.0\n")
    (told / "top_level.txt").write_text("made_up\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    python(ws, "import made_up\n@dp.materialized_view\ndef m(): return [{'n': made_up.STEP}]\n")
    ws.update("p")
    assert ws.update("p").update is None
    told.rename(site / "made_up-1.1.dist-info")
    metadata = site / "made_up-1.1.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.0", "1.1"))
    (decision,) = ws.plan("p").decisions
    assert decision.reason == "function changed"
    assert "-# made_up 1.0\n+# made_up 1.1" in decision.details["diff"]


def test_scratch_files_of_killed_processes_are_removed(raw: Workspace) -> None:
    raw.folder.temp.mkdir(parents=True, exist_ok=True)
    left = raw.folder.temp / "rows-999999999-left.parquet"
    left.touch()
    python(
        raw,
        "@dp.temporary_view\ndef v(raw): return raw\n@dp.materialized_view\ndef m(v): return v\n",
    )
    raw.update("p")
    assert not list(raw.folder.temp.glob("rows-*"))
