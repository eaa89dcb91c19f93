"""Functions over text."""

from __future__ import annotations

from lakelet.engines.dialect.functions.entry import Function

__all__ = ("STRINGS",)

STRINGS: dict[str, Function] = {
    "upper": Function("upper({0})", 1, 1, "text in upper case", "string"),
    "lower": Function("lower({0})", 1, 1, "text in lower case", "string"),
}
