"""Results in forms that tell values by the names of their columns."""

from __future__ import annotations

import pytest

from lakelet.errors import SqlError
from lakelet.session import Workspace


def test_two_columns_of_one_name_lose_no_value(ws: Workspace) -> None:
    result = ws.sql("SELECT 1 AS a, 2 AS A, 3 AS b")
    with pytest.raises(SqlError, match=r"COLUMN_ALREADY_EXISTS.*called a.*\n.*AS a_2"):
        result.dicts()
    with pytest.raises(SqlError, match="COLUMN_ALREADY_EXISTS"):
        result.polars()
    assert result.rows() == [(1, 2, 3)]
    assert ws.sql("SELECT 1 AS a, 2 AS b").dicts() == [{"a": 1, "b": 2}]
