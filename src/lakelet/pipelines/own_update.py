"""A change of one pipeline's table by hand: refused, or made as an update of its own.

What belongs to the pipeline's queries (loads, INSERT, MERGE, ALTER, …) is refused with what to do
instead. DELETE, UPDATE and decisions about rescued and rejected rows of a streaming table,
comments, tags and upkeep are commits like any other, published as soon as they are made.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from lakelet.errors import LockedError, OwnedTableError, StorageError, UnsupportedTableError
from lakelet.lake import Lake, LakeTable, TableName
from lakelet.lake.publications import RELEASED, Publications, pipeline_of
from lakelet.pipelines.definitions.cdc_rules import is_made_by_changes
from lakelet.pipelines.definitions.folder import PIPELINES_FOLDER, pipeline_names
from lakelet.pipelines.events import Log, new_update
from lakelet.pipelines.foreign import refuse_foreign_commits
from lakelet.pipelines.publishing.journal import (
    Journal,
    clear_journal,
    journals,
    read_journal,
    write_journal,
)
from lakelet.pipelines.publishing.publish import publish_direct
from lakelet.pipelines.recovering import recover
from lakelet.pipelines.updating_workspace import refuse_other_workspace
from lakelet.workspace.locks import try_hold

__all__ = ("changing", "pipeline_lock")

_ALWAYS = frozenset({"COMMENT ON", "SET TAGS", "UNSET TAGS", "OPTIMIZE", "VACUUM", "maintenance"})
_BY_HAND = frozenset({"DELETE", "UPDATE"})
_STREAMING = _BY_HAND | {"a decision about rescued fields", "a retry"}
_INSTEAD = {
    "DROP TABLE": "remove the dataset from the pipeline's files, then `lakelet update {pipeline} "
    "--drop-abandoned`.",
    "RESTORE": "`lakelet sql --at …` reads the past; an update brings the table back to its query.",
    "a load": "put the files where the pipeline reads them, then `lakelet update {pipeline}`.",
}


@contextmanager
def changing(lake: Lake, name: TableName, what: str) -> Iterator[None]:
    """Let the body change a table, if it may; a pipeline's table is published afterwards.

    Args:
        lake: the lake.
        name: the table; one that is not there is nobody's.
        what: what is about to happen, as in the messages: ``INSERT``, ``a load``, ….

    Raises:
        OwnedTableError: only updates of the table's pipeline do that, or Lakelet itself.
        LockedError: an update of the pipeline is running.
        PipelineError: another program has committed to the table, and nobody has decided yet
            whether that is shown; or another workspace updates the lake.
    """
    if what not in _ALWAYS:
        name.refuse_own()
    state = lake.state(name)
    table = lake.table(name) if state == "there" else None
    properties = {} if table is None else _properties(table, what)
    publications = Publications(lake)
    pipeline = publications.owner(name, properties)
    if table is None or pipeline is None:
        if state == "dropped" or pipeline_of(properties) is not None:
            _finish_dropping(lake, name)
        yield
        return
    published = publications.of(name)
    kind = published.kind if published is not None else ""
    by_changes = is_made_by_changes(publications, name)
    allowed = (
        what in _ALWAYS
        # A file's row is a change where AUTO CDC makes the rows; it cannot be one of them.
        or (kind == "streaming table" and what in (_BY_HAND if by_changes else _STREAMING))
        # What a person wants forgotten is forgotten with what AUTO CDC remembers of it.
        or (kind == "changes" and what == "DELETE")
    )
    if what == "DROP TABLE" and pipeline not in pipeline_names(lake.workspace):
        with _held(lake, pipeline, name):
            yield from _released(lake, name, pipeline)
        return
    if published is None or not allowed:
        raise _refused(lake, name, pipeline, what)
    with _held(lake, pipeline, name):
        yield from _published(lake, table, pipeline, what)


def _properties(table: LakeTable, what: str) -> dict[str, str]:
    """A table's properties; of one that cannot be read, and shall go, none."""
    try:
        return dict(table.open().metadata().configuration)
    except (StorageError, UnsupportedTableError):
        if what != "DROP TABLE":
            raise
        return {}


def _finish_dropping(lake: Lake, name: TableName) -> None:
    """Finish a killed update that has let go of a table, so that it is not dropped once more."""
    for pipeline in journals(lake):
        journal = read_journal(lake, pipeline)
        if journal is not None and str(name) in journal.released:
            with _held(lake, pipeline, name):
                recover(lake, pipeline)


def _refused(lake: Lake, name: TableName, pipeline: str, what: str) -> OwnedTableError:
    instead = _INSTEAD.get(what, "change the pipeline's files, then `lakelet update {pipeline}`.")
    if pipeline not in pipeline_names(lake.workspace):
        instead = (
            f"{PIPELINES_FOLDER}/{{pipeline}} is not there any more: bring it back, or let go of "
            f"the table by DROP TABLE {name}."
        )
    return OwnedTableError(
        f"{name} belongs to the pipeline {pipeline}, so {what} is refused; nothing was changed.",
        hint=instead.replace("{pipeline}", pipeline),
    )


@contextmanager
def pipeline_lock(lake: Lake, pipeline: str) -> Iterator[bool]:
    """Hold the lock under which a pipeline's updates follow one another, if it is free."""
    with try_hold(lake.workspace.private / "locks" / f"pipeline-{pipeline}.lock") as held:
        yield held


@contextmanager
def _held(lake: Lake, pipeline: str, name: TableName) -> Iterator[None]:
    with pipeline_lock(lake, pipeline) as held:
        if not held:
            raise LockedError(
                f"an update of {pipeline}, to which {name} belongs, is running; nothing was "
                "changed.",
                hint="try again when it is over.",
            )
        yield


def _released(lake: Lake, name: TableName, pipeline: str) -> Iterator[None]:
    """Let a pipeline that is gone let go of a table and of those beside it."""
    refuse_other_workspace(lake)
    recover(lake, pipeline)
    publications = Publications(lake)
    owned = [
        one
        for one in publications.state.values()
        if one.table in (name, name.rejected, name.changes) and one.pipeline == pipeline
    ]
    number = new_update(
        lake, pipeline, max((p.update for p in publications.state.values()), default=0)
    )
    log = Log(lake.workspace, pipeline, number)
    publications.publish(
        pipeline, number, [replace(one, update=number, version=RELEASED) for one in owned]
    )
    yield
    for one in owned:
        if one.table != name and lake.exists(one.table):
            lake.drop(one.table)
    log.tell("update", "DROP TABLE is published", name)
    log.end("published", "DROP TABLE")


def _published(lake: Lake, table: LakeTable, pipeline: str, what: str) -> Iterator[None]:
    refuse_other_workspace(lake)
    recover(lake, pipeline)
    publications = Publications(lake)
    published = publications.of(table.name)
    assert published is not None
    # The table's newest version is what gets published: it has to be ours.
    refuse_foreign_commits(lake, published, what)
    most = max(one.update for one in publications.state.values())
    number = new_update(lake, pipeline, most)
    log = Log(lake.workspace, pipeline, number)
    before = {str(table.name): published.version}
    journal = Journal(pipeline, number, (), before, {}, direct=True)
    write_journal(lake, journal)
    try:
        yield
    except BaseException:
        publish_direct(lake, journal)
        clear_journal(lake, pipeline)
        log.end("failed", what)
        raise
    publish_direct(lake, journal)
    log.tell("update", f"{what} is published", table.name)
    log.end("published", what)
    clear_journal(lake, pipeline)
