"""AUTO CDC as SQL: what a set of changes makes of the rows of a table.

Everything here depends on the set of changes alone, never on the order in which they came or on how
they were split over updates. A change is a row with two columns more: what orders the changes of
its key, and whether it deletes. A deletion has no values but its key's.

Source: Databricks, "AUTO CDC INTO (pipelines)": SCD type 1 and 2, IGNORE NULL UPDATES, TRACK
HISTORY ON, the columns ``__START_AT`` and ``__END_AT``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lakelet.lake.names import quote
from lakelet.pipelines.definitions.dataset import Cdc

__all__ = ("DELETED", "END", "SEQUENCE", "START", "TRUNCATES", "History")

SEQUENCE = '"lakelet sequence"'
DELETED = '"lakelet deleted"'
TRUNCATES = '"lakelet truncates"'
START, END = "__START_AT", "__END_AT"
_NUMBER, _LIFE, _BEGINS, _LAST = (f'"lakelet {n}"' for n in ("number", "life", "begins", "last"))
_SO_FAR = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
_BEHIND = "ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING"


@dataclass(frozen=True)
class History:
    """The rows that changes come to.

    Attributes:
        cdc: how they are applied.
        names: the columns of a change, its keys among them.
    """

    cdc: Cdc
    names: tuple[str, ...]

    @property
    def keys(self) -> list[str]:
        """The key columns, as the table spells them."""
        return self._named(self.cdc.keys)

    @property
    def values(self) -> list[str]:
        """The other columns."""
        keys = set(self.keys)
        return [name for name in self.names if name not in keys]

    @property
    def columns(self) -> str:
        """All that makes a change, for a SELECT."""
        return ", ".join([*map(quote, self.names), SEQUENCE, DELETED])

    def needed(self, changes: str) -> str:
        """The changes that can still matter, whatever comes later.

        Changes of one key and sequence are in an order of their own: deletions first, then rows by
        their values, in the order of the columns' names; the last one counts. SCD 2 needs the last
        of each sequence, SCD 1 the last of all. With IGNORE NULL UPDATES, where an earlier one
        still gives a value, SCD 2 needs all, and SCD 1 those that give one and the last deletion.
        """
        if self.cdc.ignore_null:
            every = f"SELECT DISTINCT {self.columns} FROM ({changes})"
            return every if self.cdc.scd == 2 else self._contributing(every)
        within = [self._key, SEQUENCE] if self.cdc.scd == 2 else [self._key]
        last = ", ".join(
            [f"{SEQUENCE} DESC", DELETED, *(f"{v} DESC NULLS LAST" for v in self._ties)]
        )
        return (
            f"SELECT {self.columns} FROM ({changes}) QUALIFY row_number() OVER "
            f"(PARTITION BY {', '.join(within)} ORDER BY {last}) = 1"
        )

    def rows(self, needed: str) -> str:
        """The table's rows: the values, and with SCD 2 from when to when they held."""
        values = ", ".join(map(quote, self.names))
        if self.cdc.scd == 2:
            return self._spans(needed)
        if not self.cdc.ignore_null:
            return f"SELECT {values} FROM ({needed}) WHERE NOT {DELETED}"
        # The newest change says whether there is a row at all.
        return (
            f"SELECT {values} FROM ({self._effective(needed)}) QUALIFY NOT {DELETED} "
            f"AND {_NUMBER} = max({_NUMBER}) OVER (PARTITION BY {self._key})"
        )

    @property
    def _key(self) -> str:
        return ", ".join(map(quote, self.keys))

    @property
    def _ties(self) -> list[str]:
        return [quote(name) for name in sorted(self.values)]

    def _named(self, wanted: Iterable[str]) -> list[str]:
        by_name = {name.lower(): name for name in self.names}
        return [by_name[name.lower()] for name in wanted if name.lower() in by_name]

    def _numbered(self, changes: str) -> str:
        """With their order within the key, and how many deletions came until then."""
        order = [SEQUENCE, f"{DELETED} DESC", *(f"{value} NULLS FIRST" for value in self._ties)]
        window = f"(PARTITION BY {self._key} ORDER BY {', '.join(order)} {_SO_FAR})"
        return (
            f"SELECT *, row_number() OVER {window} AS {_NUMBER}, "
            f"count(*) FILTER ({DELETED}) OVER {window} AS {_LIFE} FROM ({changes})"
        )

    def _contributing(self, changes: str) -> str:
        over = f"OVER (PARTITION BY {self._key}, {_LIFE})"
        gives = [
            f"{_NUMBER} = max({_NUMBER}) FILTER ({quote(name)} IS NOT NULL) {over}"
            for name in self.values
        ]
        counts = " OR ".join([DELETED, f"{_NUMBER} = max({_NUMBER}) {over}", *gives])
        lives = f"max({_LIFE}) OVER (PARTITION BY {self._key})"
        return (
            f"SELECT {self.columns} FROM ({self._numbered(changes)}) "
            f"QUALIFY {_LIFE} = {lives} AND ({counts})"
        )

    def _effective(self, changes: str) -> str:
        """With the values that hold after each change."""
        numbered = self._numbered(changes)
        if not self.cdc.ignore_null:
            return numbered
        over = f"OVER (PARTITION BY {self._key}, {_LIFE} ORDER BY {_NUMBER} {_SO_FAR})"
        values = ", ".join(
            f"last_value({quote(name)} IGNORE NULLS) {over} AS {quote(name)}"
            for name in self.values
        )
        chosen = ", ".join(
            part for part in (self._key, values, SEQUENCE, DELETED, _NUMBER, _LIFE) if part
        )
        effective = f"SELECT {chosen} FROM ({numbered})"
        if self.cdc.scd == 1:
            return effective
        return (
            f"SELECT * FROM ({effective}) QUALIFY {_NUMBER} = "
            f"max({_NUMBER}) OVER (PARTITION BY {self._key}, {SEQUENCE})"
        )

    def _tracked(self) -> Sequence[str]:
        keys = set(self.keys)
        if self.cdc.track:
            return [name for name in self._named(self.cdc.track) if name not in keys]
        left = set(self._named(self.cdc.track_except))
        return [name for name in self.values if name not in left]

    def _spans(self, changes: str) -> str:
        within = f"PARTITION BY {self._key} ORDER BY {_NUMBER}"
        changed = [
            f"{quote(name)} IS DISTINCT FROM lag({quote(name)}) OVER ({within})"
            for name in self._tracked()
        ]
        begins = " OR ".join([f"coalesce(lag({DELETED}) OVER ({within}), true)", *changed])
        marked = (
            f"SELECT *, NOT {DELETED} AND ({begins}) AS {_BEGINS} FROM ({self._effective(changes)})"
        )
        cut = f"{_BEGINS} OR {DELETED}"
        start = f"last_value(CASE WHEN {_BEGINS} THEN {SEQUENCE} END IGNORE NULLS)"
        end = f"first_value(CASE WHEN {cut} THEN {SEQUENCE} END IGNORE NULLS)"
        spans = (
            f"SELECT *, {start} OVER ({within} {_SO_FAR}) AS {quote(START)}, "
            f"{end} OVER ({within} {_BEHIND}) AS {quote(END)}, "
            f"coalesce(lead({cut}) OVER ({within}), true) AS {_LAST} FROM ({marked})"
        )
        names = ", ".join(map(quote, (*self.names, START, END)))
        return f"SELECT {names} FROM ({spans}) WHERE {_LAST} AND NOT {DELETED}"
