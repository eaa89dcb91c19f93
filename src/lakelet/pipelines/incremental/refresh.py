"""Refreshing a materialized view from what changed in its inputs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import duckdb

from lakelet.engines.connection import close_engine, open_connection
from lakelet.engines.engine import duckdb_errors
from lakelet.engines.rewrite import Target
from lakelet.lake.publications import Published
from lakelet.lake.table import columns_of
from lakelet.pipelines.definitions.dataset import Dataset
from lakelet.pipelines.incremental.asking import WORK, Asking, FellThroughError, Limits
from lakelet.pipelines.incremental.choice import Choice, choose
from lakelet.pipelines.incremental.estimate import Estimate
from lakelet.pipelines.incremental.groups import can_add, find_groups, fresh_groups
from lakelet.pipelines.incremental.moved import MovedRows, moved_rows
from lakelet.pipelines.incremental.shape import Whole
from lakelet.pipelines.incremental.single_rows import change_rows, find_distinct, fresh_distinct
from lakelet.pipelines.incremental.swapping import (
    Swapped,
    is_crowded,
    old_rows,
    swap_affected,
    swap_files,
)
from lakelet.pipelines.planning.world import World

__all__ = ("Refreshed", "refresh")


@dataclass(frozen=True)
class Refreshed:
    """A view's changed files, and why it was refreshed so.

    Attributes:
        swapped: the files.
        estimate: what both ways cost.
    """

    swapped: Swapped
    estimate: Estimate


def refresh(
    world: World, dataset: Dataset, published: Published, update: int, most: int
) -> Refreshed | Whole:
    """Stage what changes of a view, or say why all of it should be computed.

    Args:
        world: what the update sees.
        dataset: the view.
        published: what people see of it; made by the same definition.
        update: the update's number.
        most: bytes the computation may hold.

    Raises:
        ExpectationFailedError: a row breaks an expectation that fails the update.
        LakeletError: what computing the whole view would raise too.
    """
    choice = choose(world, dataset, published)
    if isinstance(choice, Whole):
        return choice
    if not (choice.incremental or choice.depends_on_keys):
        return Whole(f"is cheaper so: {choice.estimate}")
    (flow,) = dataset.flows
    assert flow.query is not None
    columns = columns_of(world.snapshot(dataset.name))
    engine = open_connection(world.lake.workspace, most=most)
    try:
        asking = Asking(world, dataset, flow.query, choice.shape, engine, columns)
        with duckdb_errors():
            engine.execute(f"CREATE SCHEMA {WORK}")
            moved = moved_rows(engine, choice.changes, choice.shape.names)
            return _Refresh(asking, choice, published, update).run(moved)
    except FellThroughError as reason:
        return Whole(str(reason))
    finally:
        close_engine(engine)


@dataclass
class _Refresh:
    asking: Asking
    choice: Choice
    published: Published
    update: int

    @property
    def engine(self) -> duckdb.DuckDBPyConnection:
        return self.asking.engine

    def run(self, moved: MovedRows) -> Refreshed:
        estimate = self.choice.estimate
        shape = self.choice.shape
        if shape.kind == "rows" and moved.went is None:
            come = self.asking.select(moved.came)
            swapped = swap_files(self.asking, self._crowded(), come, self.update, drops=True)
            return Refreshed(swapped, estimate)
        target = self._target()
        if shape.kind == "rows":
            change_rows(self.asking, moved, target)
        elif shape.kind == "distinct":
            estimate = self._distinct(moved, target)
        else:
            estimate = self._groups(moved, target)
        come = f"SELECT * FROM {WORK}.come"
        return Refreshed(swap_files(self.asking, target, come, self.update, drops=False), estimate)

    def _target(self) -> Target:
        table = self.asking.world.lake.table(self.asking.dataset.name)
        return Target.attach(table, self.engine, self.published.version)

    def _crowded(self) -> Target | None:
        """The view's files, if many small ones should become one while rows are added."""
        snapshot = self.asking.world.snapshot(self.asking.dataset.name)
        if not is_crowded(snapshot.get_add_actions()["size_bytes"].to_pylist()):
            return None
        self.engine.execute(f"CREATE TABLE {WORK}.gone (file VARCHAR, row BIGINT)")
        return self._target()

    def _distinct(self, moved: MovedRows, target: Target) -> Estimate:
        find_distinct(self.asking, moved)
        estimate = self._look()
        old_rows(self.asking, target, self.asking.names)
        fresh_distinct(self.asking, limits=self._limits())
        swap_affected(self.asking)
        return estimate

    def _groups(self, moved: MovedRows, target: Target) -> Estimate:
        adding = can_add(self.asking)
        if not adding and not self.choice.shape.keys:
            raise FellThroughError("makes one value of all rows, not by adding alone")
        find_groups(self.asking, moved, adding=adding)
        estimate = self._look()
        keys = [self.asking.names[place] for place in self.choice.shape.keys]
        old_rows(self.asking, target, keys)
        fresh_groups(self.asking, adding=adding, limits=self._limits())
        swap_affected(self.asking)
        return estimate

    def _look(self) -> Estimate:
        """What both ways cost, now that the keys are known.

        Raises:
            FellThroughError: computing all of the view is cheaper.
        """
        estimate = self.choice.estimate_for(self.asking.count(f"{WORK}.affected"))
        if not (self.choice.incremental or estimate.cheaper):
            raise FellThroughError(f"is cheaper so: {estimate}")
        return estimate

    def _limits(self) -> Limits:
        """What a second look at the inputs may cost: as much as computing the whole view."""
        estimate = self.choice.estimate
        most = math.inf if self.choice.asked else estimate.full
        return Limits(estimate.total, self.choice.view, most)
