"""The database kept between queries: never an old row, never one result in another's way."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest

from lakelet.engines import kept
from lakelet.lake import TableName
from lakelet.lake.type_text import parse_columns
from lakelet.session import Workspace


@pytest.fixture
def table(ws: Workspace) -> str:
    ws.lake.create(TableName("s", "t"), parse_columns("id BIGINT"))
    ws.table("s.t").append([{"id": n} for n in range(10)])
    return "s.t"


def ids(ws: Workspace, text: str, **given: str) -> list[int]:
    return sorted(row[0] for row in ws.sql(text, **given).rows())


def test_one_database_serves_many_queries(ws: Workspace, table: str) -> None:
    ids(ws, f"SELECT id + 1 FROM {table}")
    first = kept._KEPT[ws.folder]
    ids(ws, f"SELECT id * 2 FROM {table} WHERE id > 3")
    ids(ws, "SELECT id FROM S.T", dialect="duckdb")
    assert kept._KEPT[ws.folder] is first


def test_a_commit_is_seen_and_an_open_result_keeps_its_snapshot(ws: Workspace, table: str) -> None:
    before = ws.sql(f"SELECT id FROM {table}")
    derived = ws.sql(f"SELECT id FROM {table}").relation.filter("id < 3")
    ws.table(table).append([{"id": 99}])
    assert 99 in ids(ws, f"SELECT id FROM {table}")
    assert 99 not in ids(ws, f"SELECT id FROM {table}@v1")
    assert 99 in ids(ws, 'SELECT id FROM "S"."T"', dialect="duckdb")
    assert sorted(row[0] for row in before.rows()) == list(range(10))
    assert sorted(derived.fetchall()) == [(0,), (1,), (2,)]


def test_results_are_read_side_by_side(ws: Workspace, table: str) -> None:
    one, other = (iter(ws.sql(f"SELECT id FROM {table}").batches()) for _ in range(2))
    assert next(one).num_rows == next(other).num_rows == 10


def test_threads(ws: Workspace, table: str) -> None:
    def ask(number: int) -> bool:
        found = ids(ws, f"SELECT id * {number} FROM {table}@v{number % 2}")
        return found == ([n * number for n in range(10)] if number % 2 else [])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(1, 40)))


def test_the_zone_is_the_workspaces(ws: Workspace, table: str) -> None:
    for _ in range(2):
        zone = ws.sql(f"SELECT current_setting('TimeZone') FROM {table} LIMIT 1", dialect="duckdb")
        assert zone.rows() == [(ws.time_zone,)]


def _count(ws: Workspace, found: multiprocessing.Queue[int]) -> None:
    found.put(len(ids(ws, "SELECT id FROM s.t")))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_a_database_of_its_own(ws: Workspace, table: str) -> None:
    ids(ws, f"SELECT id FROM {table}")
    fork = multiprocessing.get_context("fork")
    found = fork.Queue()
    child = fork.Process(target=_count, args=(ws, found))
    child.start()
    assert found.get(timeout=60) == 10
    child.join(60)
    assert child.exitcode == 0


def test_a_kept_translation_follows_the_types(ws: Workspace, table: str) -> None:
    text = f"SELECT sum(v) AS v FROM {table}2"
    for kind, wanted in (("INT", "BIGINT"), ("DECIMAL(5,2)", "DECIMAL(15,2)")):
        ws.sql(f"CREATE OR REPLACE TABLE {table}2 AS SELECT CAST(7 AS {kind}) AS v")
        for _ in range(2):
            assert ws.sql(text).types == [wanted]
            assert ws.sql(text).rows() == [(7,)]


def test_all_goes_with_the_workspace(ws: Workspace, table: str) -> None:
    from lakelet.session.workspace import open_workspace

    other = open_workspace(ws.folder.root)
    kept._KEPT.clear()
    ids(other, f"SELECT id FROM {table}")
    assert len(kept._KEPT) == 1
    del other
    assert not kept._KEPT
