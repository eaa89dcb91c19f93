"""What is said of a table, and what it holds its rows to, is changed on its pages."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from lakelet.session import Workspace
from web.forms import send, token, told

TABLE = "/tables/bronze/a"
PAGE = f"{TABLE}/change"


@pytest.fixture
def numbers(ws: Workspace) -> Workspace:
    """A table whose names and comments need quotes."""
    ws.sql("CREATE TABLE bronze.a (id BIGINT COMMENT 'of a\n row', `a-b` STRING)")
    ws.sql("INSERT INTO bronze.a VALUES (1, 'x'), (-2, 'y')")
    return ws


def facts(ws: Workspace) -> dict[str, Any]:
    return ws.table("bronze.a").describe()


COMMENTS = {
    "comment": "it's \\ \"all\"\r\nof it", "column-0": "id", "comment-0": "of a\r\n row",
    "column-1": "a-b", "comment-1": "ü",
}  # fmt: skip


def test_comments_are_kept_and_taken_away(numbers: Workspace, pages: TestClient) -> None:
    before = numbers.table("bronze.a").version
    answer = send(pages, f"{PAGE}/comments", {"seen": before, **COMMENTS}, page=PAGE)
    assert "The comments of bronze.a are as given" in told(answer.text)
    said = facts(numbers)
    assert said["comment"] == 'it\'s \\ "all"\nof it'
    assert [one["comment"] for one in said["columns"]] == ["of a\n row", "ü"]
    # What stayed as it was made no commit.
    assert said["version"] == before + 2
    assert "lakelet sql" in answer.text and f"restore?to={before}" in answer.text
    send(pages, f"{PAGE}/comments", {"seen": before + 2, "comment": ""}, page=PAGE)
    assert facts(numbers)["comment"] is None
    nothing = send(pages, f"{PAGE}/comments", {"seen": before + 3, "comment": ""}, page=PAGE)
    assert "nothing was changed" in told(nothing.text) and 'role="alert"' in nothing.text
    audit = numbers.sql("SELECT action, source FROM system.audit WHERE source = 'page'").rows()
    assert audit == [("COMMENT ON", "page")] * 3


def test_the_command_that_is_shown_does_the_same(numbers: Workspace, pages: TestClient) -> None:
    from lakelet.web.statements import as_sql_command, comment_on, set_tags

    name = numbers.table("bronze.a").qualified
    text = "it's \\n \\ '' \"`\nso"
    numbers.sql(comment_on(name, "a-b", text), dialect="databricks")
    assert facts(numbers)["columns"][1]["comment"] == text
    numbers.sql(set_tags(name, {"a'b\\": text}), dialect="databricks")
    assert facts(numbers)["tags"] == {"a'b\\": text}
    assert as_sql_command(numbers, "SELECT 1") == "lakelet sql 'SELECT 1'"


def test_tags_are_given_and_taken_off(numbers: Workspace, pages: TestClient) -> None:
    def act(**form: str) -> str:
        seen = numbers.table("bronze.a").version
        return str(send(pages, f"{PAGE}/tags", {"seen": seen, **form}, page=PAGE).text)

    act(**{"tag-0": "team", "value-0": "lab"})
    act(**{"tag-0": "team", "value-0": "lab", "tag-1": "reviewed", "value-1": ""})
    assert facts(numbers)["tags"] == {"team": "lab", "reviewed": ""}
    assert "team" in pages.get(TABLE).text
    act(**{"tag-0": "team", "value-0": "other", "tag-1": "reviewed", "off-1": "on"})
    assert facts(numbers)["tags"] == {"team": "other"}
    refused = act(**{"tag-1": "a.b"})
    assert "is no name of a tag" in told(refused) and 'value="a.b"' in refused


def test_a_constraint_that_rows_break_is_refused(numbers: Workspace, pages: TestClient) -> None:
    seen = numbers.table("bronze.a").version
    form = {"seen": seen, "name": "positive", "condition": "id > 0"}
    broken = send(pages, f"{PAGE}/constraint", form, page=PAGE)
    assert "1 row breaks CHECK (id > 0)" in told(broken.text) and 'value="id &gt; 0"' in broken.text
    assert numbers.table("bronze.a").version == seen
    wrong = send(pages, f"{PAGE}/constraint", {**form, "condition": "id >"}, page=PAGE)
    assert 'role="alert"' in wrong.text
    kept = send(pages, f"{PAGE}/constraint", {**form, "condition": "id <> 0"}, page=PAGE)
    assert "meets positive" in told(kept.text)
    assert facts(numbers)["constraints"] == {"positive": "`id` <> 0"}
    gone = send(pages, f"{PAGE}/constraint", {"seen": seen + 1, "drop": "positive"}, page=PAGE)
    assert "is dropped" in told(gone.text) and facts(numbers)["constraints"] == {}


def test_a_load_since_is_no_reason_to_refuse_a_comment(
    numbers: Workspace, pages: TestClient
) -> None:
    seen = numbers.table("bronze.a").version
    numbers.sql("INSERT INTO bronze.a VALUES (3, 'z')")
    send(pages, f"{PAGE}/comments", {"seen": seen, "comment": "mine"}, page=PAGE)
    assert facts(numbers)["comment"] == "mine"
    late = send(pages, f"{PAGE}/comments", {"seen": seen, "comment": "other"}, page=PAGE)
    assert "since this page was made" in told(late.text) and "other" in late.text
    assert facts(numbers)["comment"] == "mine"


def test_a_form_that_is_sent_twice_changes_once(numbers: Workspace, pages: TestClient) -> None:
    once, seen = token(pages, PAGE), numbers.table("bronze.a").version
    form = {"seen": seen, "name": "known", "condition": "id <> 0"}
    first, second = (
        send(pages, f"{PAGE}/constraint", form, page=PAGE, token=once) for _ in range(2)
    )
    assert told(first.text) == told(second.text)
    assert numbers.table("bronze.a").version == seen + 1


def test_nothing_is_changed_on_a_page_of_the_past(numbers: Workspace, pages: TestClient) -> None:
    moment = numbers.table("bronze.a").history()[0].time.isoformat()
    for query in ({"version": "0"}, {"at": moment}):
        page = pages.get(PAGE, params=query).text
        assert "Only the newest version is changed" in page and 'method="post"' not in page


def test_what_an_update_makes_takes_comments_and_no_constraint(
    ws: Workspace, pages: TestClient
) -> None:
    folder = ws.folder.root / "pipelines" / "p"
    folder.mkdir()
    (folder / "p.sql").write_text("CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;")
    ws.update("p")
    page = "/tables/p/m/change"
    seen = ws.table("p.m").version
    kept = send(pages, f"{page}/comments", {"seen": seen, "comment": "one"}, page=page)
    assert "as given" in told(kept.text) and "Undo" not in kept.text
    send(pages, f"{page}/tags", {"seen": seen + 1, "tag-0": "t"}, page=page)
    assert ws.table("p.m").describe()["tags"] == {"t": ""}
    form = {"seen": ws.table("p.m").version, "name": "c", "condition": "a > 0"}
    refused = send(pages, f"{page}/constraint", form, page=page)
    assert "belongs to the pipeline p" in told(refused.text)


def test_going_back_tells_comments_tags_and_constraints(ws: Workspace, pages: TestClient) -> None:
    ws.sql("CREATE TABLE lab.t (id BIGINT COMMENT 'a key')")
    ws.sql("COMMENT ON TABLE lab.t IS 'before'")
    there = ws.table("lab.t").version
    ws.sql("COMMENT ON TABLE lab.t IS 'after'")
    ws.sql("ALTER TABLE lab.t SET TAGS ('owner' = 'me')")
    ws.sql("ALTER TABLE lab.t ADD CONSTRAINT small CHECK (id < 9)")
    ws.sql("ALTER TABLE lab.t ALTER COLUMN id COMMENT 'the key'")
    told = pages.get(f"/tables/lab/t/restore.json?to={there}").json()["would"]["words"]
    assert told == [
        "the comment of id would be 'a key', and is 'the key' now", "the constraint small would go",
        "the table's comment would be 'before', and is 'after' now", "the tag owner would go",
    ]  # fmt: skip
