"""What a killed update left behind, settled by whoever holds the pipeline's lock next.

The journal says what is to be finished or undone in the lake; the metadata store then says what
became of each update that never told of its end itself.
"""

from __future__ import annotations

from collections.abc import Collection

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
        # Stopped or failed amid its commits, it said so itself; the journal knows better.
        _settle(lake, pipeline, {update} & _known(lake, pipeline, but="published"))
        keep_events(lake, pipeline)

    recover_pipeline(lake, pipeline, record)
    # Under the lock none of them can be running.
    _settle(lake, pipeline, _known(lake, pipeline, only="running"))


def _known(lake: Lake, pipeline: str, *, only: str = "", but: str = "") -> set[int]:
    """A pipeline's updates that the store knows, by the state they say they are in."""
    with open_store(lake.workspace) as store:
        rows = store.execute(
            "SELECT id FROM updates WHERE pipeline = ?1 AND (?2 = '' OR state = ?2) "
            "AND (?3 = '' OR state <> ?3)",
            (pipeline, only, but),
        ).fetchall()
    return {int(row["id"]) for row in rows}


def _settle(lake: Lake, pipeline: str, updates: Collection[int]) -> None:
    """Note what became of updates whose processes did not live to say it."""
    published = Publications(lake).updates(pipeline) if updates else set()
    for update in sorted(updates):
        state, message = (
            ("published", _FINISHED) if update in published else ("interrupted", _INTERRUPTED)
        )
        told = events_of(lake.workspace, update)
        log = Log(lake.workspace, pipeline, update)
        log.tell("update", f"update {update} is {state}: {message}")
        log.end(state, message, told[-1].time.timestamp() if told else None)
