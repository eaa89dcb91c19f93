"""What is wrong with a page as a person sees it, or as a screen reader does."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def axe() -> str:
    """The source of axe-core (https://github.com/dequelabs/axe-core)."""
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


def faults(page: Any, name: str) -> list[str]:
    """What sticks out of the window, and the serious faults that axe finds."""
    found = []
    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    if wide > window:
        found.append(f"{name} is {wide} px wide in a window of {window}")
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(axe())
    told = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return found + [
        f"{name}: {one['id']} ({one['impact']}): {one['nodes'][0]['html'][:160]}"
        for one in told["violations"]
        if one["impact"] in ("serious", "critical")
    ]
