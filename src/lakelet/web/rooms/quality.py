"""What was kept out of a table, and why; rejected rows tried again, and handed over."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from fastapi.responses import StreamingResponse

from lakelet.lake import TableName
from lakelet.lake.type_text import parse_hints
from lakelet.loading.options import parse_options
from lakelet.session.expectations import expectation_counts
from lakelet.session.moments import parse_moment
from lakelet.session.rejected import Group, RejectedRows
from lakelet.web.acts import Act, Done, add_act
from lakelet.web.answer import At, Open, add_page
from lakelet.web.faults import Marked, marked
from lakelet.web.links import table_path
from lakelet.web.room import Room
from lakelet.web.rooms.commands import begun
from lakelet.web.rooms.table_head import Head, Pinned, TableHead

__all__ = ("router",)

router = Room(["table"])
_SHOWN = 200


@dataclass(frozen=True)
class Quality:
    """What was kept out of a table, and why.

    Attributes:
        head: the table.
        expectations: counts of the last updates, the newest first.
        groups: rejected rows by reason, the most frequent first.
        rows: rejected rows, the newest first: when, batch, file, line, reason, raw text.
        marks: of each of these, the text before the fault, the fault, the text after it.
        more: whether there are more.
        file: the file whose rows are shown; '' for all.
        reason: the reason whose rows are shown; '' for all.
        again: whether some can be tried again: those that came from raw files.
        hints: types to try them with, as they stand in the form.
        options: how to read their files, as they stand in the form.
    """

    head: Head
    expectations: list[dict[str, Any]]
    groups: list[Group]
    rows: list[dict[str, Any]]
    marks: list[Marked]
    more: bool
    file: str
    reason: str
    again: bool
    hints: str
    options: str


def quality(
    head: TableHead,
    table: Pinned,
    workspace: Open,
    file: Annotated[str, Query(description="Only rows of this raw file.")] = "",
    reason: Annotated[str, Query(description="Only rows of this reason.")] = "",
    hints: Annotated[str, Query(description="Types to try them with.")] = "",
    options: Annotated[str, Query(description="How to read their files.")] = "",
    at: At = None,
) -> Quality:
    """Expectations over time, and the rows that were kept out."""
    until = None if at is None else parse_moment(at, workspace.time_zone)
    rejected = RejectedRows(workspace, table)
    found = rejected.some(file=file, reason=reason, until=until, limit=_SHOWN + 1)
    shown = found[:_SHOWN]
    marks = [marked(str(row["record"]), str(row["reason"])) for row in shown]
    for row in shown:
        row["record"] = str(row["record"])[: 10 * _SHOWN]
    counts = expectation_counts(workspace, table.qualified)
    if until is not None:
        counts = [one for one in counts if one["time"] <= until]
    groups = rejected.groups(until)
    again = at is None and any(row["expectations"] is None for row in shown)
    return Quality(head, counts, groups, shown, marks, len(found) > _SHOWN, file, reason, again,
                   hints, options)  # fmt: skip


def retry(act: Act) -> Done:
    """Try the rejected rows of a table again, with other hints and options."""
    table = act.workspace.table(TableName.of(act.where["schema"], act.where["table"]))
    hints, options = act.one("hints"), act.one("options")
    arguments = ["rejected", table.name, "--retry"]
    if hints:
        parse_hints(hints)
        arguments += ["--hints", hints]
    given = [line.strip() for line in options.splitlines() if line.strip()]
    parse_options(dict(one.partition("=")[::2] for one in given))
    for one in given:
        arguments += ["--option", one]
    query = {key: value for key, value in (("hints", hints), ("options", options)) if value}
    place = table_path(table.qualified, "quality") + (f"?{urlencode(query)}" if query else "")
    return begun(act, arguments, back=f"{place}#rejected")


def exported(table: Pinned, workspace: Open, form: str) -> StreamingResponse:
    """All rejected rows of a table as CSV or as JSON lines."""
    names, rows = RejectedRows(workspace, table).every()
    texts = _csv(names, rows) if form == "csv" else _lines(names, rows)
    kind = "text/csv" if form == "csv" else "application/jsonl"
    headers = {"content-disposition": "attachment"}
    return StreamingResponse(texts, media_type=f"{kind}; charset=utf-8", headers=headers)


def exported_csv(table: Pinned, workspace: Open) -> StreamingResponse:
    """All rejected rows of a table as CSV."""
    return exported(table, workspace, "csv")


def exported_lines(table: Pinned, workspace: Open) -> StreamingResponse:
    """All rejected rows of a table as JSON lines."""
    return exported(table, workspace, "jsonl")


def _csv(names: list[str], rows: Iterator[tuple[Any, ...]]) -> Iterator[str]:
    yield _line(tuple(names))
    yield from map(_line, rows)


def _line(row: tuple[Any, ...]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(["" if value is None else value for value in row])
    return text.getvalue()


def _lines(names: list[str], rows: Iterator[tuple[Any, ...]]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(dict(zip(names, row, strict=True)), default=str, ensure_ascii=False) + "\n"


_PATH = "/tables/{schema}/{table}/quality"
add_page(router, _PATH, "table/quality.html", quality)
add_act(router, f"{_PATH}/retry", retry)
for ending, export in (("csv", exported_csv), ("jsonl", exported_lines)):
    router.add_api_route(
        f"/tables/{{schema}}/{{table}}/rejected.{ending}", export, methods=["GET"],
        response_class=StreamingResponse,
    )  # fmt: skip
