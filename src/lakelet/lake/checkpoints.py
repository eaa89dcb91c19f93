"""Which checkpoints of a table's log are there, and the hint that names the last one.

Source: Delta Transaction Log Protocol, "Checkpoints" and "Last Checkpoint File".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from lakelet.lake.storage import Storage, join
from lakelet.workspace.steps import declare

__all__ = ("drop_stale_hint", "newest_checkpoint")

_DROP = declare("table.stale_hint", "a _last_checkpoint that named no checkpoint is gone")
_SINGLE = re.compile(r"(\d{20})\.checkpoint(?:\.[0-9a-fA-F-]{36})?\.(?:parquet|json)")
_PART = re.compile(r"(\d{20})\.checkpoint\.(\d{10})\.(\d{10})\.parquet")


def newest_checkpoint(names: Iterable[str], version: int) -> tuple[int, list[str]] | None:
    """Version and files of the newest checkpoint up to ``version`` that lacks no part."""
    complete: dict[int, list[str]] = {}
    parts: dict[tuple[int, int], list[str]] = {}
    for name in sorted(names):
        if match := _SINGLE.fullmatch(name):
            complete[int(match[1])] = [name]
        elif match := _PART.fullmatch(name):
            parts.setdefault((int(match[1]), int(match[3])), []).append(name)
    for (at, total), found in parts.items():
        if len(found) == total:
            complete.setdefault(at, found)
    start = max((at for at in complete if at <= version), default=None)
    return None if start is None else (start, complete[start])


def drop_stale_hint(storage: Storage, location: str) -> None:
    """Remove a ``_last_checkpoint`` that names a checkpoint which is not there.

    Readers go without it. delta-rs stops at it where it opens the table anew after a commit.
    """
    log = join(location, "_delta_log")
    hint = join(log, "_last_checkpoint")
    if storage.entry(hint) is None:
        return
    with storage.open(hint) as file:
        text = file.read()
    try:
        version = int(json.loads(text)["version"])
    except (ValueError, TypeError, KeyError):  # no hint at all; nobody stops at that
        return
    names = (entry.path.rsplit("/", 1)[-1] for entry in storage.files(log))
    if newest_checkpoint(names, version) is None:
        storage.remove(_DROP, hint)
