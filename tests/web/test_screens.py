"""Every page at both widths, in both themes: seen whole, and used without a mouse or without eyes.

``make screenshots`` keeps pictures of the demo's pages under docs/images.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lakelet.session import Workspace, open_workspace
from runs.test_registry import constant
from web.looking import faults
from web.test_browser import SIZES

ROOT = Path(__file__).parents[2]
PAGES = (
    "/", "/search?q=score", "/tables", "/tables/bronze", "/tables/bronze/posts",
    "/tables/bronze/posts/sample", "/tables/bronze/posts/history",
    "/tables/bronze/posts/diff?first=0&second=1", "/tables/bronze/posts/lineage",
    "/tables/forum/good/quality", "/tables/bronze/posts/files", "/tables/bronze/posts/rescued",
    "/tables/bronze/posts/used", "/tables/bronze/posts/health", "/tables/bronze/posts/change",
    "/tables/bronze/posts/maintain", "/tables/bronze/posts/drop", "/dropped", "/pipelines", "/pipelines/forum",
    "/pipelines/forum/list", "/pipelines/forum/updates", "/pipelines/forum/updates/1",
    "/pipelines/forum/source", "/pipelines/forum/steps/forum.good", "/files", "/file?path=files:",
    "/file?path=files/posts/a.jsonl&line=2", "/no/such/page", "/tables/bronze/posts?at=2099-01-01",
    "/inbox", "/load?source=files/posts&into=bronze.other", "/load", "/tables/bronze/posts/quality",
    "/tables/bronze/posts/rescued/decide?field-0=score&decide-0=ignore", "/commands",
    "/tables/bronze/posts/restore?to=1", "/pipelines/forum/plan",
    "/pipelines/forum/schedule?cron=0+6+*+*+1-5", "/models", "/models?context=many",
    "/models/tiny", "/chat",
)  # fmt: skip


SMALLEST = """Math.min(99, ...[...document.querySelectorAll('svg text')].filter(one => one.getClientRects().length)
  .map(one => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a))"""
"""The size in which the smallest letters of pictures are drawn."""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_whole_and_accessible(
    browser: Any, site: str, theme: str, size: str, tmp_path: Path
) -> None:
    wrong = seen(browser, site, PAGES, theme, size, tmp_path)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_of_runs_is_whole_and_accessible(
    browser: Any, ws: Workspace, serve: Callable[[Path], str], theme: str, size: str, tmp_path: Path
) -> None:
    pytest.importorskip("mlflow")
    ws.sql("CREATE TABLE gold.p AS SELECT 1 AS a")
    ids = []
    for rate in (0.1, 20.0):
        with ws.run("base/lines/logistic", params={"rate": rate}, seed=1) as run:
            ws.table("gold.p").rows()
            for step in range(3):
                run.log(loss=1e-6 / (step + rate), step=step)
            run.table([{"n": 1}], "counts")
            run.model(constant(1), "clf")
            ids.append(run.id)
    ws.register_model(ids[0], "filter")
    ws.set_alias("filter", "champion", 1)
    pages = (
        "/runs", "/runs?where=metrics.", f"/runs/{ids[0]}", f"/compare?run={ids[0]}&run={ids[1]}",
        "/compare", "/tables/gold/p/used", "/", f"/runs/{ids[0]}/change", "/archived-runs",
        "/registry", "/registry/filter",
        "/tables/gold/p/drop",
    )  # fmt: skip
    wrong = seen(browser, serve(ws.folder.root), pages, theme, size, tmp_path)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_what_opens_over_a_page_is_accessible(
    browser: Any, site: str, theme: str, size: str
) -> None:
    context = browser.new_context(viewport=SIZES[size], color_scheme=theme, base_url=site)
    page = context.new_page()
    page.goto("/tables/bronze/posts")
    page.keyboard.press("Control+k")
    page.wait_for_selector("#palette [role=option]")
    wrong = faults(page, "palette")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")
    wrong += faults(page, "keys")
    page.keyboard.press("Escape")
    for summary in page.locator("summary:visible").all():
        summary.click()
        wrong += faults(page, summary.inner_text())
        summary.click()
    context.close()
    assert not wrong, "\n".join(wrong)


def seen(
    browser: Any, site: str, pages: tuple[str, ...], theme: str, size: str, tmp_path: Path
) -> list[str]:
    """What is wrong with pages as a person sees them."""
    context = browser.new_context(viewport=SIZES[size], color_scheme=theme, base_url=site)
    page = context.new_page()
    wrong: list[str] = []
    for address in pages:
        page.goto(address)
        page.wait_for_load_state("load")
        if address == "/tables/bronze/posts":
            page.get_by_text("Profile of version").wait_for()
        small = page.evaluate(SMALLEST)
        if small < 10:
            wrong.append(f"{address} has letters of {small} px")
        wrong += faults(page, address)
        assert page.screenshot(path=tmp_path / "seen.png")
    context.close()
    return wrong


@pytest.mark.skipif("LAKELET_SCREENSHOTS" not in os.environ, reason="make screenshots keeps them")
def test_pictures_of_the_demo(browser: Any, serve: Callable[[Path], str]) -> None:
    address = serve(ROOT / "demo" / "workspace")
    (talk,) = open_workspace(ROOT / "demo" / "workspace").conversations()
    for theme in ("light", "dark"):
        for name, path, size in (
            ("home", "/", "wide"), ("table", "/tables/bronze/posts", "wide"),
            ("sample", "/tables/tasks/problems/sample", "wide"),
            ("quality", "/tables/forum/posts/quality", "wide"),
            ("pipeline", "/pipelines/forum", "wide"), ("models", "/models/smollm2-f16", "wide"),
            ("chat", "CHAT", "wide"), ("table-narrow", "/tables/bronze/posts", "narrow"),
        ):  # fmt: skip
            context = browser.new_context(
                viewport=SIZES[size], color_scheme=theme, base_url=address, device_scale_factor=1
            )
            page = context.new_page()
            page.goto(f"/chat/{talk.id}" if path == "CHAT" else path)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=ROOT / "docs" / "images" / f"{name}-{theme}.png")
            context.close()
