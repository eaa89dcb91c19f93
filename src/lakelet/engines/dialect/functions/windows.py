"""Functions that look at the rows around one (page "Window functions")."""

from __future__ import annotations

from lakelet.engines.dialect.functions.entry import Function

__all__ = ("WINDOWS",)


def _window(sql: str | dict[int, str], low: int, high: int, doc: str, kind: str | None) -> Function:
    return Function(sql, low, high, doc, kind, "window")


WINDOWS: dict[str, Function] = {
    "row_number": _window("CAST(<row_number()> AS INTEGER)", 0, 0, "the row's number", "number"),
    "rank": _window("CAST(<rank()> AS INTEGER)", 0, 0, "the rank, with gaps after ties", "number"),
    "dense_rank": _window("CAST(<dense_rank()> AS INTEGER)", 0, 0, "the rank, no gaps", "number"),
    "percent_rank": _window("<percent_rank()>", 0, 0, "the rank from 0 to 1", "number"),
    "cume_dist": _window("<cume_dist()>", 0, 0, "the share of rows up to this one", "number"),
    "ntile": _window(
        {0: "CAST(<ntile(1)> AS INTEGER)", 1: "CAST(<ntile({0})> AS INTEGER)"},
        0,
        1,
        "which of n equal parts the row falls in",
        "number",
    ),
    "lag": _window(
        {1: "<lag({0})>", 2: "<lag({0}, {1})>", 3: "<lag({0}, {1}, {2})>"},
        1,
        3,
        "the value some rows before",
        None,
    ),
    "lead": _window(
        {1: "<lead({0})>", 2: "<lead({0}, {1})>", 3: "<lead({0}, {1}, {2})>"},
        1,
        3,
        "the value some rows after",
        None,
    ),
    "nth_value": _window("<nth_value({0}, {1})>", 2, 2, "the n-th value of the frame", None),
}
