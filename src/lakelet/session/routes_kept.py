"""Routes of newest versions, kept from one statement to the next.

Planning a route reads a table's log and asks each file's footer; while no new commit came, the
plan is the same. That no commit came is seen by asking for one file: the next version's. That the
table is still the same one is seen by its first commit, which a table made anew cannot share.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lakelet.engines.routes import Route
from lakelet.lake.storage import is_remote

__all__ = ("RoutesKept",)

_MOST = 512


@dataclass(frozen=True, slots=True)
class _Kept:
    born: tuple[int, int, int]
    version: int
    route: Route


class RoutesKept:
    """The routes of one open workspace; tables in buckets are planned anew each time."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def find(self, location: str) -> tuple[Route, int] | None:
        """The route of a table's newest version, and which it is, if nothing has changed."""
        kept = self._kept.get(location)
        if kept is None or _born(location) != kept.born:
            return None
        following = Path(location, "_delta_log", f"{kept.version + 1:020d}.json")
        return None if following.exists() else (kept.route, kept.version)

    def keep(self, location: str, version: int, route: Route) -> None:
        """Remember a route that reads files as they are; others hold what a table was opened as."""
        born = _born(location)
        if born is None or route.kind not in ("files", "empty"):
            return
        if len(self._kept) >= _MOST:
            self._kept.clear()
        self._kept[location] = _Kept(born, version, route)


def _born(location: str) -> tuple[int, int, int] | None:
    if is_remote(location):
        return None
    try:
        status = Path(location, "_delta_log", f"{0:020d}.json").stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
