"""A table's tabs and their twins say what the session says."""

from __future__ import annotations

import datetime as dt
import html
import re
from urllib.parse import quote

import pytest
import pytz
from starlette.testclient import TestClient

from lakelet.session import Workspace

PERSON = {"accept": "text/html"}
TABS = (
    "", "/overview", "/profile", "/sample", "/history", "/diff?first=0&second=1", "/lineage",
    "/quality", "/files", "/rescued", "/used", "/health",
)  # fmt: skip


@pytest.fixture
def posts(ws: Workspace) -> Workspace:
    """A table of two loads, with a rescued value and a rejected line."""
    for name, text in {
        "a": '{"id":1,"title":"one","score":5}\n{"id":2,"title":"two","score":"n/a"}\n{"id":\n',
        "b": '{"id":3,"title":"three","score":7}\n',
    }.items():
        (ws.folder.files / f"{name}.jsonl").write_text(text)
        ws.load(f"files/{name}.jsonl", into="bronze.posts", hints="score INT")
    return ws


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_has_a_twin(posts: Workspace, pages: TestClient, tab: str) -> None:
    path, mark, query = tab.partition("?")
    page = pages.get(f"/tables/bronze/posts{path}{mark}{query}")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    twin = pages.get(f"/tables/bronze/posts{path}.json{mark}{query}")
    assert twin.status_code == 200, twin.text
    head = twin.json()["head"]
    assert (head["name"], head["rows"], head["version"]) == ("bronze.posts", 3, 2)


def test_a_sample_is_filtered_and_sorted(posts: Workspace, pages: TestClient) -> None:
    def ids(**query: str) -> list[str]:
        found = pages.get("/tables/bronze/posts/sample.json", params=query)
        assert found.status_code == 200, found.text
        return [row[0] for row in found.json()["sample"]["rows"]]

    assert ids(sort="id") == ["1", "2", "3"]
    assert ids(sort="ID", descending="true") == ["3", "2", "1"]
    assert ids(column="id", operator="at least", value="2", sort="id") == ["2", "3"]
    assert ids(column="title", operator="contains", value="O", sort="id") == ["1", "2"]
    assert ids(column="score", operator="is missing") == ["2"]
    assert ids(column="title", operator="is not", value="two", sort="id") == ["1", "3"]
    for query, says in (
        ({"column": "nope"}, "no column"),
        ({"column": "id", "value": "x"}, "cannot be read as BIGINT"),
        ({"column": "id", "operator": "eats"}, "nothing a column can be asked"),
        ({"sort": "nope"}, "no column"),
    ):
        answer = pages.get("/tables/bronze/posts/sample.json", params=query)
        assert answer.status_code in (400, 409) and says in answer.json()["error"]["message"]


def test_looking_leaves_no_trace(posts: Workspace, pages: TestClient) -> None:
    for tab in TABS:
        pages.get(f"/tables/bronze/posts{tab}")
    assert posts.sql("SELECT count(*) FROM system.queries").rows() == [(0,)]


def test_the_moment_turns_the_whole_page(posts: Workspace, pages: TestClient) -> None:
    first = posts.table("bronze.posts").history()[1]
    at = (first.time + dt.timedelta(milliseconds=1)).isoformat()
    for tab in ("", "/sample", "/history", "/files"):
        found = pages.get(f"/tables/bronze/posts{tab}", params={"at": at})
        assert found.status_code == 200 and "as it was at" in found.text
        assert "at=" in found.text.partition("Sample")[0].rpartition("href=")[2]
    twin = pages.get("/tables/bronze/posts.json", params={"at": at}).json()
    assert (twin["head"]["version"], twin["head"]["rows"]) == (1, 2)
    files = pages.get("/tables/bronze/posts/files.json", params={"at": at}).json()
    assert [one["file"] for one in files["files"]] == ["files/a.jsonl"]
    versions = pages.get("/tables/bronze/posts/history.json", params={"at": at}).json()["versions"]
    assert [one["version"] for one in versions] == [1, 0]
    told = pages.get("/tables/bronze/posts/quality.json", params={"at": at}).json()["rows"]
    assert [row["line"] for row in told] == [3]
    early = (first.time - dt.timedelta(days=1)).isoformat()
    assert pages.get("/tables/bronze/posts.json", params={"at": early}).status_code == 404
    posts.sql("CREATE TABLE gold.best AS SELECT * FROM bronze.posts")
    page = pages.get("/tables/bronze/posts/lineage.json")
    assert [edge["target"] for edge in page.json()["downstream"]] == ["gold.best"]
    assert (
        pages.get("/tables/bronze/posts/lineage.json", params={"at": at}).json()["downstream"] == []
    )
    now = pages.get("/pipelines", params={"at": at}).text
    assert "This page shows what is now" in now
    wrong = pages.get("/tables/bronze/posts.json", params={"at": "soon"})
    assert wrong.status_code == 400 and "is no moment" in wrong.json()["error"]["message"]
    for page in ("/tables", "/tables/bronze", "/pipelines", "/runs", "/files"):
        wrong = pages.get(page, params={"at": "soon"})
        assert wrong.status_code == 400 and "is no moment" in wrong.text


