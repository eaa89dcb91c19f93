"""What a killed update left behind, settled by whoever holds the pipeline's lock next.

The journal says what is to be finished or undone in the lake; the metadata store then says what
became of each update that never told of its end itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from lakelet.lake import Lake
from lakelet.lake.publications import Publications
from lakelet.pipelines.events import Log, events_of, keep_events
from lakelet.pipelines.publishing.publish import recover_pipeline
from lakelet.workspace.store import open_store

__all__ = ("recover",)

_FINISHED = "its process ended early; what was missing was done afterwards"
_INTERRUPTED = "its process ended before it published; every table reads as before"


def recover(lake: Lake, pipeline: str) -> None:
    """Finish or undo what a killed update of a pipeline left; the caller holds its lock.

    Raises:
        LakeletError: it could be neither; the journal stays, and every table reads as before.
    """

    def record(update: int) -> None:
        _settle(lake, pipeline, [update])
        keep_events(lake, pipeline)

    recover_pipeline(lake, pipeline, record)
    _settle(lake, pipeline, _running(lake, pipeline))


def _running(lake: Lake, pipeline: str) -> list[int]:
    """Updates that say they are running: under the lock none of them can be."""
    with open_store(lake.workspace) as store:
        rows = store.execute(
            "SELECT id FROM updates WHERE pipeline = ? AND state = 'running'", (pipeline,)
        ).fetchall()
    return [int(row["id"]) for row in rows]


def _settle(lake: Lake, pipeline: str, updates: Iterable[int]) -> None:
    """Note what became of updates whose processes did not live to say it."""
    running = set(_running(lake, pipeline))
    published = Publications(lake).updates(pipeline) if running else set()
    for update in running.intersection(updates):
        state, message = (
            ("published", _FINISHED) if update in published else ("interrupted", _INTERRUPTED)
        )
        told = events_of(lake.workspace, update)
        log = Log(lake.workspace, pipeline, update)
        log.tell("update", f"update {update} is {state}: {message}")
        log.end(state, message, told[-1].time.timestamp() if told else None)
