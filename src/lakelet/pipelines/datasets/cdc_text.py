"""A sequence value as text, exactly, and back: what a publication can hold of it."""

from __future__ import annotations

from typing import Any

from lakelet.lake.names import literal, quote
from lakelet.lake.types import DataType, Struct

__all__ = ("as_text", "from_text")


def as_text(value: str, kind: DataType) -> str:
    """SQL for a value's text; of a STRUCT the text of each part, by name."""
    if isinstance(kind, Struct):
        parts = [(n, as_text(f"{value}.{quote(n)}", part)) for n, part in kind.fields]
        return f"struct_pack({', '.join(f'{quote(name)} := {text}' for name, text in parts)})"
    return f"CAST({value} AS VARCHAR)"


def from_text(text: Any, kind: DataType) -> str:
    """SQL for the value that `as_text` has given."""
    if isinstance(kind, Struct):
        parts = [f"{quote(n)} := {from_text(text[n], part)}" for n, part in kind.fields]
        return f"struct_pack({', '.join(parts)})"
    return f"CAST({literal(text)} AS {kind.duckdb})"
