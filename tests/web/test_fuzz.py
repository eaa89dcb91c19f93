"""The interface asked what its own document allows, and what it does not: it never breaks."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from starlette.testclient import TestClient

from conftest import make_workspace
from lakelet.errors import LakeletError
from lakelet.session import Workspace
from lakelet.session.sample import OPERATORS
from lakelet.web import create_app

HOST = "127.0.0.1:8320"
SQL = """
CREATE OR REFRESH STREAMING TABLE raw_posts COMMENT 'posts as they came'
AS SELECT * FROM STREAM read_files('files/posts', format => 'json');
CREATE OR REFRESH MATERIALIZED VIEW good (
  CONSTRAINT has_score EXPECT (score IS NOT NULL) ON VIOLATION DROP ROW
) AS SELECT id, score FROM raw_posts;
"""
ODD = "a b.json 'quoted' \"too\" ;semi"
ODD_COLUMN = "<b>'\"`%s"


def furnish(ws: Workspace) -> None:
    """A pipeline after an update that published and one that failed, tables of all types, files."""
    folder = ws.folder.root / "pipelines" / "forum"
    folder.mkdir()
    (folder / "forum.sql").write_text(SQL)
    posts = ws.folder.files / "posts"
    posts.mkdir()
    (posts / "a.jsonl").write_text('{"id":1,"score":5}\n{"id":2,"score":null}\n{"id":\n')
    (ws.folder.files / "some.csv").write_text("a,b\n1,2\n")
    (ws.folder.files / "noise.bin").write_bytes(bytes(range(256)) * 20)
    (ws.folder.files / "nothing.json").write_text("")
    ws.update("forum")
    (folder / "forum.sql").write_text(SQL.replace("DROP ROW", "FAIL UPDATE"))
    with pytest.raises(LakeletError):
        ws.update("forum")
    ws.sql(
        "CREATE TABLE gold.all_types AS SELECT 1 AS i, CAST(1.5 AS DOUBLE) AS d, 'x' AS s, "
        "true AS b, DATE '2026-01-02' AS day, TIMESTAMP '2026-01-02 03:04:05' AS t, "
        "CAST(1.23 AS DECIMAL(9,2)) AS m, array(1, 2) AS a, named_struct('x', 1) AS st, "
        "map('k', 1) AS mp, CAST('x' AS BINARY) AS bin"
    )
    ws.table("gold.all_types").append([{"i": None, "s": "NaN"}])
    quoted = ODD_COLUMN.replace("`", "``")
    ws.sql(f"CREATE TABLE gold.`{ODD}` AS SELECT 1 AS `{quoted}`")
    ws.sql("CREATE TABLE gold.empty_one (a INT)")
    ws.sql("SELECT * FROM gold.all_types").rows()
    for number in range(2):
        with ws.run("e/first", params={"a": number}) as run:
            ws.table("gold.all_types").rows()
            run.log(f1=number / 2, bad=float("nan"))


KNOWN: dict[str, list[object]] = {
    "schema": ["gold", "forum", "system", "GOLD"],
    "table": ["all_types", "raw_posts", "good", "empty_one", "publications", "loaded_files", ODD],
    "pipeline": ["forum"],
    "update": [1, 2, 3, 10**30, -1, ""],
    "dataset": ["forum.good", "forum.raw_posts", "good"],
    "at": ["2026-01-01", "2999-01-01", "2026-11-24 18:00", "9999-12-31 23:59:59", "0001-01-01"],
    "sort": ["i", "a", "st", "mp", "bin", "score", "_rescued_data", ODD_COLUMN],
    "column": ["i", "d", "s", "b", "day", "t", "m", "a", "st", "mp", "bin", "score", ODD_COLUMN],
    "operator": [*OPERATORS, "nonsense"],
    "value": ["1", "x", "", "NULL", "2026-01-02", "NaN", "1e999", "'", "9" * 60, "\x00", "%", "["],
    "first": [0, 1, 10**6, 2**63, 2**64, 10**30],
    "second": [0, 1, 2**63, 10**30],
    "before": [0, 1, -1, 2**63, -(10**30)],
    "descending": ["true", "false", "perhaps"],
    "line": [1, 2, 10**9, 2**63, 10**30],
    "path": [
        "files", "files:", "files/posts", "files/posts/a.jsonl", "files/some.csv",
        "files/noise.bin", "files/nothing.json", "files/../lakelet.toml", "\x00", "s3://no/where",
        "https://[", "file:///etc/passwd", "files/\ud7ff", "~", "//", "files/posts/*.jsonl",
    ],
    "file": ["files/posts/a.jsonl", "'"],
    "q": ["score", "a.jsonl", "%", "'", "\\", "\x00", "🟠", "ß"],
    "find": ["raw", "%", "\x00"],
    "version": [0, 1, -1, 2**63, 10**30, "", "x"],
    "run": [],
    "folder": ["e", "e/", "nope", "'", "\x00"],
    "where": [
        "metrics.f1 > 0.1", "params.a = '1'", "metrics.bad > 0", "metrics.f1 >", "'", "\x00",
        "metrics.f1 = 1e999", "params.a LIKE '%", "tags.`x` = ''", "(" * 2000,
    ],
    "across": ["params.a", "a", "nope"],
    "up": ["f1", "bad", "nope"],
}  # fmt: skip
"""Values that reach further than random ones do."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    ws = make_workspace(tmp_path_factory.mktemp("fuzz") / "ws")
    furnish(ws)
    KNOWN["run"] = [*(one.id for one in ws.runs()), *(one.id[:6] for one in ws.runs()), "nope", "%"]
    app = create_app(ws.folder.root)
    return TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=False)


