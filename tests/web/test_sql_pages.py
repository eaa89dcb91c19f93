"""Statements of the SQL page: run beside the server, cancelled, kept, refused."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from lakelet.session import Workspace

ENDLESS = "SELECT count(*) FROM range(100000000000) a"


class Sql:
    """Runs statements as the page does."""

    def __init__(self, pages: TestClient) -> None:
        self.pages = pages
        self.token = pages.get("/sql").text.partition('data-token="')[2].partition('"')[0]

    def post(self, path: str, **asked: Any) -> Any:
        headers = {"x-lakelet-token": self.token}
        return self.pages.post(path, content=json.dumps(asked), headers=headers)

    def begin(self, text: str, **more: Any) -> dict[str, Any]:
        answer = self.post("/sql/runs", text=text, **more)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait(self, run: dict[str, Any], *states: str) -> dict[str, Any]:
        states = states or ("finished", "failed", "cancelled")
        for _ in range(100):
            if run["state"] in states:
                return run
            path = f"/sql/runs/{run['id']}?seen={run['number']}"
            run = self.pages.get(path).json()
        raise AssertionError(run)

    def run(self, text: str, **more: Any) -> dict[str, Any]:
        return self.wait(self.begin(text, **more))

    def rows(self, run: dict[str, Any], first: int = 0, count: int = 200) -> list[list[str | None]]:
        query = {"first": first, "count": count}
        answer = self.pages.get(f"/sql/runs/{run['id']}/rows", params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["rows"])


@pytest.fixture
def sql(pages: TestClient) -> Sql:
    return Sql(pages)


def test_a_statement_is_run_and_its_rows_are_read_by_places(ws: Workspace, sql: Sql) -> None:
    run = sql.run("SELECT id, id * 0.5 AS half, concat('row ', id) AS said FROM range(300000)")
    assert (run["state"], run["rows"]) == ("finished", 300_000)
    assert [(c["name"], c["number"]) for c in run["columns"]] == [
        ("id", True), ("half", True), ("said", False),
    ]  # fmt: skip
    assert len(run["first"]) == 200
    assert sql.rows(run, 299_998) == [
        ["299998", "149999.0", "row 299998"], ["299999", "149999.5", "row 299999"],
    ]  # fmt: skip
    assert sql.rows(run, 150_000, 1)[0][0] == "150000"
    assert sql.rows(run, 300_000) == []
    assert sql.pages.get(f"/sql/runs/{run['id']}/rows?count=1001").status_code == 422
    assert ws.sql("SELECT source FROM system.queries").rows()[-1] == ("page",)


def test_a_long_value_is_read_whole(sql: Sql) -> None:
    run = sql.run("SELECT 1 AS a, concat(repeat('é', 5000), '.') AS long, NULL AS n")
    assert len(run["first"][0][1]) == 2000
    path = f"/sql/runs/{run['id']}/value"
    assert sql.pages.get(f"{path}?row=0&column=1").json() == {"value": "é" * 5000 + "."}
    assert sql.pages.get(f"{path}?row=0&column=2").json() == {"value": None}
    assert sql.pages.get(f"{path}?row=1&column=1").status_code == 400
    assert sql.pages.get(f"{path}?row=0&column=3").status_code == 400


def test_values_of_all_kinds(sql: Sql) -> None:
    run = sql.run(
        "SELECT NULL AS nothing, '' AS empty, array(1, 2) AS list, named_struct('a', 1) AS made, "
        "DATE'2026-01-02' AS day, 1.50 AS exact, 1 AS twice, 2 AS twice, '<b>' AS odd"
    )
    assert run["first"] == [
        [None, "", "[1,2]", '{"a":1}', "2026-01-02", "1.50", "1", "2", "<b>"]
    ]  # fmt: skip
    text = "SELECT 12345678901234567890123::HUGEINT AS h, '101'::BIT AS b, 1 AS h, uuid() AS u"
    run = sql.run(text, dialect="duckdb")
    assert run["state"] == "finished", run
    assert run["first"][0][:3] == ["12345678901234567890123", "101", "1"]
    assert sql.rows(run) == run["first"]
    assert sql.run("SELECT 1 AS x WHERE false")["first"] == []


def test_errors_tell_their_place(ws: Workspace, sql: Sql) -> None:
    ws.sql("CREATE TABLE a.b (id INT)")
    run = sql.run("SELECT id,\n  nope\nFROM a.b")
    assert run["state"] == "failed"
    assert (run["line"], run["column"]) == (2, 3)
    assert sql.run("SELECT 1 / 0")["error"].startswith("[DIVIDE_BY_ZERO]")
    assert sql.run("SELEC 1")["state"] == "failed"


def test_statements_write_and_are_audited_as_from_the_page(ws: Workspace, sql: Sql) -> None:
    assert sql.run("CREATE TABLE a.b AS SELECT 1 AS x")["state"] == "finished"
    run = sql.run("INSERT INTO a.b VALUES (2), (3)")
    assert run["first"] == [["2", "2"]]
    last = sql.pages.get("/sql/history").json()["statements"][0]
    assert last["written"] == {"a.b": 1}
    assert ws.sql("SELECT count(*) FROM a.b").rows() == [(3,)]
    found = ws.sql("SELECT action, source, after FROM system.audit ORDER BY id").rows()
    assert found[-1] == ("INSERT", "page", "1")


def test_parameters_and_moments(ws: Workspace, sql: Sql) -> None:
    ws.sql("CREATE TABLE a.b AS SELECT 1 AS x")
    time.sleep(1.1)
    moment = ws.sql("SELECT CAST(now() AS STRING)").rows()[0][0]
    time.sleep(1.1)
    ws.sql("INSERT INTO a.b VALUES (2)")
    text = "SELECT count(*) FROM a.b WHERE x >= :least"
    found = sql.post("/sql/statements", text=f"-- first\n{text};\nSELECT 1").json()["statements"]
    assert [(one["text"], one["parameters"]) for one in found] == [
        (text, ["least"]),
        ("SELECT 1", []),
    ]
    assert found[0]["begin"] == 9
    assert sql.run(text, params={"least": 1})["first"] == [["2"]]
    assert sql.run(text, params={"least": "2"})["first"] == [["1"]]
    assert sql.run(text, params={"least": 1}, at=moment)["first"] == [["1"]]
    assert "least" in sql.run(text)["error"]


def test_a_result_is_sorted_filtered_and_handed_over(sql: Sql) -> None:
    run = sql.run("SELECT id % 7 AS k, id, concat('v', id) AS v FROM range(1000)")
    asked = {
        "sort": [[0, True], [1, True]],
        "filters": [[1, "is below", "20"], [2, "contains", "V1"]],
    }
    answer = sql.post(f"/sql/runs/{run['id']}/derive", **asked)
    found = sql.wait(answer.json())
    assert found["rows"] == 11
    assert sql.rows(found)[:2] == [["6", "13", "v13"], ["5", "19", "v19"]]
    bad = sql.wait(sql.post(f"/sql/runs/{run['id']}/derive", sort=[[9, True]]).json())
    assert "no column 9" in bad["error"]
    text = sql.pages.get(f"/sql/runs/{found['id']}/result.csv").text
    assert list(csv.reader(io.StringIO(text)))[:2] == [["k", "id", "v"], ["6", "13", "v13"]]
    rows = sql.pages.get(f"/sql/runs/{found['id']}/result.json").json()
    assert rows[0] == {"k": 6, "id": 13, "v": "v13"}
    parquet = sql.pages.get(f"/sql/runs/{found['id']}/result.parquet").content
    assert parquet[:4] == b"PAR1"
    assert sql.pages.get(f"/sql/runs/{found['id']}/result.exe").status_code == 400


def test_json_keeps_every_digit_and_holds_no_number_that_is_none(sql: Sql) -> None:
    run = sql.run(
        "SELECT CAST('NaN' AS DOUBLE) AS f, 0.5D AS g, X'00ff' AS b, CAST(1.10 AS DECIMAL(10, 2)) "
        "AS d, CAST(123456789012345678.25 AS DECIMAL(20, 2)) AS w, array(1, 2) AS a, NULL AS n"
    )
    text = sql.pages.get(f"/sql/runs/{run['id']}/result.jsonl").text
    assert (
        text.strip()
        == '{"f":"nan","g":0.5,"b":"00ff","d":1.1,"w":"123456789012345678.25","a":[1,2],"n":null}'
    )


def test_two_names_alike_are_handed_over_as_csv_only(sql: Sql) -> None:
    run = sql.run("SELECT 1 AS a, NULL AS a")
    assert sql.pages.get(f"/sql/runs/{run['id']}/result.csv").text == "a,a\n1,\n".replace(
        "\n", "\r\n", 1
    )
    assert sql.pages.get(f"/sql/runs/{run['id']}/result.json").status_code == 400


def test_cancelling_stops_within_a_second_and_others_go_on(sql: Sql) -> None:
    runs = [sql.begin(ENDLESS) for _ in range(4)]
    for run in runs[:2]:
        sql.wait(run, "running")
    states = [sql.pages.get(f"/sql/runs/{run['id']}").json() for run in runs]
    assert [(one["state"], one["before"]) for one in states] == [
        ("running", 0), ("running", 0), ("waiting", 1), ("waiting", 2),
    ]  # fmt: skip
    assert sql.post(f"/sql/runs/{runs[2]['id']}/cancel").json()["state"] == "cancelled"
    time.sleep(0.5)
    # The answer comes when it has stopped, and says what is so after two seconds at the latest.
    assert sql.post(f"/sql/runs/{runs[0]['id']}/cancel").json()["state"] == "cancelled"
    sql.wait(runs[3], "running")
    for run in (runs[1], runs[3]):
        assert sql.post(f"/sql/runs/{run['id']}/cancel").json()["state"] == "cancelled"
    assert sql.run("SELECT 7 AS x")["first"] == [["7"]]


def test_a_process_that_is_killed_fails_its_statement_alone(sql: Sql) -> None:
    run, other = sql.begin(ENDLESS), sql.begin(ENDLESS)
    sql.wait(run, "running")
    sql.wait(other, "running")
    workers = sql.pages.app.runs._workers  # type: ignore[attr-defined]
    os.kill(next(one for one in workers if one.run.id == run["id"]).process.pid, signal.SIGKILL)
    failed = sql.wait(run)
    assert failed["state"] == "failed"
    assert "ended from outside" in failed["error"]
    assert sql.pages.get(f"/sql/runs/{other['id']}").json()["state"] == "running"
    sql.post(f"/sql/runs/{other['id']}/cancel")
    assert sql.run("SELECT 1 AS x")["first"] == [["1"]]


def test_a_query_that_wants_more_memory_than_there_is_spills_or_fails_alone(
    ws: Workspace, sql: Sql
) -> None:
    path = ws.folder.root / "lakelet.toml"
    path.write_text(path.read_text().replace("[resources]", '[resources]\nmemory = "200 MB"', 1))
    spilled = sql.run("SELECT id, uuid() AS u FROM range(4000000) ORDER BY u")
    assert spilled["state"] in ("finished", "failed"), spilled
    failed = sql.run("SELECT length(array_join(collect_list(uuid()), '')) FROM range(30000000)")
    assert failed["state"] == "failed"
    assert "needs more memory than it may take" in failed["error"], failed
    assert "resources.memory" in failed["hint"]
    assert sql.run("SELECT 1 AS x")["first"] == [["1"]]


@pytest.mark.parametrize("dialect", ["databricks", "duckdb"])
@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM read_blob('{secret}')",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM read_csv_auto('{secret}')",
        "SELECT * FROM read_json('{secret}')",
        "SELECT * FROM read_parquet('{secret}')",
        "SELECT * FROM parquet_metadata('{secret}')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM sniff_csv('{secret}')",
        "SELECT * FROM '{secret}'",
        "SELECT * FROM delta_scan('/')",
        "SELECT (SELECT content FROM read_text('{secret}'))",
        "WITH x AS (SELECT * FROM read_text('{secret}')) SELECT * FROM x",
        "SELECT getenv('HOME')",
        "COPY (SELECT 1) TO '{out}'",
        "COPY a.b TO '{out}'",
        "EXPORT DATABASE '{out}'",
        "ATTACH '{out}' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '1GB'",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "PRAGMA enable_profiling",
        "CALL pragma_version()",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM query_table('a')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_secrets()",
        "CREATE SECRET x (TYPE s3)",
        "SELECT * FROM read_duckdb('{secret}')",
        "IMPORT DATABASE '{out}'",
        "VACUUM INTO '{out}'",
        "SELECT write_log('x')",
    ],
)
def test_no_statement_opens_files_by_other_ways(
    sql: Sql, tmp_path: Path, text: str, dialect: str
) -> None:
    secret, out = tmp_path / "secret.csv", tmp_path / "out.csv"
    secret.write_text("very,secret\n1,2\n")
    run = sql.run(text.format(secret=secret, out=out), dialect=dialect)
    assert run["state"] == "failed", run
    assert run["error"]
    assert not out.exists()
    assert "very" not in json.dumps(run["first"])


def test_results_are_bounded(sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakelet.web.sql.runs._MOST_KEPT", 5)
    first = sql.run("SELECT 0 AS n")
    for number in range(1, 12):
        sql.run(f"SELECT {number} AS n")
    place = sql.pages.app.runs.place  # type: ignore[attr-defined]
    assert len(list(place.glob("*.duckdb"))) <= 6
    gone = sql.pages.get(f"/sql/runs/{first['id']}/rows")
    assert gone.status_code == 404
    assert "run the statement again" in gone.json()["error"]["hint"]
    assert sql.pages.get("/sql/runs/nope").status_code == 404


@pytest.mark.slow
def test_however_many_grids_are_open_two_hundred_results_are_kept(sql: Sql) -> None:
    """As many as a person may open; those looked at longest ago say how to be had again."""
    runs = [sql.run("SELECT 0 AS n")]
    files = len(os.listdir("/proc/self/fd"))
    runs += [sql.run(f"SELECT {number} AS n") for number in range(1, 300)]
    place = sql.pages.app.runs.place  # type: ignore[attr-defined]
    assert len(list(place.glob("*.duckdb"))) <= 201
    told = [sql.pages.get(f"/sql/runs/{run['id']}/rows").status_code for run in runs]
    assert told == [404] * 99 + [200] * 201 or told == [404] * 100 + [200] * 200
    assert len(os.listdir("/proc/self/fd")) <= files + 20


def test_too_many_that_wait_are_refused(sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakelet.web.sql.runs._MOST_WAITING", 3)
    runs = [sql.begin(ENDLESS) for _ in range(5)]
    answer = sql.post("/sql/runs", text="SELECT 1")
    assert answer.status_code == 400
    assert "waiting already" in answer.json()["error"]["message"]
    for run in reversed(runs):
        sql.post(f"/sql/runs/{run['id']}/cancel")


def test_without_a_token_nothing_is_run(ws: Workspace, sql: Sql) -> None:
    sql.token = "65-00.11"
    for path in ("/sql/runs", "/sql/statements", "/sql/words", "/sql/queries"):
        assert sql.post(path, text="CREATE TABLE a.b (x INT)").status_code == 403
    assert list(ws.tables()) == []


def test_words_that_may_stand_there(ws: Workspace, sql: Sql) -> None:
    ws.sql("CREATE TABLE lab.posts (id INT, score DOUBLE, `odd-name` STRING)")
    ws.sql("CREATE TABLE lab.people (id INT)")
    sql = Sql(sql.pages)

    def words(text: str) -> list[tuple[str, str]]:
        found = sql.post("/sql/words", text=text.replace("|", ""), place=text.index("|")).json()
        return [(one["text"], one["kind"]) for one in found["words"]]

    assert words("SELECT sc| FROM lab.posts")[0] == ("score", "column")
    assert words("SELECT * FROM lab.p|") == [("people", "table"), ("posts", "table")]
    assert words("SELECT p.| FROM lab.posts AS p") == [
        ("id", "column"), ("score", "column"), ("`odd-name`", "column"),
    ]  # fmt: skip
    assert words("SELECT * FROM lab.posts p WHERE p.o|") == [("`odd-name`", "column")]
    assert ("lab.posts", "table") in words("SELECT * FROM po|")
    assert ("date_trunc", "function") in words("SELECT date_t|")


def test_queries_are_kept_as_files(ws: Workspace, sql: Sql) -> None:
    assert sql.post("/sql/queries", do="save", name="top posts", text="SELECT 1").status_code == 200
    path = ws.folder.root / "queries" / "top posts.sql"
    assert path.read_text() == "SELECT 1\n"
    again = sql.post("/sql/queries", do="save", name="top posts", text="SELECT 2")
    assert again.status_code == 400
    assert sql.post(
        "/sql/queries", do="save", name="top posts", text="SELECT 2", over=True
    ).status_code == 200  # fmt: skip
    assert sql.post("/sql/queries", do="rename", name="top posts", new="best").status_code == 200
    assert not path.exists()
    found = sql.pages.get("/sql/queries", params={"letters": "select 2"}).json()["queries"]
    assert [one["name"] for one in found] == ["best"]
    for name in ("../x", "a/b", ".x", "", " x", "a" * 300, "x\n"):
        assert sql.post("/sql/queries", do="save", name=name, text="x").status_code == 400, name
    assert sql.post("/sql/queries", do="delete", name="best").json()["queries"] == []
    assert sql.post("/sql/queries", do="delete", name="best").status_code == 400
    audit = ws.sql("SELECT action, target FROM system.audit WHERE error IS NULL").rows()
    assert audit == [
        ("save query", "top posts"), ("save query", "top posts"), ("rename query", "top posts"),
        ("delete query", "best"),
    ]  # fmt: skip


def test_the_plan_of_a_query_tells_rows_and_time_of_each_step(ws: Workspace, sql: Sql) -> None:
    ws.sql("CREATE TABLE a.b AS SELECT id FROM range(1000)")
    run = sql.run("SELECT id % 7 AS k, count(*) AS n FROM a.b GROUP BY k ORDER BY n", plan=True)
    assert run["state"] == "finished", run
    steps = {step["name"]: step for step in run["plan"]}
    assert steps["read parquet"]["rows"] == 1000
    assert steps["order by"]["rows"] == 7
    assert steps["read parquet"]["depth"] > steps["order by"]["depth"]
    assert all(step["seconds"] >= 0 for step in run["plan"])
    assert str(ws.folder.root) not in json.dumps(run["plan"])
    assert "only a query has a plan" in sql.run("DROP TABLE a.b", plan=True)["error"]
    assert ws.sql("SELECT count(*) FROM a.b").rows() == [(1000,)]
