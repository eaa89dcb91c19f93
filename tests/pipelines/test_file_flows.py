"""Flows of one streaming table over the same files: each takes each file once."""

from __future__ import annotations

import pytest

from crash.processes import run
from lakelet.errors import LakeletError
from lakelet.loading import ledger
from lakelet.session import Workspace
from pipelines.writing import commits, define, put

BOTH = """
CREATE STREAMING TABLE t;
CREATE FLOW evens AS INSERT INTO t BY NAME
  SELECT n, 'even' AS kind FROM STREAM read_files('files/n', schemaHints => 'n BIGINT') WHERE n % 2 = 0;
CREATE FLOW large AS INSERT INTO t BY NAME
  SELECT n, 'large' AS kind FROM STREAM read_files('files/n', schemaHints => 'n BIGINT') WHERE n > 1;
"""
THIRD = """
CREATE FLOW small AS INSERT INTO t BY NAME
  SELECT n, 'small' AS kind FROM STREAM read_files('files/n', schemaHints => 'n BIGINT') WHERE n < 2;
"""
FIRST = [(0, "even"), (2, "even"), (2, "large"), (3, "large")]
SECOND = sorted([*FIRST, (4, "even"), (4, "large")], key=str)


def rows(ws: Workspace) -> list[tuple[object, ...]]:
    return sorted(ws.sql("SELECT n, kind FROM p.t").rows(), key=str)


@pytest.fixture
def numbers(ws: Workspace) -> Workspace:
    put(ws, "n/a.jsonl", *({"n": n} for n in range(4)))
    define(ws, BOTH)
    return ws


def test_each_flow_takes_each_file_once(numbers: Workspace) -> None:
    numbers.update("p")
    assert rows(numbers) == FIRST
    put(numbers, "n/b.jsonl", {"n": 4})
    plan = numbers.plan("p").decisions[0]
    assert plan.details["reasons"] == ["new files (1)", "new files (1)"]
    numbers.update("p")
    assert rows(numbers) == SECOND
    before = commits(numbers)
    numbers.update("p")
    assert commits(numbers) == before
    numbers.update("p", full_refresh=["*"])
    assert rows(numbers) == SECOND
    assert not numbers.update("p").published


def test_a_flow_that_comes_later_takes_what_the_others_have(numbers: Workspace) -> None:
    numbers.update("p")
    define(numbers, BOTH + THIRD)
    numbers.update("p")
    assert rows(numbers) == sorted([*FIRST, (0, "small"), (1, "small")], key=str)


def test_each_file_is_told_with_the_version_that_holds_it(numbers: Workspace) -> None:
    numbers.update("p")
    first = commits(numbers)["p.t"]
    numbers.sql("DELETE FROM p.t WHERE n = 0")
    put(numbers, "n/b.jsonl", {"n": 4})
    numbers.update("p")
    second = commits(numbers)["p.t"]
    told = {(one["file"], one["version"]) for one in numbers.table("p.t").files()}
    assert told == {("files/n/a.jsonl", first), ("files/n/b.jsonl", second)}


def test_a_failed_update_leaves_the_files_to_every_flow(numbers: Workspace) -> None:
    put(numbers, "n/b.jsonl", {"n": 4})
    define(numbers, BOTH + "CREATE MATERIALIZED VIEW bad AS SELECT CAST('x' AS INT) AS a FROM t;")
    with pytest.raises(LakeletError):
        numbers.update("p")
    define(numbers, BOTH)
    numbers.update("p")
    assert rows(numbers) == SECOND


@pytest.mark.parametrize(
    "moment",
    ["before:table.append", "after:table.append", "before:publish.journal", "before:stage.adopt",
     "after:stage.adopt", "before:publish.publish", "after:publish.publish"],
)  # fmt: skip
def test_killed_and_gone_on(numbers: Workspace, moment: str) -> None:
    numbers.update("p")
    put(numbers, "n/b.jsonl", {"n": 4})
    assert run(numbers.folder.root, "update", f"kill:{moment}").returncode == -9
    assert rows(numbers) in (FIRST, SECOND)
    numbers.update("p")
    assert rows(numbers) == SECOND


def test_rejected_rows_of_two_flows_are_tried_for_each(ws: Workspace) -> None:
    put(ws, "n/a.jsonl", {"n": "a"}).write_bytes(b'{"n": "a"}\n{"n": "\xe4"}\n')
    call = "STREAM read_files('files/n', format => 'jsonl')"
    define(
        ws,
        "CREATE STREAMING TABLE t;"
        f"CREATE FLOW one AS INSERT INTO t BY NAME SELECT * FROM {call};"
        f"CREATE FLOW two AS INSERT INTO t BY NAME SELECT * FROM {call};",
    )
    ws.update("p")
    assert sorted(ws.sql("SELECT n FROM p.t").rows()) == [("a",), ("a",)]
    assert len(ws.table("p.t").rejected()) == 2
    report = ws.table("p.t").retry_rejected(options={"encoding": "latin-1"})
    assert (report.tried, report.kept) == (2, 2)
    assert sorted(ws.sql("SELECT n FROM p.t").rows()) == [("a",), ("a",), ("ä",), ("ä",)]
    assert ws.table("p.t").rejected() == []
    assert not ws.update("p").published


def test_a_ledger_from_before_flows_goes_on(numbers: Workspace) -> None:
    ws = numbers
    ws.lake.create(ledger.LEDGER, ledger._COLUMNS[:-1])
    put(ws, "other/a.jsonl", {"n": 1})
    ws.load("files/other", "s.other")
    assert ws.load("files/other", "s.other").kept == 0
    ws.update("p")
    assert rows(ws) == FIRST
    assert not ws.update("p").published
