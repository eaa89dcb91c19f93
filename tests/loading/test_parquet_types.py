"""Types of Parquet files that Delta tables do not have: no digit is lost, and no file for one."""

from __future__ import annotations

import datetime as dt

import pyarrow
import pyarrow.parquet
import pytest

from lakelet.errors import LoadError
from lakelet.session import Workspace

FINE = 1_700_000_000_123_456_789


def write(ws: Workspace, kind: pyarrow.DataType, *values: object) -> None:
    table = pyarrow.table({"id": range(len(values)), "x": pyarrow.array(values, kind)})
    pyarrow.parquet.write_table(table, ws.folder.files / "a.parquet")


@pytest.mark.parametrize(
    ("zone", "made", "text"),
    [
        (None, "TIMESTAMP_NTZ", "2023-11-14 22:13:20.123456789"),
        ("UTC", "TIMESTAMP", "2023-11-14 22:13:20.123456789+00"),
    ],
)
def test_nanoseconds(ws: Workspace, zone: str | None, made: str, text: str) -> None:
    """What pandas writes by itself."""
    write(ws, pyarrow.timestamp("ns", zone), FINE // 1000 * 1000, FINE, None)
    report = ws.load("files/a.parquet", into="s.t")
    assert (report.kept, report.rescued, report.rejected) == (3, 1, 0)
    assert [c.type.sql for c in report.new_columns] == ["BIGINT", made]
    ((value,), *_) = ws.sql("SELECT x FROM s.t ORDER BY id").rows()
    assert value.replace(tzinfo=None) == dt.datetime(2023, 11, 14, 22, 13, 20, 123456)
    rescued = ws.sql("SELECT _rescued_data FROM s.t WHERE id = 1").rows()
    assert rescued == [(f'{{"x":"{text}"}}',)]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (pyarrow.time32("ms"), 3_723_004, "01:02:03.004"),
        (pyarrow.time64("us"), 1, "00:00:00.000001"),
        (pyarrow.time64("ns"), 1001, "00:00:00.000001001"),
    ],
)
def test_times_of_day_are_text(
    ws: Workspace, kind: pyarrow.DataType, value: int, text: str
) -> None:
    write(ws, kind, value)
    ws.load("files/a.parquet", into="s.t")
    assert ws.sql("SELECT x FROM s.t").rows() == [(text,)]


def test_a_decimal_that_is_too_long_is_set_aside_by_its_column(ws: Workspace) -> None:
    """DuckDB would read it as DOUBLE."""
    write(ws, pyarrow.decimal256(50, 2), None)
    with pytest.raises(LoadError, match="its column x is a DECIMAL of 50 digits"):
        ws.load("files/a.parquet", into="s.t")
