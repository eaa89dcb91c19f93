"""Raw files in a query, and Parquet files as a source."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakelet.errors import LoadError, SettingsError
from lakelet.session import Workspace


def test_a_query_reads_files_by_the_loaders_rules(ws: Workspace) -> None:
    lines = [{"id": i, "v": i / 2} for i in range(200)] + [{"id": "x", "v": 1}]
    (ws.folder.files / "a.jsonl").write_text(
        "".join(json.dumps(x) + "\n" for x in lines) + "broken\n"
    )
    result = ws.sql("SELECT * FROM read_files('files/a.jsonl', format => 'json') WHERE id IS NULL")
    assert result.columns == ["id", "v", "_rescued_data"]
    assert result.rows() == [(None, 1.0, '{"id":"x"}')]
    named = ws.sql("SELECT _metadata.file_path FROM read_files('files/a.jsonl') LIMIT 1")
    assert named.rows() == [("files/a.jsonl",)]
    assert list(ws.tables()) == []


def test_hints_schema_and_csv_options(ws: Workspace) -> None:
    (ws.folder.files / "a.csv").write_text("a;b\n1;x\n2;y\n")
    query = "SELECT a, b FROM read_files('files/a.csv', sep => ';', schemaHints => 'a DECIMAL(5,1)') ORDER BY a"
    assert ws.sql(query).rows() == [(Decimal("1.0"), "x"), (Decimal("2.0"), "y")]
    query = "SELECT * FROM read_files('files/a.csv', sep => ';', header => 'true', schema => 'b STRING')"
    assert ws.sql(query).rows()[0] == ("x", '{"a":"1"}')


def test_an_unknown_option_is_refused_with_the_nearest(ws: Workspace) -> None:
    (ws.folder.files / "a.csv").write_text("a\n1\n")
    with pytest.raises(SettingsError, match="'header'"):
        ws.sql("SELECT * FROM read_files('files/a.csv', headr => 'true')")


def test_a_file_that_cannot_be_read_fails_the_query(ws: Workspace) -> None:
    (ws.folder.files / "a.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00broken")
    with pytest.raises(LoadError, match="cannot be read"):
        ws.sql("SELECT * FROM read_files('files/a.jsonl.gz')")


def test_a_parquet_file_is_loaded_with_the_types_it_declares(ws: Workspace) -> None:
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=dt.UTC)
    table = pa.table(
        {
            "i": pa.array([1, None], pa.int32()),
            "d": pa.array([Decimal("12345678901234567.89"), None], pa.decimal128(20, 2)),
            "t": pa.array([moment, None], pa.timestamp("us", "UTC")),
            "n": pa.array([moment.replace(tzinfo=None), None], pa.timestamp("us")),
            "f": pa.array([0.1, None], pa.float32()),
            "s": pa.array([{"x": [1.5]}, None], pa.struct([("x", pa.list_(pa.float64()))])),
        }
    )
    pq.write_table(table, ws.folder.files / "a.parquet")
    report = ws.load("files/a.parquet", into="t.p")
    assert (report.kept, report.rescued) == (2, 0)
    kinds = {c.name: c.type.sql for c in ws.table("t.p").columns if c.name[0] != "_"}
    assert kinds == {"i": "INT", "d": "DECIMAL(20,2)", "t": "TIMESTAMP", "n": "TIMESTAMP_NTZ",
                     "f": "DOUBLE", "s": "STRUCT<x: ARRAY<DOUBLE>>"}  # fmt: skip
    first = ws.sql("SELECT i, d, t, n, s FROM t.p WHERE i IS NOT NULL").rows()[0]
    assert first == (
        1,
        Decimal("12345678901234567.89"),
        moment,
        moment.replace(tzinfo=None),
        {"x": [1.5]},
    )


def test_a_damaged_parquet_file_is_set_aside(ws: Workspace) -> None:
    pq.write_table(pa.table({"a": [1]}), ws.folder.files / "good.parquet")
    (ws.folder.files / "bad.parquet").write_bytes(b"PAR1 no more")
    report = ws.load("files", into="t.p")
    assert [e.state for e in report.entries] == ["quarantined", "loaded"]