def test_the_red_number_leads_to_the_row(posts: Workspace, pages: TestClient) -> None:
    files = pages.get("/tables/bronze/posts/files").text
    assert "quality?file=files%2Fa.jsonl" in files
    rows = pages.get("/tables/bronze/posts/quality.json", params={"file": "files/a.jsonl"}).json()
    assert [(row["line"], row["record"]) for row in rows["rows"]] == [(3, '{"id":')]


def test_who_uses_it(posts: Workspace, pages: TestClient) -> None:
    posts.sql("CREATE TABLE gold.best AS SELECT * FROM bronze.posts WHERE score > 5")
    posts.sql("SELECT count(*) FROM bronze.posts").rows()
    found = pages.get("/tables/bronze/posts/used.json").json()
    assert found["made"] == ["gold.best"]
    assert found["queries"][0]["text"] == "SELECT count(*) FROM bronze.posts"
    assert found["queries"][0]["version"] == 2


def test_a_profile_says_what_values_are_like(posts: Workspace, pages: TestClient) -> None:
    found = pages.get("/tables/bronze/posts/profile.json").json()["profile"]
    score = next(one for one in found["columns"] if one["name"] == "score")
    assert score["missing"] == pytest.approx(1 / 3) and score["distinct"] == 2
    assert found["sampled"] is False and found["rows"] == 3


HARMFUL = ("a&b=c", "x.json", "a'b\"c", "100%", "<u>", "日本", "x" * 120)


def test_names_that_mean_harm(ws: Workspace, pages: TestClient) -> None:
    """Markup in names, values and comments; quotes, dots, per cent signs, `.json`, length."""
    for table in HARMFUL:
        ws.sql(f"CREATE TABLE `s`.`{table}` (`<script>x</script>` STRING COMMENT '<script>x')")
        ws.sql(f"INSERT INTO `s`.`{table}` VALUES ('<script>x</script>')")
    listed = pages.get("/tables/s.json").json()["tables"]
    assert len(listed) == len(HARMFUL) and all(one["error"] is None for one in listed)
    for table in HARMFUL:
        for tab in ("overview", *(tab.strip("/") for tab in TABS if tab)):
            answer = pages.get(f"/tables/s/{quote(table, safe='')}/{tab}")
            assert answer.status_code in (200, 404), (table, tab, answer.text[-400:])
            assert "<script>x" not in answer.text and "<u>" not in answer.text
    links = re.findall(r'href="(/tables/s/[^"]+)"', pages.get("/tables/s").text)
    assert len(set(links)) == len(HARMFUL)
    assert all(pages.get(html.unescape(link)).status_code == 200 for link in links)


@pytest.mark.parametrize("name", ["sp ace", "a.dot", 'q"uote', "ünï.dot"])
def test_odd_names_have_every_page(ws: Workspace, pages: TestClient, name: str) -> None:
    ws.sql(f"CREATE TABLE t2.`{name}` AS SELECT 1 AS id")
    for tab in ("", "standing", "used", "lineage", "maintain", "drop", "restore?to=0", "change"):
        address, mark, query = tab.partition("?")
        path = f"/tables/t2/{quote(name, safe='')}/{address}".rstrip("/")
        assert pages.get(f"{path}{mark}{query}").status_code == 200, tab
    assert pages.get(f"/tables/t2/{quote(name, safe='')}/maintain.json").json()["command"]


def test_the_moment_keeps_what_a_page_was_asked(posts: Workspace, pages: TestClient) -> None:
    page = pages.get("/tables/bronze/posts/diff?first=0&second=1").text
    popped = page.partition('class="popped"')[2].partition("</form>")[0]
    assert '<input type="hidden" name="first" value="0">' in popped and 'name="second"' in popped
    now = quote(dt.datetime.now(dt.UTC).isoformat())
    again = pages.get(f"/tables/bronze/posts/diff?first=0&second=1&at={now}").text
    assert 'href="/tables/bronze/posts/diff?first=0&amp;second=1">Back to now' in again
    assert pages.get("/tables/bronze/posts?at=").status_code == 200


def test_a_cell_of_ten_megabytes(ws: Workspace, pages: TestClient) -> None:
    ws.sql("CREATE TABLE s.big AS SELECT repeat('ab', 5000000) AS x")
    page = pages.get("/tables/s/big/sample")
    assert page.status_code == 200 and len(page.content) < 50_000 and "…" in page.text
    assert pages.get("/tables/s/big/profile").status_code == 200


def test_what_differs_is_written_as_samples_write_it(ws: Workspace, pages: TestClient) -> None:
    ws.sql("CREATE TABLE bronze.a AS SELECT named_struct('name', 'ä', 'n', 1) AS who")
    ws.sql("INSERT INTO bronze.a VALUES (named_struct('name', 'b', 'n', 2))")
    found = pages.get("/tables/bronze/a/diff.json", params={"first": 0, "second": 1}).json()
    sample = pages.get("/tables/bronze/a/sample.json").json()["sample"]["rows"]
    assert found["added_rows"] == [['{"name":"b","n":2}']] and found["added_rows"][0] in sample


