"""Random CSV files, damaged at random, are accounted for to the last cell."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from conftest import make_workspace
from lakelet.errors import LoadError
from loading.accounting import compare
from loading.csv_accounting import expected_rows, text_of

CELLS = st.one_of(
    st.text(max_size=5),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(str),
    st.sampled_from([
        "", "a", "x", "0", "1", "-0", "007", "1.50", "1e3", ".5", "5.", "+7", "1e400", " 3", "1_0",
        "0.1234567890123456789012", "12345678901234567890", "٣", "NaN", "-inf", "true", "FALSE",
        "2026-01-02", "2026-02-30", "2026-01-02T03:04:05Z", "2026-01-02 03:04", "0001-01-01",
        "infinity", "é", "\x00", "\x1d", "\x1e", "\x1f", '"', 'a"b', '""', "a\nb", "\r", "\r\n", ",",
        ";", "\t", " ", "{}", "[1]", "_rescued_data",
    ]),
)  # fmt: skip
RAW = st.sampled_from([
    "", ",", ",,", '"', '"a', 'a"', '5" pipe,1', '"a"b,1', '"a",b"', "1,2,3,4,5", "a;b", '""', "\r",
    '"open,1', 'x,"', "\x00", " ",
])  # fmt: skip
_numbers = itertools.count()


@st.composite
def texts(draw: st.DrawFn, separator: str) -> str:
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=8))
    if draw(st.booleans()):
        rows.insert(0, [f"col{i}" for i in range(width)])
    lines = [separator.join(_written(draw, cell, separator) for cell in row) for row in rows]
    for _ in range(draw(st.integers(0, 2))):
        lines.insert(draw(st.integers(0, len(lines))), draw(RAW))
    ends = st.sampled_from(draw(st.sampled_from([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r"]])))
    text = "".join(line + draw(ends) for line in lines)
    return text if draw(st.booleans()) else text.rstrip("\r\n")


def _written(draw: st.DrawFn, cell: str, separator: str) -> str:
    how = draw(st.sampled_from(["plain", "plain", "quoted", "needed"]))
    needs = any(mark in cell for mark in (separator, '"', "\r", "\n"))
    if how == "quoted" or (how == "needed" and needs):
        return '"' + cell.replace('"', '""') + '"'
    return cell


@st.composite
def files(draw: st.DrawFn, separator: str) -> bytes:
    encoding = draw(st.sampled_from(["utf-8"] * 4 + ["utf-8-sig", "utf-16"]))
    data = draw(texts(separator)).encode(encoding, "replace")
    how = draw(st.sampled_from(["", "", "byte", "cut", "insert"]))
    at = draw(st.integers(0, max(len(data) - 1, 0)))
    if data and how == "byte":
        data = data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
    elif how == "cut":
        data = data[:at]
    elif how == "insert":
        data = data[:at] + draw(st.binary(max_size=3)) + data[at:]
    assume(not data.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")))  # archives
    return data


def pack(data: bytes, kind: str) -> bytes:
    if kind == "gz":
        return gzip.compress(data, mtime=0)
    return zstandard.ZstdCompressor(write_checksum=True).compress(data) if kind == "zst" else data


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("every-csv")


@settings(max_examples=70, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=files(","), header=st.sampled_from(["auto", "true", "false"]),
       kind=st.sampled_from(["", "", "gz", "zst"]))  # fmt: skip
@example(data=b'5" pipe,1\n6" pipe,2\n', header="false", kind="")
@example(data=b"infinity", header="auto", kind="")
@example(data=b'"broken\na,b\n1,2\n', header="true", kind="")
def test_every_row_of_a_file_is_accounted_for(
    base: Path, data: bytes, header: str, kind: str
) -> None:
    ws = make_workspace(base / f"w{next(_numbers)}")
    name = f"a.csv.{kind}" if kind else "a.csv"
    (ws.folder.files / name).write_bytes(pack(data, kind))
    text = text_of(data)
    options = {"header": header}
    if text is None:
        with pytest.raises(LoadError, match="no file could be read"):
            ws.load("files", into="t.t", options=options)
        return
    ws.load("files", into="t.t", options=options)
    compare(ws, "t.t", *expected_rows(text, ",", header))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=files(";"), second=files(";"), evolve=st.sampled_from(["add", "rescue", "widen"]))
def test_a_second_file_meets_the_first_ones_columns(
    base: Path, first: bytes, second: bytes, evolve: str
) -> None:
    ws = make_workspace(base / f"w{next(_numbers)}")
    records, broken = [], 0
    options = {"header": "true", "sep": ";"}
    for name, data in (("a.csv", first), ("b.csv", second)):
        text = text_of(data)
        assume(text is not None)
        assert text is not None
        (ws.folder.files / name).write_bytes(data)
        ws.load("files", into="t.t", options=options, evolve=evolve)
        more, other = expected_rows(text, ";", "true")
        records, broken = records + more, broken + other
    compare(ws, "t.t", records, broken)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=files(","), kind=st.sampled_from(["gz", "zst"]), at=st.floats(0, 1), bit=st.integers(0, 7)
)
def test_a_flipped_bit_in_a_compressed_file_is_never_a_wrong_row(
    base: Path, data: bytes, kind: str, at: float, bit: int
) -> None:
    ws = make_workspace(base / f"w{next(_numbers)}")
    packed = bytearray(pack(data, kind))
    where = min(int(at * len(packed)), len(packed) - 1)
    packed[where] ^= 1 << bit
    (ws.folder.files / "good.csv").write_bytes(b"a,b\n1,x\n")
    (ws.folder.files / f"packed.csv.{kind}").write_bytes(bytes(packed))
    text = text_of(data)
    report = ws.load("files", into="t.t", options={"header": "true"})
    entry = next(e for e in report.entries if "packed" in e.found.name)
    if entry.state == "quarantined":
        assert ws.sql("SELECT count(*) FROM t.t").rows() == [(1,)]
    elif bytes(packed[:4]) == (b"\x1f\x8b\x08\x00" if kind == "gz" else b"\x28\xb5\x2f\xfd"):
        # The bit says nothing (a time in the header, filling at the end): the rows are unharmed.
        assert text is not None
        records, broken = expected_rows(text, ",", "true")
        good, _ = expected_rows("a,b\n1,x\n", ",", "true")
        compare(ws, "t.t", good + records, broken)
    else:  # without its magic number it is a file of some text
        assert where < 4
