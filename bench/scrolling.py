"""A result of ten million rows scrolled in a headless browser: frames and memory, by its own trace.

The page is scrolled as a person's fingers would, through the browser's input; frames are those that
its compositor drew and those that it dropped, as its trace has them. Memory is the JavaScript heap
with what it holds outside (array buffers), asked for after each second of scrolling.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from measure import DATA, save

from web import lakelet_up

ROWS = int(float(os.environ.get("BENCH_SCALE", "1")) * 10_000_000)
SECONDS = 10
SPEEDS = {"slow": 600, "fast": 6000, "flung": 60_000}
"""Pixels a second."""
FRAMES = "disabled-by-default-devtools.timeline.frame"
SQL = "SELECT id, id % 1000 AS k, concat('row ', id) AS said, id / 7 AS share FROM range({})"


def main() -> None:
    import lakelet

    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        print("scrolling: Chromium is not there; nothing was measured")
        return
    from playwright.sync_api import sync_playwright

    DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DATA) as folder:
        root = Path(folder) / "ws"
        lakelet.init(root)
        with lakelet_up(root) as served, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox", "--enable-precise-memory-info"]
            )
            try:
                _measure(browser, f"http://{served.host}")
            finally:
                browser.close()


def _measure(browser, site: str) -> None:
    page = browser.new_page(base_url=site, viewport={"width": 1280, "height": 900})
    page.goto("/sql")
    page.locator(".cm-content").press("Control+a")
    page.keyboard.insert_text(SQL.format(ROWS))
    page.locator(".cm-content").press("Control+Enter")
    page.locator("[data-result-title]", has_text=f"{ROWS:,} rows").wait_for(timeout=300_000)
    box = page.locator(".grid").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    cases = {name: _scrolled(browser, page, x, y, speed) for name, speed in SPEEDS.items()}
    save("scrolling", {"rows": ROWS, "seconds": SECONDS, "cases": cases})


def _scrolled(browser, page, x: float, y: float, speed: int) -> dict[str, float]:
    inspector = page.context.new_cdp_session(page)
    held: list[float] = []
    browser.start_tracing(page=page, categories=[FRAMES, "devtools.timeline"])
    began = time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        inspector.send(
            "Input.synthesizeScrollGesture",
            {"x": x, "y": y, "yDistance": -speed, "speed": speed, "gestureSourceType": "mouse",
             "preventFling": True},
        )  # fmt: skip
        held.append(_memory(inspector))
    trace = json.loads(browser.stop_tracing())
    inspector.detach()
    return {"pixels_a_second": speed, "peak_mb": max(held), **_frames(trace["traceEvents"])}


def _memory(inspector) -> float:
    used = inspector.send("Runtime.getHeapUsage")
    return (used["usedSize"] + used.get("backingStorageSize", 0)) / 1e6


def _frames(events: list[dict]) -> dict[str, float]:
    drawn = sorted(e["ts"] for e in events if e["name"] == "DrawFrame")
    dropped = sum(e["name"] == "DroppedFrame" for e in events)
    seconds = (drawn[-1] - drawn[0]) / 1e6
    between = [(b - a) / 1000 for a, b in itertools.pairwise(drawn)]
    return {
        "frames_a_second": (len(drawn) - 1) / seconds, "dropped": dropped,
        "seconds": seconds, "middle_ms": statistics.median(between),
        "p99_ms": sorted(between)[int(len(between) * 0.99)],
    }  # fmt: skip
