"""Home: what changed since yesterday, and the search over everything."""

from __future__ import annotations

import datetime as dt
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from lakelet.lake.storage import is_remote
from lakelet.session.lately import (
    BrokenExpectation,
    LoadSince,
    broken_since,
    loads_since,
)
from lakelet.session.moments import parse_moment
from lakelet.session.searching import Hit, find
from lakelet.web.answer import At, Open, add_page
from lakelet.web.room import Room
from lakelet.web.rooms.pipelines import Update, updates_of
from lakelet.web.rooms.runs import RunRow, row_of

__all__ = ("router",)

router = Room(["home"])
_SINCE = dt.timedelta(days=1)
_FIRST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
"""Before it nothing happened here, and a day earlier may be no date at all."""
_SHOWN = 12


@dataclass(frozen=True)
class Home:
    """What happened in the last day.

    Attributes:
        since: the moment from which on things are told.
        empty: whether the workspace has no table yet.
        updates: updates that ran, the last first.
        loads: tables that files were loaded into.
        broken: expectations that rows broke.
        runs: runs that began.
    """

    since: dt.datetime
    empty: bool
    updates: list[Update]
    loads: list[LoadSince]
    broken: list[BrokenExpectation]
    runs: list[RunRow]


def home(workspace: Open, at: At = None) -> Home:
    """What changed in the last day."""
    now = dt.datetime.now(dt.UTC) if at is None else parse_moment(at, workspace.time_zone)
    since = max(now, _FIRST) - _SINCE
    updates = [
        one
        for one in updates_of(workspace, since=since)
        if one.started is not None and one.started <= now
    ]
    return Home(
        since,
        next(workspace.tables(), None) is None,
        updates[:_SHOWN],
        loads_since(workspace, since, now)[:_SHOWN],
        broken_since(workspace, since, now)[:_SHOWN],
        [row_of(run) for run in workspace.runs(where=_began(since, now), limit=_SHOWN)],
    )


def _began(since: dt.datetime, until: dt.datetime) -> str:
    """The condition that a run began between two moments; seconds are counted whole."""
    first, last = (one.astimezone(dt.UTC).strftime("%F %T") for one in (since, until))
    return f"started >= '{first}' and started <= '{last}'"


@dataclass(frozen=True)
class Space:
    """What the lake takes on the disk.

    Attributes:
        bytes: all its files, older versions too; None where it lies in a bucket.
    """

    bytes: int | None


def space(workspace: Open) -> Space:
    """What the lake takes on the disk."""
    root = workspace.lake.root
    if is_remote(str(root)):
        return Space(None)
    return Space(_bytes(root))


def _bytes(folder: str) -> int:
    """The size of all files in a folder; those that go while it is looked at do not count."""
    found = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    found += _bytes(entry.path)
                elif entry.is_file():
                    found += entry.stat().st_size
    return found


@dataclass(frozen=True)
class SearchPage:
    """What a search found.

    Attributes:
        letters: what was looked for.
        hits: what was found, by kind.
        waiting: tables that changed lately and were not looked at yet.
    """

    letters: str
    hits: list[Hit]
    waiting: int


def search(
    workspace: Open,
    letters: Annotated[str, Query(alias="q", description="Letters of a name or text.")] = "",
) -> SearchPage:
    """Tables, columns, comments, pipelines and their code, and files that hold some letters."""
    found = find(workspace, letters)
    return SearchPage(letters, found.hits, found.waiting)


add_page(router, "/", "home.html", home)
add_page(router, "/search", "search.html", search)
add_page(router, "/parts/space", "space.html", space, twin=False)
