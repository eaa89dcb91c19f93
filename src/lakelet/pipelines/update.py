"""One update of a pipeline: recover, decide, stage, publish; and an account of all of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakelet.errors import LakeletError, LockedError, OwnedTableError, PipelineError
from lakelet.lake import Lake, TableName
from lakelet.lake.publications import PIPELINE, Publications
from lakelet.loading.connection import loading_connection
from lakelet.loading.ledger import Entry, Ledger
from lakelet.pipelines.datasets.file_flow import published_batch
from lakelet.pipelines.datasets.materialized import stage_materialized
from lakelet.pipelines.datasets.staging import Outcome
from lakelet.pipelines.datasets.streaming import StreamOutcome, stage_streaming
from lakelet.pipelines.definitions.dataset import Dataset, Pipeline
from lakelet.pipelines.definitions.folder import read_pipeline
from lakelet.pipelines.events import Event, Log, keep_events, new_update
from lakelet.pipelines.foreign import settle_foreign_commits
from lakelet.pipelines.own_update import pipeline_lock
from lakelet.pipelines.planning.checking import check_pipeline
from lakelet.pipelines.planning.deciding import decide_all
from lakelet.pipelines.planning.decision import Decision
from lakelet.pipelines.planning.fingerprints import fingerprint_of
from lakelet.pipelines.planning.graph import Graph, build_graph
from lakelet.pipelines.planning.world import World
from lakelet.pipelines.publishing.publish import publish_update, recover_pipeline
from lakelet.pipelines.publishing.result import Result
from lakelet.workspace.resources import claim

__all__ = ("DatasetReport", "Plan", "UpdateReport", "UpdateRequest", "plan_pipeline", "run_update")


@dataclass(frozen=True)
class UpdateRequest:
    """What an update is to do.

    Attributes:
        only: the datasets that may run, by name; all where empty.
        refresh: the datasets to make anew, by name; all where it holds ``*``.
        even_if_lost: whether a full refresh may lose what cannot be read again.
        drop_abandoned: whether tables the pipeline does not declare any more are dropped.
        foreign: what becomes of versions that another program committed to its tables: ``stop``
            (the update does nothing), ``adopt`` (they are shown) or ``discard`` (they are undone).
        listen: told of every event.
    """

    only: tuple[str, ...] = ()
    refresh: tuple[str, ...] = ()
    even_if_lost: bool = False
    drop_abandoned: bool = False
    foreign: str = "stop"
    listen: Callable[[Event], None] = lambda _event: None


@dataclass
class DatasetReport:
    """What became of a dataset in an update.

    Attributes:
        dataset: its name.
        how: see `Decision`.
        reason: why.
        rows: rows its query gave.
        kept: rows in the table of them.
        dropped: rows that expectations put among the rejected ones.
        rejected: rows of files that were no records.
        broken: by expectation, rows that broke it.
        seconds: how long it took.
        state: ``skipped``, ``view``, ``staged``, ``published``, ``failed`` or ``blocked``.
        message: what went wrong, or ''.
    """

    dataset: TableName
    how: str
    reason: str
    rows: int = 0
    kept: int = 0
    dropped: int = 0
    rejected: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    state: str = "skipped"
    message: str = ""


@dataclass
class UpdateReport:
    """The result of an update.

    Attributes:
        pipeline: its name.
        update: its number; None where there was nothing to do.
        datasets: in the order they ran.
        abandoned: tables of the pipeline that it does not declare any more.
        published: whether anything was.
    """

    pipeline: str
    update: int | None = None
    datasets: list[DatasetReport] = field(default_factory=list)
    abandoned: list[TableName] = field(default_factory=list)
    published: bool = False


@dataclass(frozen=True)
class Plan:
    """What an update would do.

    Attributes:
        decisions: one for each dataset, in order.
        abandoned: tables of the pipeline that it does not declare any more.
    """

    decisions: Sequence[Decision]
    abandoned: Sequence[TableName]


def plan_pipeline(lake: Lake, name: str, request: UpdateRequest | None = None) -> Plan:
    """What an update would do, without doing it.

    Raises:
        SqlError, PipelineError: what is wrong, with file and line.
    """
    request = request or UpdateRequest()
    pipeline = read_pipeline(lake.workspace, name)
    graph = build_graph(pipeline, lake)
    world = World(lake, pipeline, Publications(lake))
    _refuse_others(world)
    check_pipeline(world, graph)
    decisions = decide_all(world, graph, **_chosen(pipeline, request))
    return Plan(decisions, _abandoned(world))


def run_update(lake: Lake, name: str, request: UpdateRequest | None = None) -> UpdateReport:
    """Bring a pipeline's tables up to date and publish them together.

    Raises:
        LockedError: another update of the pipeline is running.
        LakeletError: the update failed; nothing was published, every table reads as before.
    """
    request = request or UpdateRequest()
    pipeline = read_pipeline(lake.workspace, name)
    with pipeline_lock(lake, name) as held:
        if not held:
            raise LockedError(
                f"another update of {name} is running; this one did nothing.",
                hint=f"`lakelet updates {name}` shows it.",
            )
        return _Update(lake, pipeline, request).run()


def _chosen(pipeline: Pipeline, request: UpdateRequest) -> dict[str, Any]:
    only = {_named(pipeline, one) for one in request.only} or None
    refresh = {_named(pipeline, one) for one in request.refresh if one != "*"}
    if "*" in request.refresh:
        refresh = {d.name for d in pipeline.datasets.values() if d.stored}
    return {"only": only, "refresh": refresh}


def _named(pipeline: Pipeline, text: str) -> TableName:
    from lakelet.errors import nearest

    found = pipeline.find(text.lower().split("."))
    if found is None:
        close = nearest(text, [d.name.table for d in pipeline.datasets.values()])
        raise PipelineError(
            f"{pipeline.name} has no dataset {text}.",
            hint=f"did you mean {close}?" if close else f"`lakelet plan {pipeline.name}` lists.",
        )
    return found.name


def _refuse_others(world: World) -> None:
    """Refuse to take over a table that something else made.

    Raises:
        OwnedTableError: with its name, and whose it is.
    """
    for dataset in world.pipeline.datasets.values():
        if not dataset.stored or not world.lake.exists(dataset.name):
            continue
        properties = world.lake.table(dataset.name).open().metadata().configuration
        owner = properties.get(PIPELINE)
        if owner == world.pipeline.name:
            continue
        whose = "something else" if owner is None else f"the pipeline {owner}"
        raise OwnedTableError(
            f"{dataset.place}: the table {dataset.name} was made by {whose}; it is not taken over.",
            hint=f"give the dataset another name, or DROP TABLE {dataset.name} first.",
        )


def _abandoned(world: World) -> list[TableName]:
    """Published tables of the pipeline that it does not declare any more."""
    declared = {d.name for d in world.pipeline.datasets.values() if d.stored}
    declared |= {name.rejected for name in declared}
    return sorted(
        (
            one.table
            for one in world.publications.state.values()
            if one.pipeline == world.pipeline.name
            and one.version >= 0
            and one.table not in declared
            and world.lake.exists(one.table)
        ),
        key=str,
    )


class _Update:
    def __init__(self, lake: Lake, pipeline: Pipeline, request: UpdateRequest) -> None:
        self.lake = lake
        self.pipeline = pipeline
        self.request = request
        self.report = UpdateReport(pipeline.name)
        self.results: list[Result] = []
        self.entries: list[tuple[TableName, int, tuple[Entry, ...]]] = []

    def run(self) -> UpdateReport:
        name = self.pipeline.name
        recover_pipeline(self.lake, name, lambda _update: keep_events(self.lake, name))
        graph = build_graph(self.pipeline, self.lake)
        settle_foreign_commits(self.lake, name, self.request.foreign)
        self.world = World(self.lake, self.pipeline, Publications(self.lake))
        _refuse_others(self.world)
        decisions = decide_all(self.world, graph, **_chosen(self.pipeline, self.request))
        if any(d.runs and not {"first", "diff"}.isdisjoint(d.details) for d in decisions):
            # What is wrong is found before anything is begun.
            check_pipeline(self.world, graph)
        self.report.abandoned = _abandoned(self.world)
        self.report.datasets = [
            DatasetReport(
                d.dataset.name, d.how, d.reason, state="view" if d.how == "view" else "skipped"
            )
            for d in decisions
        ]
        releasing = self.request.drop_abandoned and self.report.abandoned
        if not any(decision.runs for decision in decisions) and not releasing:
            return self.report
        most = max((p.update for p in self.world.publications.state.values()), default=0)
        self.report.update = new_update(self.lake, name, most)
        self.log = Log(self.lake.workspace, name, self.report.update, self.request.listen)
        self.log.tell("update", f"update {self.report.update} of {name} began")
        try:
            self._stage_all(graph, decisions)
            self._publish()
        except BaseException as error:
            self._failed(error)
            raise
        return self.report

    def _stage_all(self, graph: Graph, decisions: Sequence[Decision]) -> None:
        self._forget_unpublished()
        failed: dict[TableName, LakeletError] = {}
        for decision, report in zip(decisions, self.report.datasets, strict=True):
            dataset = decision.dataset
            self.log.tell(
                "decision", decision.reason, dataset.name, how=decision.how, **decision.details
            )
            if not decision.runs:
                continue
            if any(name in failed for name in _reached(graph, self.pipeline, dataset)):
                report.state = "blocked"
                failed[dataset.name] = PipelineError("an input failed")
                self.log.tell("blocked", "an input failed", dataset.name)
                continue
            try:
                self._stage_one(graph, decision, report)
            except LakeletError as error:
                report.state, report.message = "failed", error.message
                failed[dataset.name] = error
                self.log.tell("failed", str(error), dataset.name)
        if failed:
            raise next(iter(failed.values()))

    def _stage_one(self, graph: Graph, decision: Decision, report: DatasetReport) -> None:
        dataset, began = decision.dataset, time.monotonic()
        assert self.report.update is not None
        self.log.tell("started", decision.reason, dataset.name)
        definition = fingerprint_of(self.lake.workspace, self.pipeline, graph, dataset)
        most = claim(self.lake.workspace).memory
        outcome: Outcome
        if dataset.kind == "streaming table":
            results, outcome = stage_streaming(
                self.world, graph, dataset, definition, self.report.update, most,
                anew=decision.how == "full" and self.world.published(dataset.name) is not None,
            )  # fmt: skip
            assert isinstance(outcome, StreamOutcome)
            for number, entries in outcome.entries.items():
                self.entries.append((dataset.name, number, entries))
                report.rejected += sum(entry.rejected for entry in entries)
        else:
            results, outcome = stage_materialized(
                self.world, graph, dataset, definition, self.report.update, most
            )
        for result in results:
            self.world.results[result.table] = result
            self.results.append(result)
        checked = outcome.checked
        report.rows, report.kept, report.dropped = checked.rows, checked.kept, checked.dropped
        report.broken, report.state = dict(checked.broken), "staged"
        report.seconds = time.monotonic() - began
        self.log.tell(
            "finished", f"{checked.kept} rows", dataset.name,
            rows=checked.rows, kept=checked.kept, dropped=checked.dropped,
            rejected=report.rejected, seconds=round(report.seconds, 3),
            expectations=[
                {
                    "expectation": one.name, "condition": one.condition, "action": one.action,
                    "kept": checked.rows - checked.broken.get(one.name, 0),
                    "broken": checked.broken.get(one.name, 0),
                }
                for one in dataset.expectations
            ],
        )  # fmt: skip

    def _forget_unpublished(self) -> None:
        """Remove entries of batches that an update wrote and never published."""
        connection = loading_connection(self.lake.workspace)
        try:
            ledger = Ledger(self.lake, connection)
            for dataset in self.pipeline.datasets.values():
                if dataset.kind != "streaming table":
                    continue
                last = published_batch(self.world, dataset.name)
                if ledger.last_batch(dataset.name) > last:
                    ledger.discard(dataset.name, last)
        finally:
            connection.close()

    def _publish(self) -> None:
        assert self.report.update is not None
        connection = loading_connection(self.lake.workspace)
        try:
            ledger = Ledger(self.lake, connection)
            for table, number, entries in self.entries:
                ledger.append(table, number, entries)
        finally:
            connection.close()
        released = {}
        if self.request.drop_abandoned:
            released = {str(name): "" for name in self.report.abandoned}
        count = sum(result.kind != "rejected rows" for result in self.results)
        self.log.tell("publishing", f"{count} tables")

        def record() -> None:
            self.log.tell("update", f"update {self.report.update} is published")
            self.log.end("published", f"{count} tables")
            keep_events(self.lake, self.pipeline.name)

        publish_update(
            self.lake, self.pipeline.name, self.report.update, self.results,
            released=released, record=record,
        )  # fmt: skip
        for name in released:
            self.lake.drop(TableName.parse(name))
        self.report.published = True
        for report in self.report.datasets:
            report.state = "published" if report.state == "staged" else report.state

    def _failed(self, error: BaseException) -> None:
        said = error.message if isinstance(error, LakeletError) else type(error).__name__
        self.log.tell("update", f"update {self.report.update} failed: {said}")
        self.log.end("failed", said)
        if isinstance(error, LakeletError):
            try:
                keep_events(self.lake, self.pipeline.name)
            except LakeletError:
                # What went wrong first is what counts; the events wait for the next update.
                return


def _reached(graph: Graph, pipeline: Pipeline, dataset: Dataset) -> list[TableName]:
    found = []
    for name in graph.inputs(dataset):
        found.append(name)
        view = pipeline.datasets.get(name)
        if view is not None and not view.stored:
            found += _reached(graph, pipeline, view)
    return found
