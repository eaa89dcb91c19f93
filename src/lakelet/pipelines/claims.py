"""Which tables are a pipeline's: none is taken over, and none is forgotten."""

from __future__ import annotations

from lakelet.errors import OwnedTableError
from lakelet.lake import TableName
from lakelet.pipelines.planning.world import World

__all__ = ("abandoned_tables", "refuse_takeover")


def refuse_takeover(world: World) -> None:
    """Refuse to take over a table that something else made.

    Raises:
        OwnedTableError: with its name, and whose it is.
    """
    for dataset in world.pipeline.datasets.values():
        for name in (dataset.name, *dataset.companions) if dataset.stored else ():
            if not world.lake.exists(name):
                continue
            published = world.published(name)
            ours = published is not None and published.pipeline == world.pipeline.name
            if ours and published is not None and world.newest(name) == published.version:
                continue
            properties = world.lake.table(name).open().metadata().configuration
            owner = world.publications.owner(name, properties)
            if owner == world.pipeline.name:
                continue
            whose = "something else" if owner is None else f"the pipeline {owner}"
            raise OwnedTableError(
                f"{dataset.place}: the table {name} was made by {whose}; it is not taken over.",
                hint=f"give the dataset another name, or DROP TABLE {name} first.",
            )


def abandoned_tables(world: World) -> list[TableName]:
    """Published tables of the pipeline that it does not declare any more."""
    stored = [d for d in world.pipeline.datasets.values() if d.stored]
    declared = {name for d in stored for name in (d.name, *d.companions)}
    found = [
        one.table
        for one in world.publications.state.values()
        if one.pipeline == world.pipeline.name
        and one.version >= 0
        and one.table not in declared
        and world.lake.exists(one.table)
    ]
    return sorted(found, key=str)
