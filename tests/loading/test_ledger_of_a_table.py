"""The ledger speaks of one table, not of its name: dropped, made anew, restored, replaced."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from lakelet.errors import LoadError, SchemaError
from lakelet.lake import TableName
from lakelet.loading.connection import loading_connection
from lakelet.loading.discovery import discover
from lakelet.loading.ledger import TRANSACTION, Entry, Ledger
from lakelet.session import Workspace


def write(ws: Workspace, name: str, text: str, time: int = 1_700_000_000) -> Path:
    path = ws.folder.files / name
    path.write_text(text)
    os.utime(path, (time, time))
    return path


def load(ws: Workspace, **more: object):
    return ws.load("files", into="t.t", **more)  # type: ignore[arg-type]


def ids(ws: Workspace) -> list[object]:
    return [row[0] for row in ws.sql("SELECT id FROM t.t ORDER BY id").rows()]


def states(ws: Workspace) -> list[tuple[object, ...]]:
    return [(f["file"], f["batch"], f["state"], f["kept"]) for f in ws.table("t.t").files()]


@pytest.mark.parametrize(
    "anew",
    [
        ["DROP TABLE t.t"],
        ["CREATE OR REPLACE TABLE t.t (id BIGINT)"],
        ["DROP TABLE t.t", "CREATE TABLE t.t (id BIGINT)"],
    ],
)
def test_files_are_new_again_for_a_table_made_anew(ws: Workspace, anew: list[str]) -> None:
    write(ws, "a.jsonl", '{"id":1}\nx\n')
    load(ws)
    for statement in anew:
        ws.sql(statement)
    dry = load(ws, dry_run=True)
    assert (len(dry.entries), dry.same) == (1, 0)
    if len(anew) > 1 or "CREATE" in anew[0]:
        assert states(ws) == [("files/a.jsonl", 1, "undone", 0)]
        assert ws.table("t.t").rejected() == []
    report = load(ws)
    assert (report.kept, report.rejected, report.same) == (1, 1, 0)
    assert ids(ws) == [1]
    assert len(ws.table("t.t").rejected()) == 1
    again = load(ws)
    assert (again.entries, again.same) == ([], 1)
    assert load(ws, dry_run=True).same == 1
    assert states(ws) == [("files/a.jsonl", 2, "loaded", 1), ("files/a.jsonl", 1, "undone", 0)]


def test_undrop_brings_the_account_back(ws: Workspace) -> None:
    write(ws, "a.jsonl", '{"id":1}\n')
    load(ws)
    ws.sql("DROP TABLE t.t")
    ws.sql("UNDROP TABLE t.t")
    assert load(ws).same == 1
    assert ids(ws) == [1]


def test_a_restore_to_before_the_table_was_made_anew_counts_its_files(ws: Workspace) -> None:
    write(ws, "a.jsonl", '{"id":1}\n')
    load(ws)
    version = ws.table("t.t").history()[0].version
    ws.sql("CREATE OR REPLACE TABLE t.t (id BIGINT)")
    load(ws)
    assert ids(ws) == [1]
    ws.table("t.t").restore(version)
    report = load(ws)
    assert (report.entries, report.same) == ([], 1)
    assert ids(ws) == [1]
    assert states(ws) == [("files/a.jsonl", 2, "undone", 0), ("files/a.jsonl", 1, "loaded", 1)]


def test_a_restore_back_and_forth_loads_nothing_twice(ws: Workspace) -> None:
    write(ws, "a.jsonl", '{"id":1}\n')
    load(ws)
    write(ws, "b.jsonl", '{"id":2}\n')
    load(ws)
    first, second = (ws.table("t.t").history()[i].version for i in (1, 0))
    ws.table("t.t").restore(first)
    ws.table("t.t").restore(second)
    assert load(ws).same == 2
    assert ids(ws) == [1, 2]


def test_a_replaced_file_keeps_no_rows_of_its_earlier_batch(ws: Workspace) -> None:
    write(ws, "a.jsonl", '{"id":1}\n{"id":2}\n')
    load(ws)
    write(ws, "a.jsonl", '{"id":3}\n', time=1_800_000_000)
    assert load(ws).changed == ["files/a.jsonl"]
    load(ws, on_changed="replace")
    assert states(ws) == [("files/a.jsonl", 2, "loaded", 1), ("files/a.jsonl", 1, "replaced", 0)]
    assert [f["replaced_by"] for f in ws.table("t.t").files()] == [None, 2]
    assert ids(ws) == [3]
    # A changed file's rows tell the times of the file they came from.
    ((time,),) = ws.sql("SELECT _metadata.file_modification_time FROM t.t").rows()
    assert time.timestamp() == 1_800_000_000


def test_a_wrong_key_makes_no_table(ws: Workspace) -> None:
    write(ws, "a.jsonl", '{"id":1,"name":"x"}\n')
    for dry in (True, False):
        with pytest.raises(SchemaError, match="no table was made") as told:
            load(ws, key=["nmae"], dry_run=dry)
        assert told.value.hint == "did you mean 'name'?"
    load(ws)
    with pytest.raises(SchemaError, match="has no column 'nope' for --key"):
        load(ws, key=["nope"])  # also where nothing is new


def test_a_file_that_was_cut_and_is_completed_is_new(ws: Workspace) -> None:
    write(ws, "a.jsonl", '{"id":1}\n')
    load(ws)
    whole = gzip.compress(b'{"id":2}\n' * 50)
    path = ws.folder.files / "b.jsonl.gz"
    path.write_bytes(whole[:-10])
    assert [e.state for e in load(ws).entries] == ["quarantined"]
    assert load(ws).same == 2
    path.write_bytes(whole)
    report = load(ws)
    assert (report.kept, report.changed) == (50, [])


def test_a_lone_file_that_cannot_be_read_is_kept_in_the_ledger(ws: Workspace) -> None:
    whole = gzip.compress(b'{"id":2}\n' * 50)
    path = ws.folder.files / "b.jsonl.gz"
    path.write_bytes(whole[:-10])
    for _ in range(2):
        with pytest.raises(LoadError, match=r"system\.loaded_files"):
            load(ws)
    told = ws.sql("SELECT table_name, file, state, reason FROM system.loaded_files").rows()
    reason = "the gzip data ends in the middle (truncated)"
    assert told == [("t.t", "files/b.jsonl.gz", "quarantined", reason)]
    path.write_bytes(whole)
    assert load(ws).kept == 50
    assert [f["state"] for f in ws.table("t.t").files()] == ["loaded", "quarantined"]


def test_a_batch_is_a_transaction_of_the_log_and_counts_with_it(ws: Workspace) -> None:
    """Its number stands in the log as an application transaction."""
    write(ws, "a.jsonl", '{"id":1}\n')
    load(ws)
    table = ws.lake.table(TableName.parse("t.t"))
    assert table.open().transaction_version(TRANSACTION) == 1
    write(ws, "b.jsonl", '{"id":2}\n')
    load(ws)
    assert table.open().transaction_version(TRANSACTION) == 2
    # Entries that speak of a batch the log does not hold are an unfinished load's.
    connection = loading_connection(ws.folder)
    ledger = Ledger(ws.lake, connection)
    found = discover(ws.folder, "files/b.jsonl", base=ws.folder.root)
    ledger.append(table.name, 3, [Entry(found[0], 1, 0, 0, "loaded")])
    connection.close()
    assert [state[1] for state in states(ws)] == [2, 1]
    assert load(ws).same == 2
    assert ids(ws) == [1, 2]
    assert [state[1] for state in states(ws)] == [2, 1]
