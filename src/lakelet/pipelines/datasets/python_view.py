"""A temporary view in Python: computed once in an update, for everybody who reads it."""

from __future__ import annotations

import weakref

from lakelet.engines.engine import Attached
from lakelet.pipelines.datasets.python_inputs import Spooled, spool_query
from lakelet.pipelines.datasets.python_rows import run_function
from lakelet.pipelines.datasets.query import BoundQuery, Sources, at_place
from lakelet.pipelines.definitions.dataset import Dataset
from lakelet.pipelines.planning.world import World
from lakelet.workspace.resources import claim

__all__ = ("python_view",)


def python_view(world: World, dataset: Dataset) -> Attached:
    """The rows of a view, in a scratch file that is gone when the update is over.

    Raises:
        PipelineError: its function failed.
    """
    (flow,) = dataset.flows
    workspace = world.lake.workspace

    def keep(bound: BoundQuery, _sources: Sources) -> Spooled:
        return spool_query(workspace, bound.connection, bound.sql)

    with world.computing:
        if dataset.name not in world.views:
            most = claim(workspace).memory // 2
            with at_place(flow, dataset.name):
                found = run_function(world, dataset, flow, most, keep)
            weakref.finalize(world, found.remove)
            world.views[dataset.name] = found
        return world.views[dataset.name]
