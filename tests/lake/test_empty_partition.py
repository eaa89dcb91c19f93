"""An empty text in a partition column, which Delta cannot tell from NULL, is never lost silently."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.errors import ConstraintError
from lakelet.session import Workspace


@pytest.fixture
def parted(ws: Workspace) -> Workspace:
    ws.sql("CREATE TABLE s.may (i BIGINT, p STRING) PARTITIONED BY (p)")
    ws.sql("CREATE TABLE s.must (i BIGINT, p STRING NOT NULL) PARTITIONED BY (p)")
    for table in ("s.may", "s.must"):
        ws.sql(f"INSERT INTO {table} VALUES (1, 'a')")
    return ws


@pytest.mark.parametrize("table", ["s.may", "s.must"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {t} VALUES (2, ''), (3, 'b')",
        "INSERT OVERWRITE {t} SELECT 2, ''",
        "UPDATE {t} SET p = ''",
        "MERGE INTO {t} t USING (SELECT 5 AS i, '' AS p) n ON t.i = n.i "
        "WHEN NOT MATCHED THEN INSERT *",
        "CREATE OR REPLACE TABLE {t} PARTITIONED BY (p) AS SELECT 2 AS i, '' AS p",
    ],
)
def test_statements_refuse_it(parted: Workspace, table: str, statement: str) -> None:
    before = parted.table(table).version
    with pytest.raises(ConstraintError, match="an empty text in p"):
        parted.sql(statement.format(t=table))
    assert parted.table(table).version == before
    assert parted.table(table).rows() == [(1, "a")]
    _nothing_left(parted)


def test_frames_refuse_it(parted: Workspace) -> None:
    table = parted.table("s.must")
    for write in (
        lambda: table.append([{"i": 2, "p": ""}]),
        lambda: table.merge([{"i": 1, "p": ""}], on=["i"]),
    ):
        with pytest.raises(ConstraintError, match="1 row with an empty text in p"):
            write()
    assert table.rows() == [(1, "a")]
    _nothing_left(parted)


def test_a_load_rescues_it(parted: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"i":2,"p":""}\n{"i":3,"p":"b"}\n{"i":4,"p":null}\n')
    (tmp_path / "b.csv").write_text('i,p\n5,""\n6,\n7,c\n')
    for name in ("a.jsonl", "b.csv"):
        report = parted.load(tmp_path / name, "s.may")
        assert (report.kept, report.rescued) == (3, 1)
    found = parted.sql("SELECT i, p, _rescued_data FROM s.may ORDER BY i").rows()
    assert found == [
        (1, "a", None), (2, None, '{"p":""}'), (3, "b", None), (4, None, None),
        (5, None, '{"p":""}'), (6, None, None), (7, "c", None),
    ]  # fmt: skip


def _nothing_left(ws: Workspace) -> None:
    """No scratch table waits to be adopted; those of rows adopted before have no log any more."""
    assert not list(Path(ws.lake.root).glob("s/*/staged-*/_delta_log"))
