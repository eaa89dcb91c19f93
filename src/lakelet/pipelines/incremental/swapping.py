"""Bringing changed rows into a view: files with rows that go are written anew without them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lakelet.engines.rewrite import Target
from lakelet.engines.routes.file_source import PLACE_FILE, PLACE_ROW
from lakelet.lake.staging import Staged, discard
from lakelet.pipelines.datasets.check import Checked, Checker
from lakelet.pipelines.datasets.query import BoundQuery, condition_sql
from lakelet.pipelines.datasets.sources import WorldSources
from lakelet.pipelines.datasets.staging import Outcome, stage_dropped, stage_rows
from lakelet.pipelines.datasets.swapping import find_differences, same_values, staying_rows
from lakelet.pipelines.incremental.asking import WORK, Asking, FellThroughError

__all__ = ("Swapped", "is_crowded", "old_rows", "swap_affected", "swap_files")

_SMALL = 4 << 20
"""Bytes up to which a file is small."""
_MANY_SMALL = 32


@dataclass(frozen=True)
class Swapped:
    """What becomes of a view's files.

    Attributes:
        outcome: what was staged, and what passed the checks.
        removed: paths, as the log spells them, of files whose rows are in the staged ones or gone.
    """

    outcome: Outcome
    removed: tuple[str, ...]


def is_crowded(sizes: Iterable[int]) -> bool:
    """Whether files of these bytes should be put together, though no row of them goes."""
    return sum(size < _SMALL for size in sizes) > _MANY_SMALL


def old_rows(asking: Asking, target: Target, keys: Sequence[str]) -> None:
    """Make the table ``old`` of the view's rows whose keys are affected, with their places."""
    asking.engine.execute(
        f"CREATE TABLE {WORK}.old AS SELECT {', '.join(asking.names)}, {PLACE_FILE}, {PLACE_ROW} "
        f"FROM {target.VIEW} AS a SEMI JOIN {WORK}.affected AS b ON {same_values('a', 'b', keys)}"
    )


def swap_affected(asking: Asking) -> None:
    """Make the tables ``come`` and ``gone`` of what differs between ``fresh`` and ``old``."""
    find_differences(
        asking.engine, f"{WORK}.old", f"{WORK}.fresh", asking.names,
        come=f"{WORK}.come", gone=f"{WORK}.gone",
    )  # fmt: skip


def swap_files(
    asking: Asking, target: Target | None, come: str, update: int, *, drops: bool
) -> Swapped:
    """Stage the rows that come, with those that stay of files from which rows go.

    Args:
        asking: the refresh.
        target: the view's files, for its table ``gone``; None where no row goes.
        come: a SELECT of the rows that come.
        update: the update's number.
        drops: whether rows that come may be put among the rejected ones.

    Raises:
        FellThroughError: rows would have to be rejected, and may not be.
        ExpectationFailedError: a row breaks an expectation that fails the update.
    """
    world, dataset, engine = asking.world, asking.dataset, asking.engine
    uris: list[str] = []
    if target is not None:
        found = engine.execute(f"SELECT DISTINCT file FROM {WORK}.gone").fetchall()
        uris = [str(uri) for (uri,) in found]
        small = target.smaller_than(_SMALL)
        if len(small) > _MANY_SMALL:
            # So many small files are put together while they are at hand.
            uris = list(dict.fromkeys([*uris, *small]))
    bound = BoundQuery(engine, come, asking.columns)
    sources = WorldSources(world, asking.query)
    conditions = [condition_sql(bound, e.condition, sources) for e in dataset.expectations]
    with Checker(dataset, conditions, world.lake.workspace) as checker:
        rows, carried = checker.select(come), 0
        if target is not None and uris:
            stay = staying_rows(target, uris, f"{WORK}.gone", asking.names)
            carried = asking.count(target.AFFECTED) - asking.count(f"{WORK}.gone")
            broken = ", NULL" if conditions else ""
            rows = f"{rows} UNION ALL SELECT *{broken} FROM ({stay})"
        table = world.lake.place(dataset.name)
        staged = stage_rows(table, asking.columns, dataset, engine.sql(rows), checker, update)
        rejected: tuple[Staged, ...] = ()
        if checker.found.dropped:
            if not drops:
                discard(table.location, table.storage, staged.folder)
                raise FellThroughError("has rows to reject, which may have to be taken back")
            rejected = stage_dropped(world.lake, dataset, checker.engine, update)
    checked = Checked(
        checker.found.rows - carried, checker.found.kept - carried,
        checker.found.broken, checker.found.dropped,
    )  # fmt: skip
    outcome = Outcome((staged,) if staged.adds else (), asking.columns, checked, rejected)
    removed = tuple(target.path(uri) for uri in uris) if target is not None else ()
    return Swapped(outcome, removed)
