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


def test_a_hint_that_matches_no_column_is_told(ws: Workspace) -> None:
    (ws.folder.files / "a.csv").write_text("a;b\n1;x\n")
    query = "SELECT * FROM read_files('files/a.csv', sep => ';', schemaHints => 'a INT, c DATE')"
    result = ws.sql(query)
    assert result.warnings == ("read_files: the hint c DATE matches no column of these files.",)
    assert len(result.rows()) == 1


def test_records_that_are_none_are_told(ws: Workspace) -> None:
    (ws.folder.files / "a.csv").write_text("a,b\n1,2\n3\n4,5\n6\n")
    (ws.folder.files / "b.jsonl").write_text('{"a": 1}\n')
    query = "SELECT x.* FROM read_files('files/a.csv', header => true) x"
    result = ws.sql(f"{query} JOIN read_files('files/a.csv', header => true) y ON x.a = y.a")
    told, hint = result.warnings
    assert "2 records are no row of the result, in files/a.csv: the first, line 3" in told
    assert "1 field instead of 2" in told
    assert "lakelet load" in hint
    assert len(result.rows()) == 2
    made = ws.sql(f"CREATE TABLE s.t AS {query}")
    assert made.warnings == result.warnings
    assert ws.sql("SELECT a FROM read_files('files/b.jsonl')").warnings == ()


STARS = [
    ("SELECT * FROM {f}", ["a", "_rescued_data"]),
    ("SELECT *, '_metadata' AS x FROM {f}", ["a", "_rescued_data", "x"]),
    ("SELECT *, a AS _metadata FROM {f} -- _metadata", ["a", "_rescued_data", "_metadata"]),
    ("SELECT *, _metadata.file_path FROM {f}", ["a", "_rescued_data", "file_path"]),
    ("SELECT g.*, g._metadata AS m FROM {f} AS g", ["a", "_rescued_data", "m"]),
    ("SELECT * FROM {f} WHERE _metadata.file_path <> ''", ["a", "_rescued_data"]),
    ("SELECT * EXCEPT (a) FROM {f} ORDER BY _metadata.file_path", ["_rescued_data"]),
    ("SELECT * EXCEPT (_metadata) FROM {f}", ["a", "_rescued_data"]),
    ("SELECT * FROM (SELECT *, _metadata FROM {f})", ["a", "_rescued_data", "_metadata"]),
    ("SELECT x.*, y._metadata FROM s.t x, {f} y", ["a", "_rescued_data", "_metadata", "_metadata"]),
    ("SELECT * FROM s.t x, {f} y WHERE y._metadata.file_path > ''",
     ["a", "_rescued_data", "_metadata", "a", "_rescued_data"]),
    ("SELECT count(*), max(_metadata.file_path) FROM {f}", ["count(1)", "max(file_path)"]),
]  # fmt: skip


@pytest.mark.parametrize(("query", "columns"), STARS)
def test_a_star_gives_no_metadata_of_files(ws: Workspace, query: str, columns: list[str]) -> None:
    (ws.folder.files / "a.jsonl").write_text('{"a": 1}\n')
    if "s.t" in query:
        ws.load("files/a.jsonl", into="s.t")
    result = ws.sql(query.format(f="read_files('files/a.jsonl')"))
    assert result.columns == columns
    assert len(result.rows()) == 1


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
            "f": pa.array([1.1, None], pa.float32()),
            "s": pa.array([{"x": [1.5]}, None], pa.struct([("x", pa.list_(pa.float64()))])),
        }
    )
    pq.write_table(table, ws.folder.files / "a.parquet")
    report = ws.load("files/a.parquet", into="t.p")
    assert (report.kept, report.rescued) == (2, 0)
    kinds = {c.name: c.type.sql for c in ws.table("t.p").columns if c.name[0] != "_"}
    assert kinds == {"i": "INT", "d": "DECIMAL(20,2)", "t": "TIMESTAMP", "n": "TIMESTAMP_NTZ",
                     "f": "FLOAT", "s": "STRUCT<x: ARRAY<DOUBLE>>"}  # fmt: skip
    first = ws.sql("SELECT i, d, t, n, CAST(f AS DOUBLE), s FROM t.p WHERE i IS NOT NULL").rows()[0]
    assert first == (
        1,
        Decimal("12345678901234567.89"),
        moment,
        moment.replace(tzinfo=None),
        1.100000023841858,
        {"x": [1.5]},
    )


ODD_BYTES = [b"", b"a", b"\x00\xff'\"\\\\x41", bytes(range(256)), "é".encode(), None]


