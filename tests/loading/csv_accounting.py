"""An independent account of a CSV file, read character by character as the documentation says."""

from __future__ import annotations

import re

from loading.accounting import Obj

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TYPED = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?|(?i:true|false)")
Cells = list[str | None]


def text_of(data: bytes) -> str | None:
    """A file's text; None where it is not what its mark says."""
    mark, encoding = next(((m, e) for m, e in _MARKS if data.startswith(m)), (b"", "utf-8"))
    try:
        errors = "surrogateescape" if encoding == "utf-8" else "strict"
        return data[len(mark) :].decode(encoding, errors)
    except UnicodeDecodeError:
        return None


def rows_of(text: str, separator: str) -> list[Cells | str]:
    """The rows of a text: cells, or the text of a line that is no row. Empty lines are none."""
    end = "\r" if "\r" in text[:-1] and "\n" not in text else "\n"
    rows: list[Cells | str] = []
    at = 0
    while at < len(text):
        found = _row(text, at, separator, end)
        line_end = text.find(end, at)
        line_end = len(text) if line_end < 0 else line_end
        line = text[at:line_end].removesuffix("\r")
        if found is None:
            rows.append(line)
            at = line_end + 1
        else:
            cells, at = found
            if line:
                rows.append(cells)
    return rows


def _row(text: str, at: int, separator: str, end: str) -> tuple[Cells, int] | None:
    cells: Cells = []
    while True:
        if text[at : at + 1] == '"':
            cell, at = "", at + 1
            while text[at : at + 1] != '"' or text[at : at + 2] == '""':
                if at >= len(text):
                    return None
                cell += text[at]
                at += 2 if text[at : at + 2] == '""' else 1
            cells.append(cell)
            at += 1
        else:
            begin = at
            while at < len(text) and text[at] not in (separator, end):
                at += 1
            ends = at >= len(text) or text[at] == end
            cells.append((text[begin:at].removesuffix("\r") if ends else text[begin:at]) or None)
        rest = text[at : at + 2]
        if rest[:1] == separator:
            at += 1
        elif rest in ("", "\r") or rest[0] == end:
            return cells, at + 1
        elif rest == "\r" + end:
            return cells, at + 2
        else:
            return None


def expected_rows(text: str, separator: str, header: str) -> tuple[list[Obj], int]:
    """The records of a CSV text as objects of texts, and how many of its rows are none."""
    rows = rows_of(text, separator)
    first = next((i for i, row in enumerate(rows) if isinstance(row, list)), None)
    if first is None:
        return [], len(rows)
    top = rows[first]
    assert isinstance(top, list)
    good = [row for row in rows[first : first + 101] if isinstance(row, list)]
    if header == "true" or (header == "auto" and _is_header(top, good[1:])):
        del rows[first]
        names: list[str] = []
        for i, cell in enumerate(top):
            name = (cell and _shown(cell).strip()) or f"_c{i}"
            names.append(f"{name}_{i}" if name in names else name)
    else:
        names = [f"_c{i}" for i in range(len(top))]
    records, broken = [], 0
    for row in rows:
        if isinstance(row, str) or len(row) != len(names) or any(map(_is_bad, row)):
            broken += 1
        else:
            pairs = zip(names, row, strict=True)
            records.append(Obj((name, cell) for name, cell in pairs if cell is not None))
    return records, broken


def _is_header(top: Cells, below: list[Cells]) -> bool:
    names = [cell for cell in top if cell and not _NUMBER.fullmatch(cell)]
    if len(names) < len(top) or len(set(names)) < len(names):
        return False
    for index in range(len(top)):
        column = [row[index] for row in below if len(row) == len(top) and row[index]]
        if column and all(_NUMBER.fullmatch(c) or _TYPED.fullmatch(c) for c in column if c):
            return True
    return False


def _is_bad(cell: str | None) -> bool:
    return cell is not None and any("\udc80" <= c <= "\udcff" for c in cell)


def _shown(cell: str) -> str:
    return cell.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
