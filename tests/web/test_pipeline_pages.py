"""Pipelines, files, home and search say what the session says."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from lakelet.errors import LakeletError
from lakelet.session import Workspace

SQL = """
CREATE OR REFRESH STREAMING TABLE raw_posts COMMENT 'posts as they came'
AS SELECT * FROM STREAM read_files('files/posts', format => 'json');
CREATE OR REFRESH MATERIALIZED VIEW good (
  CONSTRAINT has_score EXPECT (score IS NOT NULL) ON VIOLATION DROP ROW
) AS SELECT id, score FROM raw_posts;
CREATE OR REFRESH MATERIALIZED VIEW best AS SELECT max(score) AS score FROM good;
"""


@pytest.fixture
def forum(ws: Workspace) -> Workspace:
    """A pipeline after one update, with a row that an expectation dropped."""
    folder = ws.folder.root / "pipelines" / "forum"
    folder.mkdir()
    (folder / "forum.sql").write_text(SQL)
    posts = ws.folder.files / "posts"
    posts.mkdir()
    (posts / "a.jsonl").write_text('{"id":1,"score":5}\n{"id":2,"score":null}\n{"id":\n')
    ws.update("forum")
    return ws


PAGES = (
    "/", "/search?q=score", "/pipelines", "/pipelines/forum", "/pipelines/forum/list",
    "/pipelines/forum/updates", "/pipelines/forum/updates/1", "/pipelines/forum/source",
    "/pipelines/forum/steps/forum.good", "/files", "/file?path=files:",
    "/file?path=files/posts/a.jsonl&line=2",
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_a_twin(forum: Workspace, pages: TestClient, page: str) -> None:
    shown = pages.get(page, headers={"accept": "text/html"})
    assert shown.status_code == 200 and "<main" in shown.text, shown.text[:400]
    path, mark, query = page.partition("?")
    twin = pages.get(f"{'/home' if path == '/' else path}.json{mark}{query}")
    assert twin.status_code == 200, twin.text
    assert isinstance(twin.json(), dict)


@pytest.mark.parametrize("page", ["/", "/search", "/tables", "/pipelines", "/files"])
def test_an_empty_workspace_says_what_to_type(pages: TestClient, page: str) -> None:
    shown = pages.get(page, headers={"accept": "text/html"})
    assert shown.status_code == 200
    if page in ("/", "/tables", "/pipelines"):
        assert "<code>lakelet " in shown.text


def test_a_pipeline_shows_counts_and_what_was_kept_out(forum: Workspace, pages: TestClient) -> None:
    found = pages.get("/pipelines/forum.json").json()
    states = {one["outline"]["name"]: one["state"] for one in found["steps"]}
    assert states["forum.good"]["rows"] == 1 and states["forum.good"]["kept_out"] == 1
    assert states["forum.raw_posts"]["kept_out"] == 1
    assert len(found["drawing"]["boxes"]) == 3 and len(found["drawing"]["edges"]) == 2
    text = pages.get("/pipelines/forum", headers={"accept": "text/html"}).text
    assert "1 kept out" in text and "first update" in text
    text = pages.get("/pipelines/forum/updates/1", headers={"accept": "text/html"}).text
    told = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", text))
    assert "forum.good decided: first update" in told and "forum.good finished: 1 row" in told


def test_a_failed_update_is_told_with_what_state_was_left(
    forum: Workspace, pages: TestClient
) -> None:
    file = forum.folder.root / "pipelines/forum/forum.sql"
    file.write_text(SQL.replace("DROP ROW", "FAIL UPDATE"))
    with pytest.raises(LakeletError):
        forum.update("forum")
    text = pages.get("/pipelines/forum", headers={"accept": "text/html"}).text
    assert "failed" in text and "every table reads as before" in text
    assert [one["state"] for one in pages.get("/pipelines/forum.json").json()["last"]] == [
        "published",
        "failed",
    ]
    told = pages.get("/home.json").json()["broken"]
    assert {(one["action"], one["broken"]) for one in told} == {("drop", 1), ("fail", 1)}


def test_a_pipeline_that_cannot_be_read_is_told(forum: Workspace, pages: TestClient) -> None:
    (forum.folder.root / "pipelines/forum/forum.sql").write_text("CREATE OR REFRESH NONSENSE x")
    found = pages.get("/pipelines/forum.json")
    assert found.status_code == 200 and "forum.sql" in found.json()["error"]
    assert pages.get("/pipelines").status_code == 200


def test_what_happens_is_told_as_it_happens(forum: Workspace, pages: TestClient) -> None:
    """The stream of events ends when the reader goes, and tells of an update run elsewhere."""
    from lakelet.web.rooms import pipelines

    class Reader:
        gone = False
        app = SimpleNamespace(state=SimpleNamespace(ending=lambda: False))

        async def is_disconnected(self) -> bool:
            return self.gone

    import asyncio

    updating: list[subprocess.Popen[bytes]] = []
    command = [sys.executable, "-m", "lakelet", "update", "forum"]

    async def read() -> list[str]:
        reader = Reader()
        answer = await pipelines.live(reader, forum, "forum")  # type: ignore[arg-type]
        told = []
        async for text in answer.body_iterator:
            told.append(str(text))
            if len(told) == 1:
                (forum.folder.files / "posts" / "b.jsonl").write_text('{"id":3,"score":9}\n')
                updating.append(subprocess.Popen(command, cwd=forum.folder.root))
            if "published" in str(text) and len(told) > 1:
                reader.gone = True
        return told

    # In a thread of its own: the browser of other tests has a loop in this one.
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(lambda: asyncio.run(asyncio.wait_for(read(), 120))).result()
    assert [process.wait(60) for process in updating] == [0]
    assert told[0].startswith("data: 1 published") and "2 published" in told[-1]


def test_a_file_leads_to_its_tables_and_back(forum: Workspace, pages: TestClient) -> None:
    found = pages.get("/file.json", params={"path": "files/posts/a.jsonl", "line": 3}).json()
    assert [(one["table"], one["rejected"]) for one in found["destinations"]] == [
        ("forum.raw_posts", 1)
    ]
    assert found["preview"]["lines"][2] == '{"id":'
    rows = pages.get("/tables/forum/raw_posts/quality.json").json()["rows"]
    assert [(row["file"], row["line"]) for row in rows] == [("files/posts/a.jsonl", 3)]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "files/../lakelet.toml", "files:../lakelet.toml", "../..", "/", "nope:x",
        "/Volumes/main/default/files/../../x", "lakelet.toml", ".lakelet/lakelet.db", "files/nope",
        "\x00", "files/" + "a" * 5000, "file:///etc/passwd",
    ],
)  # fmt: skip
def test_nothing_outside_a_volume_is_shown(forum: Workspace, pages: TestClient, path: str) -> None:
    for address in ("/file.json", "/file/bytes"):
        answer = pages.get(address, params={"path": path})
        assert answer.status_code in (400, 404, 409, 422), answer.text[:200]
        assert "error" in answer.json()


def test_a_link_out_of_a_volume_is_not_followed(
    forum: Workspace, pages: TestClient, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (forum.folder.files / "out.txt").symlink_to(tmp_path / "secret.txt")
    (forum.folder.files / "away").symlink_to(tmp_path)
    for path in ("files/out.txt", "files/away", "files/away/secret.txt"):
        for address in ("/file.json", "/file/bytes"):
            answer = pages.get(address, params={"path": path})
            assert answer.status_code == 404 and answer.text != "secret"


def test_files_are_handed_over_without_rights(forum: Workspace, pages: TestClient) -> None:
    (forum.folder.files / "page.html").write_text("<script>alert(1)</script>")
    answer = pages.get("/file/bytes", params={"path": "files/page.html"})
    assert answer.text.startswith("<script>")
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["content-type"] == "application/octet-stream"
    shown = pages.get("/file", params={"path": "files/page.html"})
    assert "<script>alert" not in shown.text


def test_search_finds_tables_columns_code_and_files(forum: Workspace, pages: TestClient) -> None:
    def kinds(letters: str) -> set[str]:
        return {
            hit["kind"] for hit in pages.get("/search.json", params={"q": letters}).json()["hits"]
        }

    assert kinds("SCORE") >= {"column", "code"}
    assert kinds("raw_posts") >= {"table", "code"}
    assert kinds("as they came") == {"table", "code"}
    assert kinds("a.jsonl") == {"file"}
    assert kinds("forum") >= {"pipeline", "table"}
    assert kinds("no such letters") == set()
    forum.sql("CREATE TABLE gold.new_one AS SELECT 1 AS brand_new")
    assert kinds("brand_new") == {"column"}
    forum.sql("DROP TABLE gold.new_one")
    assert kinds("brand_new") == set()


def test_the_document_of_the_api_names_every_twin(forum: Workspace, pages: TestClient) -> None:
    document = pages.get("/openapi.json").json()
    assert len(document["paths"]) > 20
    assert not any(path.startswith(("/api", "/v1")) for path in document["paths"])
    assert all(
        "json" in path or path.endswith(("/bytes", "/artifact", "/file", ".csv"))
        for path in document["paths"]
    )


def test_an_interrupted_update_says_how_it_goes_on(forum: Workspace, pages: TestClient) -> None:
    """Killed where its tables are staged: nothing is published, and the page says what to type."""
    (forum.folder.files / "posts" / "b.jsonl").write_text('{"id":3,"score":9}\n')
    killed = subprocess.run(
        [sys.executable, "-m", "lakelet", "update", "forum"], cwd=forum.folder.root, check=False,
        env={**os.environ, "LAKELET_FAULT": "kill:before:publish.journal"}, capture_output=True,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    text = pages.get("/pipelines/forum", headers={"accept": "text/html"}).text
    assert "was interrupted" in text and "lakelet update forum" in text and "Resume" in text
    assert pages.get("/tables/forum/good.json").json()["head"]["rows"] == 1
    assert forum.update("forum").update == 3
    assert pages.get("/tables/forum/good.json").json()["head"]["rows"] == 2


def test_lineage_of_columns_leads_both_ways(forum: Workspace, pages: TestClient) -> None:
    found = pages.get("/tables/forum/good/lineage.json").json()
    score = next(one for one in found["columns"] if one["name"] == "score")
    assert score["sources"] == [["forum.raw_posts", "score"]]
    assert score["targets"] == [["forum.best", "score"]]
    page = pages.get("/tables/forum/good/lineage", headers={"accept": "text/html"}).text
    columns = page.partition("Made from")[2]
    assert "/tables/forum/raw_posts/lineage" in columns and "/tables/forum/best/lineage" in columns
    assert pages.get("/tables/forum/raw_posts/lineage.json").json()["columns"]


def test_files_a_step_reads_lead_to_what_was_read(
    ws: Workspace, pages: TestClient, tmp_path: Path
) -> None:
    """A folder outside the volumes and a pattern have no page of their own on the disk."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.json").write_text('{"id":1}\n')
    (ws.folder.files / "b.json").write_text('{"id":2}\n')
    folder = ws.folder.root / "pipelines" / "p"
    folder.mkdir()
    (folder / "p.sql").write_text(
        f"CREATE OR REFRESH STREAMING TABLE x AS SELECT * FROM STREAM read_files('{outside}');"
        "CREATE OR REFRESH STREAMING TABLE y AS SELECT * FROM STREAM read_files('files/*.json');"
    )
    ws.update("p")
    # Nobody read these: the page must not list them.
    (outside / "secret.json").write_text("{}")
    for table, file in (("x", str(outside / "a.json")), ("y", "files/b.json")):
        step = pages.get(f"/pipelines/p/steps/p.{table}", headers={"accept": "text/html"}).text
        address = html.unescape(re.findall(r'href="(/file\?path=[^"]*)"', step)[0])
        found = pages.get(address.replace("/file?", "/file.json?"))
        assert found.status_code == 200, found.text
        assert [one["path"] for one in found.json()["place"]["entries"]] == [file]
        assert pages.get("/file", params={"path": file}).status_code == 200
    assert pages.get("/file", params={"path": str(tmp_path)}).status_code == 200
    assert pages.get("/file", params={"path": str(outside / "secret.json")}).status_code == 404
    assert pages.get("/file", params={"path": "/etc"}).status_code == 404