def test_bytes_of_a_parquet_file_are_loaded_byte_for_byte(ws: Workspace) -> None:
    nested = pa.struct([("x", pa.binary()), ("l", pa.list_(pa.binary()))])
    table = pa.table(
        {
            "i": range(len(ODD_BYTES)),
            "b": pa.array(ODD_BYTES, pa.binary()),
            "s": pa.array([{"x": b, "l": [b, b"q"]} if b else None for b in ODD_BYTES], nested),
            "m": pa.array([[("k", b)] for b in ODD_BYTES], pa.map_(pa.string(), pa.binary())),
        }
    )
    pq.write_table(table, ws.folder.files / "a.parquet")
    report = ws.load("files/a.parquet", into="t.p")
    assert (report.kept, report.rescued) == (len(ODD_BYTES), 0)
    kinds = {c.name: c.type.sql for c in ws.table("t.p").columns if c.name[0] != "_"}
    assert kinds == {"i": "BIGINT", "b": "BINARY", "s": "STRUCT<x: BINARY, l: ARRAY<BINARY>>",
                     "m": "MAP<STRING, BINARY>"}  # fmt: skip
    found = ws.sql("SELECT b, s, m FROM t.p ORDER BY i").rows()
    assert found == [(b, {"x": b, "l": [b, b"q"]} if b else None, {"k": b}) for b in ODD_BYTES]


def test_bytes_where_text_is_wanted_are_base64(ws: Workspace) -> None:
    (ws.folder.files / "a.jsonl").write_text('{"b": "text"}\n')
    ws.load("files", into="t.p")
    pq.write_table(pa.table({"b": [b"\xff\x00"], "n": [b"\xfe"]}), ws.folder.files / "b.parquet")
    ws.load("files", into="t.p")
    assert ws.sql("SELECT b, n FROM t.p ORDER BY b").rows() == [("/wA=", b"\xfe"), ("text", None)]
    (ws.folder.files / "c.jsonl").write_text('{"n": "AAE="}\n{"n": "AAF="}\n{"n": "é"}\n')
    ws.load("files", into="t.p")
    found = ws.sql("SELECT n, _rescued_data FROM t.p WHERE b IS NULL ORDER BY 2").rows()
    assert found == [(b"\x00\x01", None), (None, '{"n":"AAF="}'), (None, '{"n":"é"}')]


def test_bytes_as_keys_of_a_map_set_the_file_aside(ws: Workspace) -> None:
    good = pa.array([[("k", "v")]], pa.map_(pa.binary(), pa.string()))
    pq.write_table(pa.table({"m": good}), ws.folder.files / "a.parquet")
    with pytest.raises(LoadError, match="column m is a MAP with BINARY keys"):
        ws.load("files", into="t.p")


def test_singles_are_kept_whether_told_by_few_digits_or_all(ws: Workspace) -> None:
    singles = pa.array([0.1, 3.4028235e38, 1e-45, 16777216.0, -0.0, None], pa.float32())
    nested = pa.array([{"f": v} for v in singles.to_pylist()], pa.struct([("f", pa.float32())]))
    pq.write_table(
        pa.table({"i": range(6), "f": singles, "s": nested}), ws.folder.files / "a.parquet"
    )
    (ws.folder.files / "b.jsonl").write_text('{"f": 0.1}\n{"f": 0.123456789}\n{"f": 16777217}\n')
    report = ws.load("files", into="t.p")
    kinds = [c.type.sql for c in ws.table("t.p").columns][1:3]
    assert (kinds, report.rescued) == (["FLOAT", "STRUCT<f: FLOAT>"], 2)
    found = ws.sql("SELECT f, s.f FROM t.p WHERE i IS NOT NULL ORDER BY i").rows()
    assert [f for f, _ in found] == singles.to_pylist() == [f for _, f in found]
    assert ws.sql("SELECT _rescued_data FROM t.p WHERE _rescued_data IS NOT NULL ORDER BY 1").rows() == [
        ('{"f":0.123456789}',), ('{"f":16777217}',),
    ]  # fmt: skip


def test_a_parquet_file_s_nested_new_field_has_the_type_it_declares(ws: Workspace) -> None:
    for name, kind in (("a", [("x", pa.int8())]), ("b", [("x", pa.int8()), ("y", pa.int16())])):
        value = {key: 1 for key, _ in kind}
        pq.write_table(
            pa.table({"s": pa.array([value], pa.struct(kind))}), ws.folder.files / f"{name}.parquet"
        )
        ws.load("files", into="t.p")
    assert ws.table("t.p").columns[0].type.sql == "STRUCT<x: TINYINT, y: SMALLINT>"


def test_a_damaged_parquet_file_is_set_aside(ws: Workspace) -> None:
    pq.write_table(pa.table({"a": [1]}), ws.folder.files / "good.parquet")
    (ws.folder.files / "bad.parquet").write_bytes(b"PAR1 no more")
    report = ws.load("files", into="t.p")
    assert [e.state for e in report.entries] == ["quarantined", "loaded"]
