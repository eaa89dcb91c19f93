"""Versions of a pipeline's table that another program committed: never shown by accident."""

from __future__ import annotations

from dataclasses import replace

from lakelet.errors import PipelineError
from lakelet.lake import Lake, TableName
from lakelet.lake.history import Commit
from lakelet.lake.publications import Publications, Published
from lakelet.pipelines.events import Log, new_update
from lakelet.pipelines.publishing.commit import put_back_table
from lakelet.pipelines.publishing.undone import undone_by

__all__ = (
    "all_foreign_commits",
    "foreign_commits",
    "refuse_foreign_commits",
    "settle_foreign_commits",
)


def foreign_commits(lake: Lake, name: TableName, published: int) -> list[Commit]:
    """Commits behind the published version that nobody here made, and nobody has undone since."""
    table = lake.table(name)
    newest = table.newest_version()
    if newest <= published:
        return []
    behind = [c for c in table.history(limit=newest - published) if c.version > published]
    undone: set[int] = set()
    for commit in behind:
        info = {"lakelet.operation": commit.operation, "operationParameters": commit.parameters}
        undone.update(undone_by(info, commit.version, published))
    return [
        commit
        for commit in behind
        if "lakelet.update" not in commit.parameters and commit.version not in undone
    ]


def all_foreign_commits(lake: Lake) -> list[tuple[TableName, str, Commit]]:
    """Every such commit in the lake, with its table and the pipeline this belongs to."""
    return [
        (one.table, one.pipeline, commit)
        for one in Publications(lake).state.values()
        if one.version >= 0 and lake.exists(one.table)
        for commit in foreign_commits(lake, one.table, one.version)
    ]


def refuse_foreign_commits(lake: Lake, published: Published, what: str) -> None:
    """Stop before a table whose newest version another program committed.

    Args:
        lake: the lake.
        published: what people see of the table.
        what: what does nothing because of it, as in the message: ``the update``, ``DELETE``, ….

    Raises:
        PipelineError: there is such a version; names the ways on.
    """
    found = foreign_commits(lake, published.table, published.version)
    if found:
        commit, pipeline = found[-1], published.pipeline
        raise PipelineError(
            f"another program committed version {commit.version} ({commit.operation}) to "
            f"{published.table}, a table of the pipeline {pipeline}; it is not shown, and {what} "
            "did nothing.",
            hint=f"`lakelet update {pipeline} --adopt` shows it, `--discard` puts the table back.",
        )


def settle_foreign_commits(
    lake: Lake, pipeline: str, how: str
) -> tuple[Publications, list[TableName]]:
    """Stop before what another program committed to a pipeline's tables, show it, or undo it.

    Args:
        lake: the lake.
        pipeline: the pipeline, whose lock is held by the caller.
        how: ``stop``, ``adopt`` or ``discard``.

    Returns:
        What is published afterwards, and the tables of which something was shown or undone.

    Raises:
        PipelineError: there is such a commit and ``how`` is ``stop``; names the ways on.
    """
    publications = Publications(lake)
    adopted: list[Published] = []
    settled: list[TableName] = []
    for one in publications.state.values():
        if one.pipeline != pipeline or one.version < 0 or not lake.exists(one.table):
            continue
        if how == "stop":
            refuse_foreign_commits(lake, one, "the update")
            continue
        if not foreign_commits(lake, one.table, one.version):
            continue
        settled.append(one.table)
        if how == "adopt":
            adopted.append(replace(one, version=int(lake.table(one.table).open().version())))
        else:
            table = lake.table(one.table)
            with table.lock():
                put_back_table(table, one.version, "foreign commits")
    if adopted:
        most = max(one.update for one in publications.state.values())
        update = new_update(lake, pipeline, most)
        publications.publish(pipeline, update, [replace(one, update=update) for one in adopted])
        Log(lake.workspace, pipeline, update).end("published", "adopted foreign commits")
    return publications, settled
