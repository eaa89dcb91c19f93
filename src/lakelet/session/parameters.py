"""What is handed to a query besides its text, made sure of before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, cast

from lakelet.errors import SqlError, nearest

if TYPE_CHECKING:
    from lakelet.engines.engine import Dialect

__all__ = ("marker_values", "spoken_dialect")

_DIALECTS = ("databricks", "duckdb")


def marker_values(params: object) -> tuple[Sequence[object], Mapping[str, object] | None]:
    """Values for ``?`` markers in order, and those for ``:name`` markers.

    Raises:
        SqlError: one value alone, or values without an order.
    """
    if isinstance(params, Mapping):
        return (), params
    # A text has letters in order, but nobody means these.
    if isinstance(params, str | bytes | bytearray | Set) or not isinstance(params, Iterable):
        raise SqlError(
            "the values for a query's markers are neither a list nor a dictionary but of type "
            f"{type(params).__name__}; nothing was run.",
            hint="ws.sql('… ? …', [7]) gives a value for each ?, ws.sql('… :id …', {'id': 7}) one "
            "for each name.",
        )
    return list(params), None


def spoken_dialect(asked: str | None, usual: str) -> Dialect:
    """The dialect of a query: the one asked for, else the workspace's.

    Raises:
        SqlError: there is no such dialect.
    """
    if asked is not None and asked not in _DIALECTS:
        close = nearest(str(asked), _DIALECTS)
        raise SqlError(
            f"there is no dialect {asked!r} here; nothing was run.",
            hint=f"did you mean {close!r}?" if close else f"it is one of {', '.join(_DIALECTS)}.",
        )
    return cast("Dialect", asked or usual)