def _operations() -> dict[str, Any]:
    # The document says the same of every workspace, so that one that is made only to be asked for
    # it is enough.
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        ws = make_workspace(Path(folder) / "ws")
        document = TestClient(create_app(ws.folder.root), base_url=f"http://{HOST}").get(
            "/openapi.json"
        )
    found = schemathesis.openapi.from_dict(document.json()).get_all_operations()
    return {one.ok().path: one.ok() for one in found}


OPERATIONS = _operations()


def asked(case: Any) -> str:
    """The address of a case, as it goes over the wire."""
    told = case.as_transport_kwargs()
    address = requests.Request(
        "GET", f"http://{HOST}{told['url']}", params=told.get("params")
    ).prepare()
    return str(address.path_url)


def page_of(address: str) -> str:
    path, mark, query = address.partition("?")
    path = path.removesuffix(".json")
    return f"{'/' if path == '/home' else path}{mark}{query}"


def ask(client: TestClient, address: str) -> None:
    """Ask for the twin and the page; neither breaks, and both agree on whether it is there."""
    twin = client.get(address)
    assert twin.status_code < 500, (address, twin.text[:500])
    if twin.status_code >= 400:
        told = twin.json()
        assert set(told) == {"error"}, (address, told)
        assert set(told["error"]) == {"kind", "message", "hint"}, (address, told)
        assert told["error"]["kind"] and told["error"]["message"], (address, told)
    elif twin.headers["content-type"] == "application/json":
        assert isinstance(twin.json(), dict)
    if ".json" not in address.partition("?")[0]:
        return
    page = client.get(page_of(address), headers={"accept": "text/html"})
    assert page.status_code < 500, (page_of(address), page.text[:500])


def _pursue(client: TestClient, operation: Any, mode: GenerationMode, examples: int) -> None:
    names = [one.name for one in operation.iter_parameters()]

    @settings(
        max_examples=examples, database=None, deadline=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def run(case: Any, data: st.DataObject) -> None:
        for where in (case.path_parameters, case.query):
            for name in names:
                path = f"{{{name}}}" in operation.path
                if path is not (where is case.path_parameters) or name not in KNOWN:
                    continue
                if where is not None and data.draw(st.integers(0, 3)):
                    value = data.draw(st.sampled_from(KNOWN[name]))
                    where[name] = requests.utils.quote(str(value), safe="") if path else value
                    if name == "run" and not path:
                        where[name] = data.draw(st.lists(st.sampled_from(KNOWN[name]), max_size=5))
        ask(client, asked(case))

    with suppress(Unsatisfiable):  # an address of which nothing can be wrong
        run()


@pytest.mark.parametrize("path", OPERATIONS)
def test_no_request_breaks_the_server(client: TestClient, path: str) -> None:
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        _pursue(client, OPERATIONS[path], mode, 5)


@pytest.mark.slow
@pytest.mark.parametrize("path", OPERATIONS)
def test_many_requests_do_not_break_the_server(client: TestClient, path: str) -> None:
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        _pursue(client, OPERATIONS[path], mode, 12)
