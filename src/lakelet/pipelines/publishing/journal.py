"""The journal of an update that commits: what it is about to make of which tables.

One small file in the lake a pipeline. It is written before the first commit and removed after the
publication; whoever finds it finishes what it says, or undoes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakelet.lake import Lake
from lakelet.lake.storage import join
from lakelet.pipelines.publishing.result import Result
from lakelet.workspace.steps import declare

__all__ = ("Journal", "clear_journal", "journals", "read_journal", "write_journal")

_WRITE = declare("publish.journal", "the journal says what the update is about to commit")
_CLEAR = declare("publish.clear", "the journal is gone; the update is over")


@dataclass(frozen=True, slots=True)
class Journal:
    """An update between its first commit and its end.

    Attributes:
        pipeline: whose update.
        update: its number.
        results: what is committed, in this order.
        before: the published version of each table; None for one never published.
        released: tables the pipeline lets go of, with their ids.
        direct: whether the tables of ``before`` are changed by other means than ``results``; their
            newest versions are then what is published.
    """

    pipeline: str
    update: int
    results: Sequence[Result]
    before: Mapping[str, int | None]
    released: Mapping[str, str]
    direct: bool = False


def _folder(lake: Lake) -> str:
    return join(lake.root, "_lakelet", "journals")


def _path(lake: Lake, pipeline: str) -> str:
    return join(_folder(lake), f"{pipeline}.json")


def journals(lake: Lake) -> list[str]:
    """The pipelines whose last update is not over."""
    folder = _folder(lake)
    if "journals" not in lake.storage.folders(folder.rpartition("/")[0]):
        return []
    names = [entry.path.rsplit("/", 1)[-1] for entry in lake.storage.files(folder)]
    return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))


def read_journal(lake: Lake, pipeline: str) -> Journal | None:
    """The journal of a pipeline, None where no update is under way."""
    path = _path(lake, pipeline)
    if lake.storage.entry(path) is None:
        return None
    with lake.storage.open(path) as file:
        raw = json.load(file)
    return Journal(
        raw["pipeline"],
        raw["update"],
        tuple(Result.from_json(one) for one in raw["results"]),
        raw["before"],
        raw["released"],
        raw["direct"],
    )


def write_journal(lake: Lake, journal: Journal) -> None:
    """Write the journal, whole or not at all."""
    raw = {
        "pipeline": journal.pipeline,
        "update": journal.update,
        "results": [result.to_json() for result in journal.results],
        "before": journal.before,
        "released": journal.released,
        "direct": journal.direct,
    }
    data = json.dumps(raw).encode()
    lake.storage.write(_WRITE, _path(lake, journal.pipeline), data)


def clear_journal(lake: Lake, pipeline: str) -> None:
    """Remove the journal of an update that is over."""
    lake.storage.remove(_CLEAR, _path(lake, pipeline))
