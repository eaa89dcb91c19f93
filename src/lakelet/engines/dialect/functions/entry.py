"""What the table says of one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = ("Function",)


class Function(NamedTuple):
    """How one Databricks function is written for DuckDB.

    Attributes:
        sql: text with ``{0}``, ``{1}`` … for arguments and ``{all}`` for all of them, by number
            of arguments where it differs, or a function that writes the call. In an aggregate,
            ``<sum({0})>`` marks a call that takes the DISTINCT, FILTER and OVER of the original.
        low, high: how many arguments it takes; ``high`` None is any number.
        doc: one line for docs/sql-functions.md.
        kind: what kind of value it gives, where that does not depend on its arguments.
        role: ``scalar``, ``aggregate``, ``window`` or ``generator``.
    """

    sql: str | dict[int, str] | Callable[[Renderer, exp.Expr], str]
    low: int
    high: int | None
    doc: str
    kind: str | None = None
    role: str = "scalar"
