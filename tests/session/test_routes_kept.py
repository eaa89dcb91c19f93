"""A kept route never hides a commit, and never outlives its table."""

from __future__ import annotations

import shutil
from pathlib import Path

import lakelet
from lakelet.lake import TableName
from lakelet.lake.type_text import parse_columns
from lakelet.session import Workspace


def count(ws: Workspace) -> int:
    return ws.sql("SELECT count(*) FROM s.t").rows()[0][0]


def make(ws: Workspace) -> None:
    ws.lake.create(TableName("s", "t"), parse_columns("id BIGINT"))


def test_a_route_is_kept_until_a_commit_comes(ws: Workspace) -> None:
    make(ws)
    ws.table("s.t").append([{"id": 1}])
    location = ws.lake.table(TableName("s", "t")).location
    assert count(ws) == 1
    kept = ws.routes.find(location)
    assert kept is not None
    assert count(ws) == 1 and ws.routes.find(location)[0] is kept[0]
    lakelet.open(ws.folder.root).table("s.t").append([{"id": 2}])  # somebody else's commit
    assert ws.routes.find(location) is None
    assert count(ws) == 2


def test_a_table_made_anew_in_its_place_is_another(ws: Workspace) -> None:
    make(ws)
    ws.table("s.t").append([{"id": 1}])
    assert count(ws) == 1
    shutil.rmtree(Path(ws.lake.root) / "s" / "t")
    make(ws)
    assert count(ws) == 0
    ws.table("s.t").append([{"id": 1}, {"id": 2}])
    assert count(ws) == 2


def test_time_travel_does_not_use_it(ws: Workspace) -> None:
    make(ws)
    ws.table("s.t").append([{"id": 1}])
    assert count(ws) == 1
    assert ws.sql("SELECT count(*) FROM s.t@v0").rows() == [(0,)]
    ws.table("s.t").restore(0)
    assert count(ws) == 0