def test_changed_cells_are_marked(ws: Workspace, pages: TestClient) -> None:
    ws.sql("CREATE TABLE bronze.a AS SELECT id, id % 2 AS n FROM range(4)")
    ws.sql("UPDATE bronze.a SET n = 5 WHERE id = 2")
    address = "/tables/bronze/a/diff"
    found = pages.get(f"{address}.json?first=0&second=1").json()
    assert (found["key"], found["guessed"], found["changed"]) == (["id"], True, 1)
    assert (found["added"], found["removed"]) == (0, 0)
    assert found["changed_rows"] == [
        [{"before": "2", "after": "2", "changed": False},
         {"before": "0", "after": "5", "changed": True}]
    ]  # fmt: skip
    page = pages.get(f"{address}?first=0&second=1").text
    assert "<del>0</del>" in page and "<ins>5</ins>" in page
    wrong = pages.get(f"{address}?first=0&second=1&key=nope")
    assert wrong.status_code == 200 and "have a column" in wrong.text
    unpaired = pages.get(f"{address}.json?first=0&second=1&key=nope").json()
    assert (unpaired["key"], unpaired["added"], unpaired["removed"]) == ([], 1, 1)


def test_a_table_says_at_once_whether_it_is_all_right(posts: Workspace, pages: TestClient) -> None:
    found = pages.get("/tables/bronze/posts/standing.json").json()
    assert (found["rejected"], found["waiting"], found["broken"]) == (1, 1, [])
    assert found["files"] == 2
    posts.sql("CREATE TABLE silver.ids AS SELECT id FROM bronze.posts")
    found = pages.get("/tables/bronze/posts/standing.json").json()
    assert found["made"] == ["silver.ids"]
    assert found["statements"] == 1
    page = pages.get("/tables/bronze/posts", headers={"accept": "text/html"}).text
    assert "/tables/bronze/posts/standing" in page
    assert "standing" not in pages.get("/tables/bronze/posts?version=1").text


def test_tables_of_lakelet_itself_are_only_looked_at(posts: Workspace, pages: TestClient) -> None:
    own = pages.get("/tables/system/loaded_files/history").text
    theirs = pages.get("/tables/bronze/posts/history").text
    for form in ("go back…", ">Change</a>"):
        assert form in theirs
        assert form not in own


def test_home_at_a_moment_is_of_that_moment(posts: Workspace, pages: TestClient) -> None:
    (before,) = pages.get("/home.json").json()["loads"]
    moment = dt.datetime.now(dt.UTC).isoformat()
    (posts.folder.files / "c.jsonl").write_text('{"id":7,"score":1}\n')
    posts.load("files/c.jsonl", into="bronze.posts")
    (now,) = pages.get("/home.json").json()["loads"]
    assert now["files"] == before["files"] + 1
    # The table was loaded into since, and stays in the list of then, with the rows of then.
    assert pages.get("/home.json", params={"at": moment}).json()["loads"] == [before]


def test_moments_as_people_say_them(posts: Workspace, pages: TestClient) -> None:
    page = pages.get("/tables?at=2 hours ago").text
    told = re.search(r"Versions are those of <b>(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)</b>", page)
    assert told is not None
    then = dt.datetime.fromisoformat(told[1])
    now = dt.datetime.now(pytz.timezone(posts.time_zone)).replace(tzinfo=None)
    assert dt.timedelta(hours=1, minutes=59) < now - then < dt.timedelta(hours=2, minutes=1)
    assert pages.get("/home.json?at=yesterday").json()["loads"] == []
    shown = pages.get("/tables?at=2020-01-01T12:00%2B01:00").text
    zone = pytz.timezone(posts.time_zone)
    noon = dt.datetime(2020, 1, 1, 11, tzinfo=dt.UTC).astimezone(zone)
    assert f"<b>{noon:%F %T}</b> ({posts.time_zone})" in shown


@pytest.mark.parametrize("version", ["99", str(2**62), str(10**30)])
def test_a_version_that_is_not_there_names_the_table_not_its_place(
    posts: Workspace, pages: TestClient, version: str
) -> None:
    answer = pages.get(f"/tables/bronze/posts?version={version}", headers=PERSON)
    assert str(posts.folder.root) not in answer.text
    assert answer.status_code in (404, 422)
    if answer.status_code == 404:
        assert f"bronze.posts has no version {version}; its newest is" in answer.text


def test_a_part_that_fails_is_a_part(posts: Workspace, pages: TestClient) -> None:
    part = pages.get("/tables/bronze/gone/profile", headers={**PERSON, "hx-request": "true"})
    assert part.status_code == 404
    assert "bronze.gone" in part.text
    assert "<html" not in part.text
    assert pages.get("/tables/bronze/posts/sample.json?sort=nope").status_code == 400
