"""SQL in a browser: written, completed, run, sorted, drawn, cancelled, found again after a reload."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lakelet.session import Workspace
from lakelet.session.saved_queries import save_query
from web.looking import faults
from web.test_browser import Person
from web.test_screens import SIZES

ENDLESS = "SELECT count(*) FROM range(100000000000) a"


class Writer(Person):
    """Someone who writes SQL."""

    def __init__(self, browser: Any, site: str, theme: str = "light", size: str = "wide") -> None:
        super().__init__(browser, site, theme, size)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.open()

    def open(self) -> None:
        self.page.goto("/sql")
        self.page.locator(".cm-content").wait_for()

    def write(self, text: str) -> None:
        self.page.locator(".cm-content").press("Control+a")
        self.page.keyboard.insert_text(text)

    def run(self, text: str | None = None, state: str = "finished") -> None:
        if text is not None:
            self.write(text)
        self.page.locator(".cm-content").press("Control+Enter")
        self.state(state)

    def state(self, said: str) -> None:
        self.page.locator("[data-state]", has_text=said).wait_for(timeout=20_000)

    def row(self, place: int) -> list[str]:
        row = self.page.locator(f".grid-row[aria-rowindex='{place + 1}']:visible")
        row.locator(".grid-cell:not(.wait)").first.wait_for()
        return list(row.locator(".grid-cell").all_inner_texts())

    def copied(self) -> str:
        return str(self.page.evaluate("navigator.clipboard.readText()"))


@pytest.fixture
def meet(browser: Any, ws: Workspace, serve: Callable[[Path], str]) -> Iterator[Any]:
    """People at the page; none of their browsers asks another host, or complains."""
    ws.sql("CREATE TABLE lab.posts AS SELECT id, id * 2 AS score FROM range(100)")
    site = serve(ws.folder.root)
    met: list[Writer] = []

    def one(theme: str = "light", size: str = "wide") -> Writer:
        met.append(Writer(browser, site, theme, size))
        return met[-1]

    yield one
    for person in met:
        person.context.close()
        assert all(url.startswith((site, "data:", "blob:")) for url in person.asked), person.asked
        assert person.complaints == []


def test_ctrl_enter_runs_the_statement_at_the_cursor_or_the_selection(meet: Any) -> None:
    person = meet()
    page = person.page
    person.run("SELECT 1 AS one;\nSELECT 2 AS two, NULL AS none, '' AS empty, '<b>x</b>' AS odd")
    assert person.row(1) == ["2", "NULL", "", "<b>x</b>"]
    assert page.locator(".tok-keyword").first.inner_text() == "SELECT"
    assert page.locator(".grid-cell.null").count() == 1
    page.keyboard.press("Control+Home")
    person.run()
    page.locator(".grid-title", has_text="one").wait_for()
    assert person.row(1) == ["1"]
    page.keyboard.press("Control+a")
    person.run(state="statement 2 of 2: finished")
    assert person.row(1)[0] == "2"
    assert page.locator("[data-heard]").inner_text() == "statement 2 of 2: finished, 1 row"


def test_words_complete(meet: Any) -> None:
    person = meet()
    page = person.page
    page.locator(".cm-content").press_sequentially("SELECT sco", delay=20)
    page.keyboard.type("re FROM lab.po", delay=20)
    page.locator(".cm-tooltip-autocomplete li", has_text="posts").wait_for()
    page.wait_for_timeout(100)  # what is chosen at once is taken for typing
    page.keyboard.press("Tab")
    assert page.locator(".cm-content").inner_text() == "SELECT score FROM lab.posts"
    page.keyboard.type(" WHERE sc", delay=20)
    page.locator(".cm-tooltip-autocomplete li", has_text="score").wait_for()
    page.keyboard.press("Escape")
    assert page.locator(".cm-tooltip-autocomplete").count() == 0
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.run") == ""


def test_an_error_is_marked_where_it_is(meet: Any) -> None:
    person = meet()
    page = person.page
    person.run("SELECT 1;\n\nSELECT id,\n  nope\nFROM lab.posts", state="failed")
    assert page.locator(".cm-lintRange-error").inner_text() == "nope"
    assert "nope" in page.get_by_role("alert").inner_text()
    person.run("SELECT id\nFROM lab.posts")
    assert page.locator(".cm-lintRange-error").count() == 0


def test_tabs_and_their_results_survive_a_reload(meet: Any, ws: Workspace) -> None:
    person = meet()
    page = person.page
    person.run("SELECT 'first' AS a")
    page.get_by_role("button", name="New tab").click()
    person.run("SELECT 'second' AS b")
    page.get_by_role("tab", name="Query 1").click()
    assert person.row(1) == ["first"]
    person.open()
    assert page.get_by_role("tab").all_inner_texts() == ["Query 1", "Query 2"]
    assert page.locator(".cm-content").inner_text() == "SELECT 'first' AS a"
    assert person.row(1) == ["first"]
    page.get_by_role("tab", name="Query 1").press("ArrowRight")
    assert person.row(1) == ["second"]
    other = person.context.new_page()
    other.goto("/sql")
    other.locator(".cm-content").fill("SELECT 'elsewhere'")
    page.get_by_role("tab", name="Query 1").click()
    assert page.locator(".cm-content").inner_text() == "SELECT 'elsewhere'"


def test_a_result_that_is_gone_can_be_had_again(meet: Any) -> None:
    person = meet()
    page = person.page
    person.run("SELECT 'there' AS a")
    page.evaluate("""() => {
        const key = Object.keys(localStorage).find((one) => one.startsWith("lakelet-sql:"));
        localStorage[key] = JSON.stringify({...JSON.parse(localStorage[key]), run: "0"});
    }""")
    person.open()
    page.get_by_text("This result is gone.").wait_for()
    page.get_by_role("button", name="Run it again").click()
    assert person.row(1) == ["there"]
    person.complaints.clear()  # Chromium's own word for an answer of 404


def test_what_wrote_is_not_offered_to_be_run_again(meet: Any, ws: Workspace) -> None:
    """A second INSERT would write a second row, and whether the first came through is known."""
    person = meet()
    page = person.page
    person.run("-- one more\nINSERT INTO lab.posts VALUES (1000, 1)")
    page.evaluate("""() => {
        const key = Object.keys(localStorage).find((one) => one.startsWith("lakelet-sql:"));
        localStorage[key] = JSON.stringify({...JSON.parse(localStorage[key]), run: "0"});
    }""")
    person.open()
    page.get_by_text("History says what it wrote").wait_for()
    assert page.get_by_role("button", name="Run it again").count() == 0
    assert ws.sql("SELECT count(*) FROM lab.posts WHERE id = 1000").rows() == [(1,)]
    person.complaints.clear()  # Chromium's own word for an answer of 404


def test_sorted_and_filtered_by_keys_and_by_clicks(meet: Any) -> None:
    person = meet()
    page = person.page
    person.run("SELECT id, id % 7 AS k, concat('v', id) AS v FROM range(1000)")
    page.locator(".grid-name[data-column='1']").click()
    page.locator("[data-chips]", has_text="k ↑").wait_for()
    page.locator(".grid").press("Enter")
    page.locator("[data-chips]", has_text="k ↓").wait_for()
    assert person.row(1) == ["6", "6", "v6"]
    assert page.locator("[aria-sort='descending']").inner_text().startswith("k")
    page.get_by_role("button", name="Filter v", exact=True).click()
    page.get_by_role("textbox", name="Value").fill("99")
    page.keyboard.press("Enter")
    page.locator("[data-result-title]", has_text="19 rows").wait_for()
    page.keyboard.press("Alt+ArrowDown")
    assert page.get_by_role("dialog", name="v").get_by_role("textbox").input_value() == "99"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Filter id", exact=True).click()
    page.get_by_role("textbox", name="Value").fill("no number")
    page.keyboard.press("Enter")
    page.get_by_text("That order or filter failed").wait_for()
    assert page.locator("[data-result-title]").inner_text() == "19 rows"
    person.open()
    page.locator("[data-result-title]", has_text="19 rows").wait_for()
    page.get_by_role("button", name="Remove: v contains 99").click()
    page.locator("[data-result-title]", has_text="1,000 rows").wait_for()


@pytest.mark.parametrize("rows", [200_000, 1_000_000])
def test_many_rows_are_scrolled_to_their_end(meet: Any, rows: int) -> None:
    person = meet()
    page = person.page
    person.run(f"SELECT id, concat('row ', id) AS said FROM range({rows})")
    page.locator(".grid").evaluate("(grid) => { grid.scrollTop = grid.scrollHeight; }")
    assert person.row(rows) == [str(rows - 1), f"row {rows - 1}"]
    bottom = page.locator(f".grid-row[aria-rowindex='{rows + 1}']").bounding_box()
    grid = page.locator(".grid").bounding_box()
    assert bottom["y"] + bottom["height"] <= grid["y"] + grid["height"] + 1
    assert page.locator(".grid-row").count() < 200
    page.locator(".grid").hover()
    page.mouse.wheel(0, -280)
    person.row(rows - 20)
    page.locator(".grid").focus()
    page.keyboard.press("Control+Home")
    assert person.row(1) == ["0", "row 0"]
    page.keyboard.press("Control+End")
    page.keyboard.press("Control+c")
    page.locator("[data-state]", has_text="The cell is copied").wait_for()
    assert person.copied() == f"row {rows - 1}"


def test_cells_rows_and_columns_are_copied(meet: Any) -> None:
    person = meet()
    page = person.page
    person.run("""SELECT id, concat("it's ", id) AS said, NULL AS n FROM range(3)""")
    grid = page.locator(".grid")
    grid.focus()
    for key in ("ArrowDown", "ArrowRight", "Control+c"):
        page.keyboard.press(key)
    page.get_by_text("The cell is copied").last.wait_for()
    assert person.copied() == "it's 1"
    page.keyboard.press("Alt+r")
    page.locator("[data-state]", has_text="Row 2 is copied").wait_for()
    assert person.copied() == "1\tit's 1\t"
    page.keyboard.press("Alt+l")
    page.locator("[data-state]", has_text="said is copied as a list").wait_for()
    assert person.copied() == "('it''s 0', 'it''s 1', 'it''s 2')"
    page.keyboard.press("Enter")
    assert page.locator("#sql-side pre").inner_text() == "it's 1"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "grid"
    before = page.locator(".grid-name").first.bounding_box()["width"]
    for key in ("ArrowUp", "ArrowUp", "ArrowUp", "Home", "Shift+ArrowRight"):
        page.keyboard.press(key)
    assert page.locator(".grid-name").first.bounding_box()["width"] == before + 16


def test_a_column_is_copied_so_that_it_can_be_asked_for(meet: Any, ws: Workspace) -> None:
    person = meet()
    page = person.page
    person.run("SELECT X'00ff' AS raw, array(1, 2) AS some")
    page.locator(".grid").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Alt+l")
    page.locator("[data-state]", has_text="raw is copied as a list").wait_for()
    assert person.copied() == "(X'00ff')"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Alt+l")
    page.locator("[data-state]", has_text="A column of ARRAY cannot be written").wait_for()
    assert person.copied() == "(X'00ff')"
    assert ws.sql(f"SELECT 1 AS found WHERE X'00ff' IN {person.copied()}").rows() == [(1,)]


def test_an_empty_text_is_a_value_of_a_parameter(meet: Any) -> None:
    person = meet()
    page = person.page
    person.write("SELECT :word = '' AS empty")
    page.get_by_label(":word").wait_for()
    page.locator(".cm-content").press("Control+Enter")
    person.state("Say what :word is")
    page.keyboard.press("Control+Enter")
    person.state("finished")
    assert person.row(1) == ["true"]


def test_a_long_value_is_shown_and_copied_whole(meet: Any) -> None:
    person = meet()
    page = person.page
    person.run("SELECT concat(repeat('x', 5000), 'end') AS long")
    page.locator(".grid").focus()
    page.keyboard.press("Enter")
    assert page.locator("#sql-side pre").inner_text().endswith("xend")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+c")
    page.get_by_text("The cell is copied").last.wait_for()
    assert person.copied() == "x" * 5000 + "end"


def test_downloads(meet: Any) -> None:
    person = meet()
    page = person.page
    person.run("SELECT 1 AS a, 'x' AS b")
    for form, begins in (("CSV", b"a,b\r\n1,x"), ("Parquet", b"PAR1"), ("JSON", b"[")):
        page.get_by_text("Download", exact=True).click()
        with page.expect_download() as came:
            page.get_by_role("link", name=form, exact=True).click()
        assert Path(came.value.path()).read_bytes().startswith(begins)
        page.keyboard.press("Escape")


def test_cancel_and_waiting_are_seen(meet: Any) -> None:
    person = meet()
    page = person.page
    person.run(ENDLESS, state="running")
    page.get_by_role("button", name="Cancel").click()
    person.state("cancelled")
    for number in (2, 3, 4):
        page.get_by_role("button", name="New tab").click()
        person.run(
            f"{ENDLESS}, range({number})",
            state="running" if number < 4 else "next, when one of the two",
        )
    page.get_by_role("button", name="Cancel").click()
    person.state("cancelled")
    for name in ("Query 2", "Query 3"):
        page.get_by_role("tab", name=name).click()
        person.state("running")
        page.get_by_role("button", name="Cancel").click()
        person.state("cancelled")
    person.run("SELECT 5 AS x")


def test_parameters_are_fields(meet: Any) -> None:
    person = meet()
    page = person.page
    person.write("SELECT count(*) AS n FROM lab.posts WHERE id < :most")
    field = page.get_by_label(":most")
    field.wait_for()
    page.locator(".cm-content").press("Control+Enter")
    person.state("Say what :most is")
    assert field.evaluate("(one) => one === document.activeElement")
    page.keyboard.type("7")
    page.keyboard.press("Control+Enter")
    person.state("finished")
    assert person.row(1) == ["7"]
    person.open()
    page.get_by_label(":most").wait_for()
    assert page.get_by_label(":most").input_value() == "7"


def test_a_query_reads_tables_as_they_were(meet: Any, ws: Workspace) -> None:
    moment = ws.table("lab.posts").history()[0].time.isoformat()
    ws.sql("DELETE FROM lab.posts")
    person = meet()
    person.run("SELECT count(*) AS n FROM lab.posts")
    assert person.row(1) == ["0"]
    person.page.get_by_text("As of now").click()
    person.page.get_by_label("Show everything as it was at").fill(moment)
    person.page.get_by_role("button", name="Go to that moment").click()
    person.page.locator(".moment").wait_for()
    person.run()
    person.page.locator(".grid-cell", has_text="100").wait_for()


def test_a_page_opens_a_tab_once(meet: Any, ws: Workspace) -> None:
    person = meet()
    page = person.page
    page.goto("/tables/lab/posts/sample?version=0")
    page.get_by_role("link", name="Query", exact=True).click()
    tab = page.get_by_role("tab", selected=True)
    tab.get_by_text("lab.posts").wait_for()
    person.run()
    assert person.row(1) == ["0", "0"]
    page.reload()
    tab.get_by_text("lab.posts").wait_for()
    assert page.get_by_role("tab").count() == 2 and page.url.endswith("/sql")
    save_query(ws.folder, "mine", "SELECT 41 + 1", over=False)
    for _ in range(2):
        page.goto("/sql?query=mine")
        tab.get_by_text("mine").wait_for()
    person.run()
    assert person.row(1) == ["42"]
    assert page.get_by_role("tab").count() == 3


def test_a_chart_is_chosen_changed_and_handed_over(meet: Any) -> None:
    person = meet()
    page = person.page
    person.run(
        "SELECT concat('g', id % 3) AS g, id AS n, date_add(DATE'2026-01-01', CAST(id AS INT)) AS d FROM range(90)"
    )
    page.get_by_role("button", name="Chart").click()
    drawn = page.locator("[data-drawn]")
    drawn.locator("svg path").first.wait_for(state="attached")
    assert drawn.get_attribute("aria-label") == "lines: n by d"
    page.get_by_label("Draw").select_option("bars")
    page.locator("[data-chart='x']").select_option("g")
    page.locator("[data-drawn][aria-label='bars: n by g']").wait_for()
    found = {}
    for name in ("PNG", "SVG", "JSON"):
        with page.expect_download() as came:
            page.get_by_role("button", name=name, exact=True).click()
        found[name] = Path(came.value.path()).read_bytes()
    assert found["PNG"].startswith(b"\x89PNG")
    assert b"<svg" in found["SVG"]
    spec = json.loads(found["JSON"])
    assert spec["data"]["values"][0] == {"g": "g0", "n": 0, "d": "2026-01-01T00:00:00Z"}
    page.get_by_role("button", name="Copy as Python").click()
    page.locator("[data-state]", has_text="is copied").wait_for()
    compile(person.copied(), "chart.py", "exec")


def test_a_statement_is_copied_as_a_command(meet: Any, ws: Workspace) -> None:
    person = meet()
    page = person.page
    person.write("SELECT :word AS w, 'it''s' AS s")
    field = page.locator("[data-param='word']")
    field.fill("a b")
    page.get_by_text("Tab", exact=True).click()
    page.get_by_role("button", name="Copy as command").click()
    page.locator("[data-heard]", has_text="The command is copied.").wait_for(state="attached")
    assert not page.get_by_role("button", name="Copy as command").is_visible()  # the menu closed
    lakelet = f"{sys.executable} -m lakelet"
    told = subprocess.run(
        ["bash", "-c", person.copied().replace("lakelet", lakelet, 1) + " --as csv"],
        cwd=ws.folder.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.stdout.splitlines() == ["w,s", "a b,it's"], told.stderr


def test_a_chart_of_many_texts_draws_the_largest(meet: Any) -> None:
    person = meet()
    page = person.page
    person.run("SELECT concat('t', id) AS t, CAST(1 AS INT) AS n FROM range(300)")
    page.get_by_role("button", name="Chart").click()
    page.locator("[data-chart-said]", has_text="The 50 largest of 300 bars are drawn.").wait_for()
    assert page.locator("[data-drawn] .mark-rect path").count() == 50
    # The chart stays for the next statement, and a text of few values is a better axis there.
    person.run("SELECT concat('t', id) AS t, concat('g', id % 4) AS g FROM range(300)")
    page.locator("[data-drawn][aria-label='bars: rows by g']").wait_for()
    assert page.locator("[data-chart-said]").inner_text() == ""


def test_history_and_queries_that_are_kept(meet: Any, ws: Workspace) -> None:
    person = meet()
    page = person.page
    person.run("SELECT count(*) AS found FROM lab.posts")
    page.get_by_role("button", name="Save…").click()
    page.get_by_role("textbox", name="Name").fill("how many")
    page.get_by_role("button", name="Save", exact=True).click()
    person.state("“how many” is kept")
    assert "found" in (ws.folder.root / "queries" / "how many.sql").read_text()
    page.get_by_role("button", name="Save…").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save over it").click()
    page.get_by_role("button", name="Queries").click()
    page.get_by_role("button", name="Rename how many").click()
    page.get_by_role("textbox", name="Name").fill("count")
    page.get_by_role("button", name="Rename", exact=True).click()
    page.get_by_role("button", name="count", exact=True).wait_for()
    page.get_by_role("button", name="Delete count").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("No query is kept yet").wait_for()
    page.get_by_role("button", name="History").click()
    past = page.locator(".sql-past", has_text="AS found")
    past.get_by_role("link", name="lab.posts").wait_for()
    page.get_by_label("Search what was run").fill("nobody wrote this")
    page.get_by_text("Nothing holds these letters").wait_for()
    page.get_by_label("Search what was run").fill("as found")
    past.get_by_role("button").click()
    assert page.get_by_role("tab").count() == 2
    assert "AS found" in page.locator(".cm-content").inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_is_whole_and_accessible(meet: Any, theme: str, size: str, tmp_path: Path) -> None:
    person = meet(theme, size)
    page = person.page
    wrong: list[str] = []

    def look(name: str) -> None:
        page.screenshot(path=tmp_path / f"{name}.png")
        wrong.extend(faults(page, name))

    look("empty")
    person.run("SELECT nope FROM lab.posts WHERE id < :n -- parts", state="Say what :n is")
    page.keyboard.type("1")
    page.keyboard.press("Control+Enter")
    person.state("failed")
    look("failed")
    person.run("SELECT concat('g', id % 3) AS g, * FROM lab.posts")
    page.locator(".grid-name").first.click()
    page.locator("[data-chips]", has_text="g ↑").wait_for()
    page.get_by_role("button", name="Chart").click()
    page.locator("[data-drawn] svg").wait_for()
    page.get_by_role("button", name="Filter g", exact=True).click()
    look("filter")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="History").click()
    page.locator(".sql-past").first.wait_for()
    look("whole")
    page.locator(".grid-cell").first.click()
    page.keyboard.press("Enter")
    page.locator("#sql-side pre").wait_for()
    look("value")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Plan", exact=True).click()
    page.locator("#sql-side", has_text="ms").wait_for()
    look("plan")
    page.get_by_role("button", name="Save").click()
    page.locator("dialog[open]").wait_for()
    look("save")
    page.keyboard.type("mine")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Queries").click()
    page.get_by_role("button", name="Rename mine").click()
    page.locator("dialog[open]").wait_for()
    look("rename")
    page.keyboard.press("Escape")
    page.locator("summary", has_text="Tab").click()
    look("tab")
    assert not wrong, "\n".join(wrong)
