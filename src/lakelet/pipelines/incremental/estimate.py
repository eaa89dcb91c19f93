"""What a refresh costs, in full and from changes: CPU seconds on a machine of today, about.

Only the comparison matters, so the figures are those of one machine (``bench/incremental.py``): CPU
seconds a million rows. They hold for a few columns; wider rows cost both sides more.
"""

from __future__ import annotations

from dataclasses import dataclass

from lakelet.workspace.quantities import counted

__all__ = ("Estimate", "full_cost", "incremental_cost", "look_cost", "recompute_cost")

_SCAN = 0.012
"""Reading a row's columns and computing its values."""
_GROUP_FEW, _GROUP_MANY = 0.006, 0.06
"""Putting a row into one of few groups, which stay in the cache, or of many."""
_MANY = 100_000
_PROBE = 0.012
"""Reading a row's keys and looking them up among few."""
_NET = 0.25
"""Comparing rows of files that came with rows of files that went."""
_WRITE = 0.25
"""Writing a row of the result."""
_CARRY = 0.12
"""Copying a row of the result that stays, since its file is written anew."""
_BEGIN = 0.005
"""Asking about changes before any row is read, over what computing all begins with.

At 1,000 rows both ways cost the same within what two runs differ by (0.12 and 0.15, and 0.13 and
0.12); what is left here keeps views of a few rows from being put together from many files."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a view costs, in CPU seconds, about.

    Attributes:
        full: all of it computed and written.
        incremental: only what changed.
        moved: rows to be read for the changes.
        total: rows of its inputs.
    """

    full: float
    incremental: float
    moved: int
    total: int

    @property
    def cheaper(self) -> bool:
        """Whether going by the changes is cheaper."""
        return self.incremental < self.full

    def __str__(self) -> str:
        """For people."""
        return (
            f"about {self.incremental:.2f} CPU-s for {counted(self.moved, 'row')} "
            f"that came or went, {self.full:.2f} for all {counted(self.total, 'row')}"
        )


def _millions(rows: float) -> float:
    return rows / 1e6


def _group(rows: float, groups: float) -> float:
    return _millions(rows) * (_GROUP_MANY if groups > _MANY else _GROUP_FEW)


def full_cost(total: int, view: int, *, grouped: bool) -> float:
    """Computing and writing all of a view.

    Args:
        total: rows of its inputs.
        view: rows it has.
        grouped: whether rows are put into groups.
    """
    groups = _group(total, view) if grouped else 0.0
    return _millions(total) * _SCAN + groups + _millions(view) * _WRITE


def look_cost(moved: int, *, netted: bool) -> float:
    """Finding the keys of the rows that came or went, if there are many.

    Args:
        moved: rows that came or went.
        netted: whether rows went, so that those that only moved must be told apart.
    """
    return _BEGIN + _millions(moved) * (_PROBE + _GROUP_MANY + (_NET if netted else 0.0))


def incremental_cost(moved: int, affected: int, view: int, *, grouped: bool, netted: bool) -> float:
    """Finding what changed and bringing it into the view, without a look at all of the inputs.

    Args:
        moved: rows that came or went.
        affected: groups they belong to.
        view: rows the view has.
        grouped: whether rows are put into groups.
        netted: whether rows went, so that those that only moved must be told apart, and rows of
            the view must be found.
    """
    cost = _BEGIN + _millions(moved) * (_SCAN + (_NET if netted else 0.0))
    if grouped or netted:
        carried = view if affected else 0
        cost += _group(moved, affected) + _millions(view) * _PROBE + _millions(carried) * _CARRY
        return cost + _millions(affected) * _WRITE
    return cost + _millions(moved) * _WRITE


def recompute_cost(total: int, affected: float, view: int) -> float:
    """Computing some groups from all of the inputs.

    Args:
        total: rows of the inputs.
        affected: groups to be computed.
        view: groups there are.
    """
    share = min(1.0, affected / max(1, view))
    return _millions(total) * _PROBE + share * (_millions(total) * _SCAN + _group(total, view))
