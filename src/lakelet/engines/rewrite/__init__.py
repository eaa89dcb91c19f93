"""Changing rows of a table: DELETE, UPDATE and MERGE, by replacing files in one commit."""

from __future__ import annotations

from lakelet.engines.rewrite.changes import (
    Insert,
    Matched,
    Merge,
    Outcome,
    delete_rows,
    merge_rows,
    update_rows,
)
from lakelet.engines.rewrite.target import Target

__all__ = (
    "Insert",
    "Matched",
    "Merge",
    "Outcome",
    "Target",
    "delete_rows",
    "merge_rows",
    "update_rows",
)
