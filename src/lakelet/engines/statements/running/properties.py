"""Table properties a statement may set: those that change no promise and no file format."""

from __future__ import annotations

from collections.abc import Mapping

from lakelet.errors import SqlError, nearest
from lakelet.lake.tags import TAGS

__all__ = ("allowed_properties",)

_ALLOWED = (
    "delta.appendOnly", "delta.checkpointInterval", "delta.dataSkippingNumIndexedCols",
    "delta.deletedFileRetentionDuration", "delta.enableChangeDataFeed",
    "delta.enableExpiredLogCleanup", "delta.logRetentionDuration", "delta.targetFileSize",
)  # fmt: skip


def allowed_properties(given: Mapping[str, str], table: str) -> dict[str, str]:
    """The properties, with Delta's own in their proper spelling.

    Raises:
        SqlError: one of Delta's that would let old versions be forgotten, or that only other
            writers can keep (Delta Transaction Log Protocol, "Writer Requirements").
    """
    known = {name.lower(): name for name in _ALLOWED}
    found = {}
    for name, value in given.items():
        if name.lower() == TAGS:
            raise SqlError(
                f"{table}: the property {name} is refused, tags stand in it; nothing was changed.",
                hint=f"ALTER TABLE {table} SET TAGS ('name' = 'value').",
            )
        if not name.lower().startswith("delta."):
            found[name] = value
            continue
        own = known.get(name.lower())
        if own is None:
            close = nearest(name.lower(), known)
            raise SqlError(
                f"{table}: the property {name} is refused; nothing was changed.",
                hint=f"did you mean {known[close]}?" if close else f"{', '.join(_ALLOWED)} work.",
            )
        if own == "delta.enableExpiredLogCleanup" and value.lower() != "false":
            raise SqlError(
                f"{table}: {own} = {value} is refused: only `lakelet maintain` forgets versions.",
                hint="[lake] retention in lakelet.toml says when.",
            )
        found[own] = value
    return found
