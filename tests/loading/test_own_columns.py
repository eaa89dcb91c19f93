"""The columns that loads keep for themselves, where a table has others under their names."""

from __future__ import annotations

import pytest

from lakelet.errors import SchemaError
from lakelet.session import Workspace


@pytest.mark.parametrize("column", ["_metadata INT", "_rescued_data INT", "_Metadata STRING"])
def test_a_column_of_that_name_is_told(ws: Workspace, column: str) -> None:
    ws.sql(f"CREATE TABLE s.t (a INT, {column})")
    (ws.folder.files / "a.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(SchemaError, match=f"has a column {column} of its own") as caught:
        ws.load("files/a.jsonl", into="s.t")
    assert "nothing was loaded" in str(caught.value)
    assert ws.table("s.t").files() == []


def test_what_widening_cannot_move_is_counted(ws: Workspace) -> None:
    (ws.folder.files / "a.jsonl").write_text('{"a":[1,2]}\n{"a":[1.5,2]}\n')
    ws.load("files/a.jsonl", into="s.t", hints="a ARRAY<BIGINT>")
    decision = ws.table("s.t").widen("a", "ARRAY<DOUBLE>")
    assert (decision.filled, decision.left) == (0, 1)
