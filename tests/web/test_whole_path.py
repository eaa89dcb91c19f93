"""A day's work by keys alone: a dirty file brought in, loaded, decided about, and made good."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lakelet.session import Workspace

PIPELINE = (
    "CREATE MATERIALIZED VIEW shop.good (CONSTRAINT priced EXPECT (price > 0) ON VIOLATION DROP ROW)"
    " AS SELECT id, price FROM bronze.prices;\n"
)


class Person:
    """Somebody who has no mouse."""

    def __init__(self, page: Any, base: str) -> None:
        self.page, self.base = page, base
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on(
            "console", lambda said: self.faults.append(said.text) if said.type == "error" else None
        )

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)

    def to(self, selector: str, key: str = "Tab") -> Any:
        """Press Tab until something has the focus."""
        wanted = self.page.locator(selector).first
        wanted.wait_for(state="attached")
        handle = wanted.element_handle()
        for _ in range(150):
            if handle.evaluate("one => one === document.activeElement"):
                return wanted
            self.page.keyboard.press(key)
        told = handle.evaluate("one => one.outerHTML + one.isConnected")
        raise AssertionError(f"Tab never came to {selector} on {self.page.url}: {told}")

    def write(self, selector: str, text: str) -> None:
        self.to(selector)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def press(self, selector: str, key: str = "Enter") -> None:
        self.to(selector)
        self.page.keyboard.press(key)

    def choose(self, selector: str, value: str) -> None:
        """Choose in a select by its arrow keys."""
        select = self.to(selector)
        for _ in range(10):
            if select.input_value() == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{selector} never came to {value}")

    def said(self) -> str:
        """What the page says of the last act; it has the focus, so that it is read out."""
        note = self.page.locator(".note.outcome")
        note.wait_for()
        assert note.evaluate("one => one === document.activeElement")
        assert note.get_attribute("role") in ("status", "alert")
        return str(note.inner_text())

    def over(self) -> str:
        """Wait until the command that was begun has ended; what it printed."""
        self.page.locator("#command:not([data-hx-get])").first.wait_for(timeout=60_000)
        return str(self.page.locator("#command").first.inner_text())


@pytest.fixture(params=[(1280, "light"), (390, "dark")], ids=["wide light", "narrow dark"])
def person(
    request: pytest.FixtureRequest, ws: Workspace, serve: Callable[[Path], str], browser: Any
) -> Any:
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme,
        permissions=["clipboard-read", "clipboard-write"],
    )  # fmt: skip
    found = Person(context.new_page(), serve(ws.folder.root))
    yield found
    context.close()
    assert found.faults == []


def test_from_a_dirty_file_to_a_restored_table(
    person: Person, ws: Workspace, tmp_path: Path
) -> None:
    rows = [
        {"id": 1, "price": 1.25}, {"id": 2, "price": -3},
        {"id": 3, "price": "n/a", "colour": "red"}, {"id": 4, "price": 9, "size": 7},
    ]  # fmt: skip
    dirty = tmp_path / "prices.jsonl"
    dirty.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"id":5,"price":\n')

    # The file comes into the volume.
    person.go("/file?path=files:")
    with person.page.expect_file_chooser() as chooser:
        person.press("#choose")
    chooser.value.set_files(dirty)
    person.page.locator("[data-upload-said]", has_text="1 of 1 file is there").wait_for()

    # Its hints are corrected, and it is loaded.
    person.press("[data-upload-next]")
    person.page.wait_for_url("**/load?**")
    person.write("#into", "bronze.prices")
    person.choose("#evolve", "rescue")
    person.press("form.stack button")
    person.page.locator("#trial").wait_for()
    person.write("input[name='type-1']", "DECIMAL(18,2)")
    person.page.keyboard.press("Enter")
    person.page.locator("text=1 with rescued values").wait_for()
    person.press("main form[method=post] button.main")
    assert "Begun: lakelet load" in person.said()
    assert "4 rows from 1 file" in person.over()
    moment = ws.sql("SELECT CAST(now() AS STRING)").rows()[0][0]
    time.sleep(1.1)

    # A second file surprises with two fields, which are decided about.
    more = [{"id": 6, "price": 2, "weight": 1.5, "note": "x"}, {"id": 7, "price": 3, "weight": 2}]
    (ws.folder.files / "more.jsonl").write_text("".join(json.dumps(one) + "\n" for one in more))
    ws.load("files", into="bronze.prices", evolve="rescue")
    before = ws.table("bronze.prices").version
    person.go("/inbox")
    person.press("a.mono:has-text('weight')")
    person.page.wait_for_url("**/rescued")
    fields = person.page.locator("input[name^='field-']")
    places = [fields.nth(at).get_attribute("value") for at in range(fields.count())]
    person.choose(f"#decide-{places.index('note')}", "ignore")
    person.choose(f"#decide-{places.index('weight')}", "promote")
    person.press("main form button.main")
    person.page.locator("text=What these decisions would do").wait_for()
    person.press("main form[method=post] button.main")
    said = person.said()
    assert "weight DOUBLE: 2 values moved there" in said
    assert "note is ignored" in said

    # A pipeline is run, broken and mended.
    folder = ws.folder.root / "pipelines" / "shop"
    folder.mkdir()
    (folder / "shop.sql").write_text(PIPELINE)
    person.go("/pipelines/shop")
    person.press(".acts button.main")
    assert "Begun: lakelet update shop" in person.said()
    assert "is published" in person.over()
    (folder / "shop.sql").write_text(PIPELINE.replace("id, price", "id, cost AS price"))
    person.go("/pipelines/shop")
    person.press(".acts button.main")
    assert "cost" in person.over()
    person.go("/pipelines/shop/source")
    assert "cost" in person.page.locator("tr.wrong").inner_text()
    (folder / "shop.sql").write_text(PIPELINE)

    # The rejected rows are found, and tried again.
    person.go("/tables/bronze/prices/quality")
    assert person.page.locator("mark").count() == 1
    person.press("#again button.main")
    assert "Begun: lakelet rejected bronze.prices --retry" in person.said()
    assert "stays rejected" in person.over()

    # A query on the past is written, charted and kept.
    person.go(f"/sql?at={moment}")
    person.to(".cm-content")
    person.page.keyboard.type("SELECT id, count(*) AS n FROM bronze.prices GROUP BY id")
    person.page.keyboard.press("Escape")  # what completion offers is not wanted
    person.page.keyboard.press("Control+Enter")
    person.page.locator("[data-state]", has_text="finished, 4 rows").wait_for()
    person.page.keyboard.press("Escape")  # Tab leaves the editor now
    person.press("[data-chart-switch]")
    person.page.locator("[data-drawn] svg").wait_for()
    person.to("[data-save]", "Shift+Tab")
    person.page.keyboard.press("Enter")
    person.page.locator("dialog[open] input").wait_for()
    person.page.keyboard.type("prices by id")
    person.page.keyboard.press("Enter")
    kept = ws.folder.root / "queries" / "prices by id.sql"
    for _ in range(50):
        if kept.exists():
            break
        time.sleep(0.1)
    assert "GROUP BY id" in kept.read_text()

    # The table goes back to before the decisions.
    person.go(f"/tables/bronze/prices/restore?to={before}")
    person.press("main form[method=post] button.main")
    assert f"is as it was at version {before}" in person.said()
    assert "weight" not in [column.name for column in ws.table("bronze.prices").columns]
    time.sleep(0.1)
    actions = [
        row[0] for row in ws.sql("SELECT action FROM system.audit WHERE source = 'page'").rows()
    ]
    for action in ("upload prices.jsonl", "promote weight", "ignore note", "update", "retry",
                   f"restore to version {before}"):  # fmt: skip
        assert action in actions, actions
