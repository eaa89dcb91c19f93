"""Random records, damaged at random, are accounted for to the last digit."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from conftest import make_workspace
from loading.accounting import account

KEYS = st.sampled_from(
    ["a", "b", "C", "c", "d e", "f.g", "ü", "h[0]", "x", "", "i'j", 'k"l', "m\0"]
)
NUMBERS = st.one_of(
    st.integers(-10, 10),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.sampled_from([1.0, 0.1, 1e22, 1e-7, 0.30000000000000004, 2**53 + 1, 1e300]),
)
TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            "",
            "2026-01-02",
            "2026-13-01",
            "2026-01-02T03:04:05Z",
            "NaN",
            "1.5",
            "true",
            "12345678901234567890",
        ]
    ),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)
RECORDS = st.dictionaries(KEYS, VALUES, max_size=5)
RAW = st.sampled_from(
    [
        b'{"a": 0.1234567890123456789012}',
        b'{"a": 1e400}',
        b'{"a": -0, "b": -0.0}',
        b'{"a": NaN, "b": -Infinity}',
        b'{"a": 1, "a": 2, "A": 3}',
        b'{"x": {"y": 1, "y": "two", "Y": 3}}',
        b'{"a": 1,}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\u0000"}',
        b'{"a": 1.50, "b": 1E+2, "c": 100e-2}',
        b"[1, 2]",
        b"7",
        b'"text"',
        b"null",
        b"{broken",
        b'{"a": "\x01"}',
        b'{"a": "\xff"}',
        b"\x00",
        b"   ",
        b'{"a": 1} trailing',
        b'{"a": .5}',
        b'{"n": 123456789012345678}',
        b'{"n": 99999999999999999999999999999999999999999}',
    ]
)
LINES = st.one_of(
    RECORDS.map(lambda r: json.dumps(r).encode()),
    RECORDS.map(_utf8 := lambda r: json.dumps(r, ensure_ascii=False).encode("utf-8", "replace")),
    RAW,
)
_numbers = itertools.count()


@st.composite
def files(draw: st.DrawFn) -> bytes:
    lines = draw(st.lists(LINES, min_size=1, max_size=12))
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    data = end.join(lines) + draw(st.sampled_from([b"", end]))
    how = draw(st.sampled_from(["", "", "byte", "cut", "insert", "mark"]))
    if data and how == "byte":
        at = draw(st.integers(0, len(data) - 1))
        data = data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
    elif data and how == "cut":
        data = data[: draw(st.integers(0, len(data)))]
    elif how == "insert":
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=3)) + data[at:]
    elif how == "mark":
        data = b"\xef\xbb\xbf" + data
    # Other rules hold for these, with tests of their own: a lone CR as line end, UTF-16, archives.
    assume(b"\r" not in data or b"\n" in data)
    assume(not data.startswith((b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")))
    return data


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("every")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=files())
def test_every_record_of_a_file_is_accounted_for(base: Path, data: bytes) -> None:
    ws = make_workspace(base / f"w{next(_numbers)}")
    (ws.folder.files / "a.jsonl").write_bytes(data)
    ws.load("files/a.jsonl", into="t.t", options={"format": "jsonl"})
    account(ws, "t.t", data)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=files(), second=files(), evolve=st.sampled_from(["add", "rescue"]))
def test_a_second_file_meets_the_first_ones_columns(
    base: Path, first: bytes, second: bytes, evolve: str
) -> None:
    ws = make_workspace(base / f"w{next(_numbers)}")
    (ws.folder.files / "a.jsonl").write_bytes(first)
    ws.load("files", into="t.t", options={"format": "jsonl"})
    (ws.folder.files / "b.jsonl").write_bytes(second)
    ws.load("files", into="t.t", options={"format": "jsonl"}, evolve=evolve)
    account(ws, "t.t", first.rstrip(b"\n") + b"\n" + second.removeprefix(b"\xef\xbb\xbf"))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=files(), kind=st.sampled_from(["gz", "zst"]), at=st.floats(0, 1), bit=st.integers(0, 7))
def test_a_flipped_bit_in_a_compressed_file_is_never_a_wrong_row(
    base: Path, data: bytes, kind: str, at: float, bit: int
) -> None:
    ws = make_workspace(base / f"w{next(_numbers)}")
    packed = bytearray(
        gzip.compress(data, mtime=0)
        if kind == "gz"
        else zstandard.ZstdCompressor(write_checksum=True).compress(data)
    )
    where = min(int(at * len(packed)), len(packed) - 1)
    packed[where] ^= 1 << bit
    (ws.folder.files / "good.jsonl").write_bytes(b'{"a": 1}\n')
    (ws.folder.files / f"packed.jsonl.{kind}").write_bytes(bytes(packed))
    report = ws.load("files", into="t.t")
    entry = next(e for e in report.entries if "packed" in e.found.name)
    if entry.state == "quarantined":
        assert ws.sql("SELECT count(*) FROM t.t").rows() == [(1,)]
    elif bytes(packed[:4]) == (b"\x1f\x8b\x08\x00" if kind == "gz" else b"\x28\xb5\x2f\xfd"):
        # The bit says nothing (a time in the header, filling at the end): the rows are unharmed.
        account(ws, "t.t", b'{"a": 1}\n' + data.removeprefix(b"\xef\xbb\xbf"))
    else:  # without its magic number it is a file of some text
        assert where < 4


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_an_intact_compressed_file_is_read_whole(base: Path, kind: str) -> None:
    ws = make_workspace(base / f"w{next(_numbers)}")
    data = b"".join(json.dumps({"n": n, "t": "x" * 50}).encode() + b"\n" for n in range(50_000))
    # Two members, or frames, one behind the other, as `cat a.gz b.gz` makes them.
    pack = gzip.compress if kind == "gz" else zstandard.compress
    packed = pack(data[:100]) + pack(data[100:])
    (ws.folder.files / f"packed.jsonl.{kind}").write_bytes(packed)
    (ws.folder.files / f"cut.jsonl.{kind}").write_bytes(packed[:-10])
    report = ws.load("files", into="t.t")
    assert [e.state for e in report.entries] == ["quarantined", "loaded"]
    assert ws.sql("SELECT count(*), sum(n) FROM t.t").rows() == [(50_000, sum(range(50_000)))]


def test_more_than_one_chunk_is_read_in_order_and_whole(base: Path) -> None:
    """Fifty megabytes and more are converted piece by piece, in a thread beside the writer's."""
    ws = make_workspace(base / f"w{next(_numbers)}")
    count, text = 60_000, "x" * 1000
    with (ws.folder.files / "big.jsonl").open("w") as file:
        for n in range(count):
            file.write(json.dumps({"n": n, "v": n / 3, "t": text}) + "\n")
            if n % 10_000 == 0:
                file.write("broken\n")
                file.write('{"n": "odd"}\n')
    report = ws.load("files", into="t.t")
    assert (report.kept, report.rescued, report.rejected) == (count + 6, 6, 6)
    found = ws.sql("SELECT count(*), sum(n), count(DISTINCT v) FROM t.t").rows()
    assert found == [(count + 6, sum(range(count)), count)]
