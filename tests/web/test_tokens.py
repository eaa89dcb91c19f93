"""Every text can be read on every ground it stands on, in both themes, and no token is a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lakelet.web.answer import STATIC

TOKENS = (STATIC / "tokens.css").read_text()
DOCS = Path(__file__).parents[2] / "docs"


def theme(which: str) -> dict[str, str]:
    block = TOKENS.partition(which)[2].partition("}")[0]
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("which", [":root {", ':root[data-theme="dark"]'])
def test_texts_can_be_read(which: str) -> None:
    colours = theme(which)
    grounds = ("bg", "panel", "tint")
    pairs = [
        (text, ground)
        for text in ("ink", "mute", "faint", "accent", "ok", "warn", "bad")
        for ground in grounds
    ]
    pairs += [("accent", "accent-tint"), ("warn", "warn-tint"), ("bad", "bad-tint")]
    pairs += [("ink", "warn-tint"), ("ink", "bad-tint"), ("on-accent", "accent")]
    low = {
        pair: round(found, 2)
        for pair in pairs
        if (found := contrast(colours[pair[0]], colours[pair[1]])) < 4.5
    }
    assert not low


def test_both_themes_have_the_same_names_and_the_documentation_has_them_all() -> None:
    light, dark = theme(":root {"), theme(':root[data-theme="dark"]')
    assert set(light) == set(dark)
    page = (DOCS / "design-tokens.md").read_text()
    assert all(f"`{name}`" in page for name in light)


def test_pages_use_no_other_colour() -> None:
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^\n]*svg)", (STATIC / "page.css").read_text())
