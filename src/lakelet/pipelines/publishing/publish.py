"""Publishing an update: journal, a commit to each table, one publication; and its recovery.

Stage, then commit, then publish (``docs/how-publishing-works.md``). Until the publication nobody
who reads through Lakelet sees anything of the update; with it they see all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

from lakelet.errors import LakeletError
from lakelet.lake import Lake
from lakelet.lake.names import TableName
from lakelet.lake.publications import RELEASED, Publications, Published
from lakelet.lake.table import columns_of
from lakelet.pipelines.publishing.commit import commit_result, put_back
from lakelet.pipelines.publishing.decided import with_decisions
from lakelet.pipelines.publishing.journal import (
    Journal,
    clear_journal,
    read_journal,
    write_journal,
)
from lakelet.pipelines.publishing.result import Result

__all__ = ("publish_direct", "publish_update", "recover_pipeline")


def publish_update(
    lake: Lake,
    pipeline: str,
    update: int,
    results: Sequence[Result],
    *,
    released: Mapping[str, str] | None = None,
    publications: Publications | None = None,
    record: Callable[[], None] = lambda: None,
) -> None:
    """Commit all results and make them visible together, or none of them.

    Args:
        lake: the lake.
        pipeline: whose update it is; its lock is held by the caller.
        update: the update's number.
        results: what was staged, inputs before what reads them.
        released: tables the pipeline lets go of, with their ids.
        publications: what is published, where the caller has read it under the lock.
        record: writes the events of the update; called once everything is visible, before the
            tables let go of are dropped.

    Raises:
        LakeletError: a table could not be committed to; every table reads as before.
    """
    publications = publications or Publications(lake)
    before: dict[str, int | None] = {}
    for result in results:
        published = publications.of(result.table)
        before[str(result.table)] = None if published is None else published.version
    journal = Journal(pipeline, update, results, before, dict(released or {}))
    with _locks(lake, journal):
        write_journal(lake, journal)
        _go_on(lake, journal, record)


def recover_pipeline(
    lake: Lake, pipeline: str, record: Callable[[int], None] = lambda _update: None
) -> int | None:
    """Finish or undo the update of a pipeline that a crash left between commit and publication.

    Args:
        lake: the lake.
        pipeline: the pipeline, whose lock is held by the caller.
        record: writes the events of the update that is finished.

    Returns:
        The update that was finished or undone, None where there was none.

    Raises:
        LakeletError: it could be neither; the journal stays, and every table reads as before.
    """
    journal = read_journal(lake, pipeline)
    if journal is None:
        return None
    if journal.direct:
        publish_direct(lake, journal)
        clear_journal(lake, pipeline)
        return journal.update
    with _locks(lake, journal):
        _go_on(lake, journal, lambda: record(journal.update))
    return journal.update


def publish_direct(lake: Lake, journal: Journal) -> None:
    """Publish what was committed to tables by other means, as an update of its own."""
    publications = Publications(lake)
    moved = []
    for name, before in journal.before.items():
        table = TableName.parse(name)
        published = publications.of(table)
        now = lake.table(table).open()
        newest = int(now.version())
        if published is not None and newest != before:
            known = columns_of(lake.table(table).open(before))
            inputs = with_decisions(published.inputs, known, columns_of(now))
            moved.append(replace(published, update=journal.update, version=newest, inputs=inputs))
    if moved:
        publications.publish(journal.pipeline, journal.update, moved)


def _locks(lake: Lake, journal: Journal) -> ExitStack:
    """The write locks of all its tables, always in the same order."""
    stack = ExitStack()
    try:
        for name in sorted({str(result.table) for result in journal.results}):
            stack.enter_context(lake.place(TableName.parse(name)).lock())
    except BaseException:
        stack.close()
        raise
    return stack


def _go_on(lake: Lake, journal: Journal, record: Callable[[], None]) -> None:
    publications = Publications(lake)
    if not publications.has(journal.pipeline, journal.update):
        try:
            committed = _commit_all(lake, journal)
        except LakeletError:
            _undo(lake, journal)
            raise
        publications.publish(journal.pipeline, journal.update, committed)
    record()
    _drop_released(lake, journal)
    clear_journal(lake, journal.pipeline)


def _drop_released(lake: Lake, journal: Journal) -> None:
    """Drop the tables that the pipeline has let go of, unless another stands there by now."""
    for name, table_id in journal.released.items():
        table = TableName.parse(name)
        if lake.exists(table) and str(lake.table(table).open().metadata().id) == table_id:
            lake.drop(table)


def _commit_all(lake: Lake, journal: Journal) -> list[Published]:
    versions: dict[str, tuple[str, int]] = {}
    committed: list[Published] = []
    for result in journal.results:
        made = commit_result(lake, journal.pipeline, journal.update, result)
        versions[str(result.table)] = made
        inputs = _resolved(result.inputs, versions)
        committed.append(_published(journal, result, made, inputs))
    for name, table_id in journal.released.items():
        table = TableName.parse(name)
        committed.append(
            Published(
                journal.update, journal.pipeline, table, table_id, RELEASED, "released", "", ""
            )
        )
    return committed


def _published(
    journal: Journal, result: Result, made: tuple[str, int], inputs: Mapping[str, object]
) -> Published:
    return Published(
        journal.update, journal.pipeline, result.table, made[0], made[1], result.kind,
        result.definition, result.text, inputs,
    )  # fmt: skip


def _resolved(
    inputs: Mapping[str, object], versions: Mapping[str, tuple[str, int]]
) -> dict[str, object]:
    """Inputs with the versions that this very update has made of them."""
    found = dict(inputs)
    for name, value in inputs.items():
        if isinstance(value, dict) and value.get("update"):
            table = str(value.get("table", name))
            table_id, version = versions[table]
            rest = {key: one for key, one in value.items() if key != "update"}
            found[name] = {**rest, "id": table_id, "version": version}
    return found


def _undo(lake: Lake, journal: Journal) -> None:
    """Put every table that holds a commit of the update back, and end it."""
    for result in journal.results:
        put_back(lake, result, journal.update, journal.before[str(result.table)])
    clear_journal(lake, journal.pipeline)
