"""A version that is not there is told by its number, with the newest one there is."""

from __future__ import annotations

import pytest

from lakelet.errors import VersionNotFoundError
from lakelet.session import Workspace


def test_a_version_that_is_not_there(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS a")
    table = ws.table("s.t")
    for ask in (
        lambda: ws.sql("SELECT * FROM s.t@v3"),
        lambda: table.restore(3),
        lambda: table.diff(0, 3),
        lambda: table.at(version=3).rows(),
    ):
        with pytest.raises(VersionNotFoundError, match="has no version 3; its newest is 0"):
            ask()
    with pytest.raises(VersionNotFoundError, match="versions count from 0"):
        table.at(version=-1).rows()
