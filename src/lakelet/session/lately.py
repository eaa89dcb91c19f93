"""What happened in a workspace since a moment: loads, updates, expectations that were broken."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakelet.lake import TableName
from lakelet.session.loads import look_at_loads

if TYPE_CHECKING:
    from lakelet.session.workspace import Workspace

__all__ = (
    "BrokenExpectation",
    "LoadSince",
    "RescuedIn",
    "broken_since",
    "loads_since",
    "rescued_in",
)

_EXPECTATIONS = TableName("system", "expectations")
_MOST = 50


@dataclass(frozen=True)
class LoadSince:
    """What loads brought into a table.

    Attributes:
        table: the table.
        files: how many files.
        kept: rows that are in the table.
        rescued: rows of these with a value that fits no column.
        rejected: rows that were none.
        time: when the last of them was.
    """

    table: str
    files: int
    kept: int
    rescued: int
    rejected: int
    time: dt.datetime


@dataclass(frozen=True)
class BrokenExpectation:
    """An expectation that rows broke in an update.

    Attributes:
        table: the dataset.
        expectation: its name.
        action: what became of the rows: ``warn``, ``drop`` or ``fail``.
        broken: how many rows.
        pipeline: the pipeline.
        update: the update.
        time: when.
    """

    table: str
    expectation: str
    action: str
    broken: int
    pipeline: str
    update: int
    time: dt.datetime


@dataclass(frozen=True)
class RescuedIn:
    """A table with rescued values.

    Attributes:
        table: the table.
        rows: how many rows of its files had one when they were loaded.
    """

    table: str
    rows: int


def loads_since(
    workspace: Workspace, since: dt.datetime, until: dt.datetime | None = None
) -> list[LoadSince]:
    """The tables that loads brought rows into from a moment on, up to another; the last first."""
    when = "loaded_at BETWEEN ? AND ? AND state = 'loaded'"
    return [
        LoadSince(**row)
        for row in look_at_loads(
            workspace,
            'SELECT table_name AS "table", count(*) AS files, sum(kept)::BIGINT AS kept, '
            "sum(rescued)::BIGINT AS rescued, sum(rejected)::BIGINT AS rejected, "
            f"max(loaded_at) AS time FROM this WHERE {when} "
            f"GROUP BY ALL ORDER BY time DESC LIMIT {_MOST}",
            [since, until or dt.datetime.now(dt.UTC)],
            where=when,
        )
    ]  # fmt: skip


def broken_since(
    workspace: Workspace, since: dt.datetime, until: dt.datetime | None = None
) -> list[BrokenExpectation]:
    """Expectations that rows broke, each as it last did so; the last first."""
    return [
        BrokenExpectation(**row)
        for row in _rows(
            workspace, _EXPECTATIONS,
            'SELECT dataset AS "table", expectation, action, broken, pipeline, '
            'update_id AS "update", time FROM this WHERE time BETWEEN ? AND ? AND broken > 0 '
            "QUALIFY row_number() OVER "
            "(PARTITION BY dataset, expectation, action ORDER BY time DESC) = 1 "
            f"ORDER BY time DESC LIMIT {_MOST}",
            since,
            until or dt.datetime.now(dt.UTC),
        )
    ]  # fmt: skip


def rescued_in(workspace: Workspace) -> list[RescuedIn]:
    """The tables whose loads rescued values, those with the most rows first."""
    return [
        RescuedIn(**row)
        for row in look_at_loads(
            workspace,
            'SELECT table_name AS "table", sum(rescued)::BIGINT AS rows FROM this '
            "WHERE state = 'loaded' AND rescued > 0 "
            f"GROUP BY ALL ORDER BY rows DESC LIMIT {_MOST}",
            [],
            where="state = 'loaded' AND rescued > 0",
        )
        if workspace.lake.exists(TableName(*row["table"].split(".", 1)))
    ]  # fmt: skip


def _rows(
    workspace: Workspace, name: TableName, text: str, *params: object
) -> list[dict[str, Any]]:
    if not workspace.lake.exists(name):
        return []
    return workspace.table(name).look(text, params).dicts()
