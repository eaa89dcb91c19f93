"""Whether a view is refreshed from changes: if its query allows it, and if that is cheaper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lakelet.errors import PipelineError
from lakelet.lake import TableName
from lakelet.lake.publications import Published
from lakelet.pipelines.definitions.dataset import Dataset
from lakelet.pipelines.incremental.changes import Changes, changes_of
from lakelet.pipelines.incremental.estimate import (
    Estimate,
    full_cost,
    incremental_cost,
    look_cost,
    recompute_cost,
)
from lakelet.pipelines.incremental.shape import Shape, Whole, shape_of
from lakelet.pipelines.planning.world import World

__all__ = ("Choice", "choose", "refuse_strict", "refuse_whole", "rows_in", "shape_to_refresh")

_LOOK = 0.1
"""The share of computing all that a look at the keys may cost."""


@dataclass(frozen=True)
class Choice:
    """A view that can be refreshed from changes.

    Attributes:
        shape: of its query.
        changes: of the tables it reads.
        view: rows it has.
        asked: whether its REFRESH POLICY asks for it, whatever it costs.
    """

    shape: Shape
    changes: Mapping[TableName, Changes]
    view: int
    asked: bool

    @property
    def estimate(self) -> Estimate:
        """What both ways cost if every row that came or went has a key of its own."""
        return self.estimate_for(min(self._moved, self.view))

    def estimate_for(self, affected: int) -> Estimate:
        """What both ways cost if the rows that came or went have so many different keys."""
        total, moved = sum(one.total for one in self.changes.values()), self._moved
        shape, view, grouped = self.shape, self.view, self.shape.kind != "rows"
        cost = incremental_cost(moved, affected, view, grouped=grouped, netted=self._went)
        if moved and (
            (shape.kind == "distinct" and self._went)
            or (shape.kind == "groups" and ("other" in shape.items or shape.having))
        ):
            cost += recompute_cost(total, affected, view)
        return Estimate(full_cost(total, view, grouped=grouped), cost, moved, total)

    @property
    def incremental(self) -> bool:
        """Whether the view goes by its changes, whatever their keys are."""
        return self.asked or self.estimate.cheaper

    @property
    def depends_on_keys(self) -> bool:
        """Whether it goes by its changes if their keys are few, which a look at them tells.

        The look is taken where it costs little beside computing all: it may have been in vain.
        """
        if self.incremental or self.shape.kind == "rows":
            return False
        look = look_cost(self._moved, netted=self._went)
        return self.estimate_for(1).cheaper and look < _LOOK * self.estimate.full

    @property
    def _moved(self) -> int:
        return sum(one.moved for one in self.changes.values())

    @property
    def _went(self) -> bool:
        return any(one.removed is not None for one in self.changes.values())


def shape_to_refresh(world: World, dataset: Dataset) -> Shape | Whole:
    """The shape of a view's query, or why the view is computed as a whole whatever changed."""
    (flow,) = dataset.flows
    if dataset.refresh_policy == "full":
        return Whole("has REFRESH POLICY FULL")
    if flow.query is None:
        return Whole("is a Python function")
    if any("select" in one.condition.lower() for one in dataset.expectations):
        return Whole("has an expectation with a subquery")
    return shape_of(world, flow.query)


def choose(world: World, dataset: Dataset, published: Published) -> Choice | Whole:
    """What changed for a view, and what it costs to go by it.

    Args:
        world: what the update sees.
        dataset: the view.
        published: what people see of it.
    """
    shape = shape_to_refresh(world, dataset)
    if isinstance(shape, Whole):
        return shape
    changes: dict[TableName, Changes] = {}
    for name in sorted(shape.tables, key=str):
        found = changes_of(world, name, published.inputs.get(str(name)))
        if isinstance(found, Whole):
            return found
        changes[name] = found
    view = rows_in(world, dataset.name)
    went = any(one.removed is not None for one in changes.values())
    if (went or shape.kind != "rows") and rows_in(world, dataset.name.rejected):
        return Whole("has rejected rows, which may have to be taken back")
    return Choice(shape, changes, view, _asked(dataset))


def _asked(dataset: Dataset) -> bool:
    return dataset.refresh_policy.startswith("incremental")


def refuse_whole(world: World, dataset: Dataset) -> None:
    """Refuse a view that is to go by changes, and whose query never can.

    Source: Databricks, "REFRESH POLICY clause".

    Raises:
        PipelineError: why it cannot, and what to do.
    """
    if not _asked(dataset):
        return
    shape = shape_to_refresh(world, dataset)
    if isinstance(shape, Whole):
        raise PipelineError(
            f"REFRESH POLICY {dataset.refresh_policy.upper()} cannot be kept: the view "
            f"{shape.reason}.",
            hint="REFRESH POLICY AUTO computes it whole where it must.",
        )


def refuse_strict(dataset: Dataset, whole: Whole) -> None:
    """Refuse to compute a view whole whose policy is to go by changes or not at all.

    Raises:
        PipelineError: why it cannot go by changes this time, and what to do.
    """
    if dataset.refresh_policy == "incremental strict":
        raise PipelineError(
            f"REFRESH POLICY INCREMENTAL STRICT cannot be kept: the view {whole.reason}; "
            "nothing was published.",
            hint=f"--full-refresh {dataset.name} computes it whole once.",
        )


def rows_in(world: World, name: TableName) -> int:
    """Rows of a published table, as its log counts them; 0 for one that is not there."""
    if world.published(name) is None:
        return 0
    actions = world.snapshot(name).get_add_actions()
    if "num_records" not in actions.schema.names:
        return 0
    return sum(int(count or 0) for count in actions["num_records"].to_pylist())
