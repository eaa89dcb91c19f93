"""What a person does in a browser: finds a file, a rejected row, yesterday; by keyboard too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lakelet
from lakelet.session import Workspace

SIZES = {"wide": {"width": 1280, "height": 820}, "narrow": {"width": 390, "height": 820}}


class Person:
    """Someone at a browser, and what their browser asked for and complained of."""

    def __init__(self, browser: Any, site: str, theme: str, size: str) -> None:
        self.context = browser.new_context(
            viewport=SIZES[size], color_scheme=theme, locale="en-GB", base_url=site
        )
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def at(self) -> str:
        return str(self.page.url).partition("//")[2].partition("/")[2]


@pytest.fixture
def meet(browser: Any, site: str) -> Iterator[Callable[..., Person]]:
    """People at the site; none of their browsers asks another host, or complains."""
    met: list[Person] = []

    def one(theme: str = "light", size: str = "wide") -> Person:
        met.append(Person(browser, site, theme, size))
        return met[-1]

    yield one
    for person in met:
        person.context.close()
        assert all(url.startswith((site, "data:")) for url in person.asked), person.asked
        assert person.complaints == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_from_the_red_number_to_the_raw_line(
    meet: Callable[..., Person], theme: str, size: str
) -> None:
    person = meet(theme, size)
    page = person.page
    page.goto("/")
    page.get_by_role("row", name="bronze.posts").get_by_role(
        "link", name="1", exact=True
    ).last.click()
    page.wait_for_url("**/quality**")
    page.get_by_text('{"id":').first.wait_for()
    page.get_by_role("link", name="files/posts/a.jsonl").click()
    page.wait_for_url("**/file?**")
    line = page.locator("tr.line")
    assert line.locator("td").first.inner_text() == "3"
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1], "no page scrolls sideways"


def test_find_a_loaded_file(meet: Callable[..., Person]) -> None:
    page = meet().page
    page.goto("/tables")
    page.keyboard.press("/")
    page.keyboard.type("a.jsonl")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?**")
    page.get_by_role("link", name="files/posts/a.jsonl").click()
    page.wait_for_url("**/file?**")
    page.get_by_role("link", name="bronze.posts").click()
    page.wait_for_url("**/tables/bronze/posts")


def test_the_keyboard_leads_everywhere(meet: Callable[..., Person]) -> None:
    page = meet().page
    page.goto("/")
    for letter, where in (("t", "/tables"), ("p", "/pipelines"), ("f", "/files"), ("h", "/")):
        page.keyboard.press("g")
        page.keyboard.press(letter)
        page.wait_for_url(f"**{where}")
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/pipelines")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/pipelines/forum")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


def test_look_at_an_earlier_moment(meet: Callable[..., Person], ws: Workspace) -> None:
    moment = ws.table("bronze.posts").history()[0].time + dt.timedelta(milliseconds=2)
    ws.sql("DELETE FROM bronze.posts")
    page = meet().page
    page.goto("/tables/bronze/posts")
    assert "0 rows" in page.locator(".facts").inner_text()
    page.get_by_text("As of now").click()
    page.get_by_label("Show everything as it was at").fill(moment.isoformat())
    page.get_by_role("button", name="Go to that moment").click()
    page.get_by_role("status").wait_for()
    assert "2 rows" in page.locator(".facts").inner_text()
    page.get_by_role("link", name="Sample").click()
    page.get_by_role("status").wait_for()
    assert page.locator("table.rows tbody tr").count() == 2
    page.get_by_role("link", name="Back to now").first.click()
    page.get_by_text("There are no rows.").wait_for()


def test_columns_fill_with_what_values_are_like(meet: Callable[..., Person]) -> None:
    page = meet().page
    page.goto("/tables/bronze/posts")
    page.get_by_text("Profile of version").wait_for()
    # Other parts of the page come by themselves.
    for part in page.locator(".shimmer").all():
        part.wait_for(state="detached")
    assert page.locator(".shimmer").count() == 0


def test_a_page_follows_an_update_run_in_a_terminal(
    meet: Callable[..., Person], ws: Workspace
) -> None:
    page = meet().page
    with page.expect_response("**/pipelines/forum/live"):  # the stream of events is open
        page.goto("/pipelines/forum")
    page.get_by_text("#1").first.wait_for()
    (ws.folder.files / "posts" / "b.jsonl").write_text('{"id":3,"score":9}\n')
    lakelet.open(ws.folder.root).update("forum")
    page.locator(".facts.bottom").get_by_text("#2").wait_for(timeout=20_000)
    page.locator("text.why", has_text="new files (1)").wait_for()


def test_the_switch_of_themes_is_remembered(meet: Callable[..., Person]) -> None:
    page = meet("light").page
    page.goto("/")
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.goto("/tables")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_script_in_the_data_does_not_run(meet: Callable[..., Person], ws: Workspace) -> None:
    harm = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    ws.sql(f"CREATE TABLE s.harm (a STRING COMMENT '{harm}') COMMENT '{harm}'")
    ws.sql(f"INSERT INTO s.harm VALUES ('{harm}')")
    person = meet()
    person.page.on("dialog", lambda dialog: person.complaints.append("a script ran"))
    for tab in ("", "/sample", "/history", "/used"):
        person.page.goto(f"/tables/s/harm{tab}")
        person.page.wait_for_load_state("networkidle")
        assert person.page.locator("img[src=x]").count() == 0
