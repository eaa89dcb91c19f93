"""Results as JSON, JSON lines, CSV, Parquet or Markdown, on the terminal or in a file."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakelet.cli.output import cell_text, json_text
from lakelet.engines.engine import duckdb_errors
from lakelet.workspace.steps import declare, step

if TYPE_CHECKING:
    from lakelet.session.result import Result

__all__ = ("write_form",)

_BY_NAME = {"json": "JSON", "jsonl": "JSON", "parquet": "Parquet"}
_OUTPUT = declare("output.write", "the result of a query is in the file asked for")


def write_form(result: Result, form: str, output: Path | None) -> None:
    """Write a result.

    Args:
        result: the result.
        form: ``json``, ``jsonl``, ``csv``, ``parquet``, ``markdown`` or ``table``.
        output: the file, there completely or not at all; None for standard output.
    """
    if form in _BY_NAME:
        result.keys(_BY_NAME[form])
    if output is None:
        for text in _texts(result, form):
            sys.stdout.write(text)
        return
    part = output.with_name(f".{output.name}.part")
    with step(_OUTPUT):
        try:
            if form == "parquet":
                with duckdb_errors():
                    result.relation.write_parquet(str(part))
            else:
                with part.open("w", encoding="utf-8", newline="") as file:
                    file.writelines(_texts(result, form))
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)


def _texts(result: Result, form: str) -> Iterator[str]:
    names = result.columns
    if form == "jsonl":
        for row in _rows(result):
            yield json_text(dict(zip(names, row, strict=True))) + "\n"
    elif form == "json":
        before = "["
        for row in _rows(result):
            yield f"{before}\n  {json_text(dict(zip(names, row, strict=True)))}"
            before = ","
        yield "[]\n" if before == "[" else "\n]\n"
    elif form == "csv":
        yield from _csv(result)
    elif form == "markdown":
        yield f"| {' | '.join(map(_markdown, names))} |\n|{'---|' * len(names)}\n"
        for row in _rows(result):
            yield f"| {' | '.join(_markdown(cell_text(value)) for value in row)} |\n"
    else:
        from lakelet.cli.output import table_lines

        yield "\n".join(table_lines(names, result.rows(), width=10_000)) + "\n"


def _markdown(text: str) -> str:
    """A text as one cell of a table."""
    return text.replace("|", "\\|").replace("\r\n", "\n").replace("\n", "<br>")


def _rows(result: Result) -> Iterator[tuple[Any, ...]]:
    return chain.from_iterable(result.portions())


def _csv(result: Result) -> Iterator[str]:
    """CSV as RFC 4180 has it; NULL is nothing, the empty string is quoted."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(result.columns)
    for row in _rows(result):
        if "" in row:
            cells = ['""' if value == "" else _csv_cell(value) for value in row]
            buffer.write(",".join(cells) + "\n")
        else:
            writer.writerow([None if value is None else cell_text(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _csv_cell(value: object) -> str:
    if value is None:
        return ""
    text = cell_text(value)
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
