"""What cannot be meant is refused before anything is read or changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from lakelet.errors import LakeletError, SqlError, VersionNotFoundError
from lakelet.session import Table, Workspace


@pytest.fixture
def table(ws: Workspace) -> Table:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS a")
    ws.sql("INSERT INTO s.t VALUES (2)")
    return ws.table("s.t")


@pytest.mark.parametrize("params", [3, "abc", None, {1}, b"x"])
def test_values_for_markers_stand_in_a_list_or_a_dictionary(ws: Workspace, params: Any) -> None:
    with pytest.raises(SqlError, match=r"neither a list nor a dictionary(?s:.*)\[7\]"):
        ws.sql("SELECT ?", params)
    assert ws.sql("SELECT ?", (3,)).rows() == [(3,)]


def test_a_dialect_that_is_not_there(ws: Workspace) -> None:
    with pytest.raises(SqlError, match="no dialect 'mysql'"):
        ws.sql("SELECT 1", dialect="mysql")  # type: ignore[arg-type]
    with pytest.raises(SqlError, match="did you mean 'duckdb'"):
        ws.sql("SELECT 1", dialect="duckbd")  # type: ignore[arg-type]


def test_a_version_and_a_moment_are_not_both_given(table: Table) -> None:
    with pytest.raises(SqlError, match="at a moment and at a version"):
        table.at("2026-01-01", version=1)
    with pytest.raises(SqlError, match="'1' is no version"):
        table.at(version="1")  # type: ignore[arg-type]
    for moment in (5, "0001-01-01T00:00+14:00", "999999 weeks ago"):
        with pytest.raises(SqlError, match="is no moment"):
            table.at(moment)  # type: ignore[arg-type]


def test_a_moment_that_is_to_come_is_refused(ws: Workspace, table: Table) -> None:
    for ask in (
        lambda: ws.sql("SELECT * FROM s.t TIMESTAMP AS OF '2999-01-01'"),
        lambda: ws.sql("SELECT * FROM s.t", at="2999-01-01"),
        lambda: ws.sql("RESTORE TABLE s.t TO TIMESTAMP AS OF '2999-01-01'"),
        lambda: table.at("2999-01-01"),
    ):
        with pytest.raises(SqlError, match="lies in the future"):
            ask()
    now = dt.datetime.now(dt.UTC)
    assert table.at(now).version == 1


@pytest.mark.parametrize(
    "restore",
    [
        lambda ws: ws.sql("RESTORE TABLE s.t TO VERSION AS OF 1"),
        lambda ws: ws.table("s.t").restore(1),
    ],
)
def test_a_table_is_not_restored_to_what_it_is(
    ws: Workspace, table: Table, restore: Callable[[Workspace], object]
) -> None:
    with pytest.raises(SqlError, match=r"s\.t is at version 1, its newest: .*nothing to restore"):
        restore(ws)
    assert table.version == 1
    table.restore(0)
    assert table.rows() == [(1,)]


def test_a_version_that_is_not_there_is_told_by_the_name_of_the_table(
    ws: Workspace, table: Table
) -> None:
    for ask in (
        lambda: ws.sql("SELECT * FROM s.t@v9"),
        lambda: ws.sql("RESTORE TABLE s.t TO VERSION AS OF 9"),
        lambda: table.at(version=9).rows(),
        lambda: table.diff(0, 9),
        lambda: table.changes(since=9),
    ):
        with pytest.raises(VersionNotFoundError) as told:
            ask()
        assert str(told.value).startswith("s.t has no version 9; its newest is 1.")
        assert "lakelet history s.t" in str(told.value)


def test_an_address_with_half_a_bracket_is_told(ws: Workspace) -> None:
    with pytest.raises(LakeletError, match="no address"):
        ws.load("https://[", into="a.b")
