"""One update of a pipeline: recover, decide, stage, publish; and an account of all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lakelet.errors import LakeletError, LockedError, PipelineError, nearest
from lakelet.lake import Lake, TableName
from lakelet.lake.publications import Publications
from lakelet.loading.connection import loading_connection
from lakelet.loading.ledger import Ledger
from lakelet.pipelines.claims import abandoned_tables, refuse_takeover
from lakelet.pipelines.datasets.file_flow import published_batch
from lakelet.pipelines.definitions.dataset import Pipeline
from lakelet.pipelines.definitions.folder import pipeline_names, read_pipeline
from lakelet.pipelines.events import Log, keep_events, new_update, updates
from lakelet.pipelines.foreign import settle_foreign_commits
from lakelet.pipelines.losses import refuse_losses
from lakelet.pipelines.own_update import pipeline_lock
from lakelet.pipelines.planning.checking import check_pipeline
from lakelet.pipelines.planning.deciding import decide_all
from lakelet.pipelines.planning.decision import Decision
from lakelet.pipelines.planning.graph import Graph, build_graph
from lakelet.pipelines.planning.stopping import update_stops
from lakelet.pipelines.planning.world import World
from lakelet.pipelines.publishing.publish import publish_update
from lakelet.pipelines.publishing.result import Result
from lakelet.pipelines.recovering import recover
from lakelet.pipelines.reports import DatasetReport, Plan, UpdateReport, UpdateRequest
from lakelet.pipelines.resuming import forget_kept, remove_leftovers
from lakelet.pipelines.runner import Runner
from lakelet.pipelines.updating_workspace import refuse_other_workspace
from lakelet.workspace.quantities import counted

__all__ = ("plan_pipeline", "run_update")

_STOPPED = "stopped; what it had not published reads as before"


def plan_pipeline(lake: Lake, name: str, request: UpdateRequest | None = None) -> Plan:
    """What an update would do, without doing it.

    Raises:
        SqlError, PipelineError: what is wrong, with file and line.
    """
    request = request or UpdateRequest()
    pipeline = _read(lake, name)
    graph = build_graph(pipeline, lake)
    world = World(lake, pipeline, Publications(lake))
    refuse_takeover(world)
    check_pipeline(world, graph)
    decisions = decide_all(world, graph, **_chosen(pipeline, request))
    stops = update_stops(
        world, graph, decisions, foreign=request.foreign, even_if_lost=request.even_if_lost
    )
    return Plan(decisions, abandoned_tables(world), stops)


def run_update(lake: Lake, name: str, request: UpdateRequest | None = None) -> UpdateReport:
    """Bring a pipeline's tables up to date and publish them together.

    Raises:
        LockedError: another update of the pipeline is running.
        LakeletError: the update failed; nothing was published, every table reads as before.
    """
    request = request or UpdateRequest()
    pipeline = _read(lake, name)
    with pipeline_lock(lake, name) as held:
        if not held:
            raise LockedError(
                f"another update of {name} is running; this one did nothing.",
                hint=f"`lakelet updates {name}` shows it.",
            )
        return _Update(lake, pipeline, request).run()


def _read(lake: Lake, name: str) -> Pipeline:
    try:
        return read_pipeline(lake.workspace, name)
    except PipelineError as error:
        if name not in pipeline_names(lake.workspace):
            state = Publications(lake).state.values()
            left = sorted(str(p.table) for p in state if p.pipeline == name and p.version >= 0)
            if left := [table for table in left if lake.exists(TableName.parse(table))]:
                error.hint = (
                    f"its tables are still there: {', '.join(left)}. DROP TABLE drops each, "
                    "recoverably, or bring the folder back."
                )
        raise


def _chosen(pipeline: Pipeline, request: UpdateRequest) -> dict[str, Any]:
    only = {_named(pipeline, one) for one in request.only} or None
    refresh = {_named(pipeline, one) for one in request.refresh if one != "*"}
    if "*" in request.refresh:
        refresh = {d.name for d in pipeline.datasets.values() if d.stored}
    return {"only": only, "refresh": refresh}


def _named(pipeline: Pipeline, text: str) -> TableName:
    found = pipeline.find(text.lower().split("."))
    if found is None:
        close = nearest(text, [d.name.table for d in pipeline.datasets.values()])
        raise PipelineError(
            f"{pipeline.name} has no dataset {text}.",
            hint=f"did you mean {close}?" if close else f"`lakelet plan {pipeline.name}` lists.",
        )
    return found.name


class _Update:
    def __init__(self, lake: Lake, pipeline: Pipeline, request: UpdateRequest) -> None:
        self.lake = lake
        self.pipeline = pipeline
        self.request = request
        self.report = UpdateReport(pipeline.name)

    def run(self) -> UpdateReport:
        name = self.pipeline.name
        refuse_other_workspace(self.lake)
        recover(self.lake, name)
        foreign = self.request.foreign
        publications, settled = settle_foreign_commits(self.lake, name, foreign)
        self.report.adopted = settled if foreign == "adopt" else []
        self.report.discarded = settled if foreign == "discard" else []
        graph = build_graph(self.pipeline, self.lake)
        self.world = World(self.lake, self.pipeline, publications)
        refuse_takeover(self.world)
        decisions = decide_all(self.world, graph, **_chosen(self.pipeline, self.request))
        self._check(graph, decisions)
        self.report.abandoned = abandoned_tables(self.world)
        self.report.datasets = [DatasetReport.of(decision) for decision in decisions]
        releasing = self.request.drop_abandoned and self.report.abandoned
        if not any(decision.runs for decision in decisions) and not releasing:
            self._settle(decisions)
            return self.report
        known = max((p.update for p in self.world.publications.state.values()), default=0)
        self.number = self.report.update = new_update(self.lake, name, known)
        self.log = Log(self.lake.workspace, name, self.number, self.request.listen)
        self.world.tell = self.log.tell
        self.log.tell("update", f"update {self.number} of {name} began")
        try:
            runner = self._stage(graph, decisions)
            self._publish(runner)
        except BaseException as error:
            self._failed(error)
            raise
        return self.report

    def _settle(self, decisions: Sequence[Decision]) -> None:
        """Let it be known that all is well, where the last update ended otherwise."""
        name, workspace = self.pipeline.name, self.lake.workspace
        last = next(iter(updates(workspace, name)), None)
        if last is None or last["state"] not in ("failed", "interrupted"):
            return
        number = new_update(self.lake, name, last["update"])
        log = Log(workspace, name, number)
        log.tell("update", f"update {number} of {name} began")
        for one in decisions:
            log.tell("decision", one.reason, one.dataset.name, how=one.how, **one.details)
        log.tell("update", f"update {number} is published: nothing to do")
        log.end("published", "nothing to do")

    def _check(self, graph: Graph, decisions: Sequence[Decision]) -> None:
        """Find what is wrong before anything is begun."""
        if any(d.runs and not {"first", "diff"}.isdisjoint(d.details) for d in decisions):
            check_pipeline(self.world, graph)
        if not self.request.even_if_lost:
            refuse_losses(self.world, graph, decisions)

    def _stage(self, graph: Graph, decisions: Sequence[Decision]) -> Runner:
        self._forget_unpublished()
        for one in decisions:
            self.log.tell("decision", one.reason, one.dataset.name, how=one.how, **one.details)
        runner = Runner(self.world, graph, self.number, self.log)
        runner.run(decisions, self.report.datasets)
        return runner

    def _forget_unpublished(self) -> None:
        """Remove entries of batches that an update wrote and never published."""
        streaming = [d for d in self.pipeline.datasets.values() if d.kind == "streaming table"]
        if not streaming:
            return
        connection = loading_connection(self.lake.workspace)
        try:
            ledger = Ledger(self.lake, connection)
            for dataset in streaming:
                last = published_batch(self.world, dataset.name)
                if ledger.last_batch(dataset.name) > last:
                    ledger.discard(dataset.name, last)
        finally:
            connection.close()

    def _publish(self, runner: Runner) -> None:
        name = self.pipeline.name
        self._write_entries(runner)
        released = {}
        if self.request.drop_abandoned:
            state = self.world.publications.state
            released = {str(name): state[name].table_id for name in self.report.abandoned}
        results: list[Result] = []
        for report in self.report.datasets:
            if report.dataset in runner.done:
                results += runner.done[report.dataset].results
        count = sum(result.kind not in ("rejected rows", "changes") for result in results)
        said = counted(count, "table")
        self.log.tell("publishing", said)

        def record() -> None:
            self.log.tell("update", f"update {self.number} is published")
            self.log.end("published", said)
            keep_events(self.lake, name)
            forget_kept(self.lake, name)
            Publications(self.lake).compact()

        publish_update(
            self.lake, name, self.number, results, released=released,
            publications=self.world.publications, record=record,
        )  # fmt: skip
        self.report.published = True
        if self.request.drop_abandoned:
            self.report.dropped, self.report.abandoned = self.report.abandoned, []
        for report in self.report.datasets:
            report.state = "published" if report.state == "staged" else report.state
        remove_leftovers(World(self.lake, self.pipeline, Publications(self.lake)))

    def _write_entries(self, runner: Runner) -> None:
        """Write the ledger's entries; they count when the update is published."""
        if not any(kept.entries for kept in runner.done.values()):
            return
        connection = loading_connection(self.lake.workspace)
        try:
            ledger = Ledger(self.lake, connection)
            for table, kept in runner.done.items():
                for number, entries in kept.entries.items():
                    ledger.append(table, number, entries)
        finally:
            connection.close()

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, KeyboardInterrupt):
            self.log.tell("update", f"update {self.number} is interrupted: {_STOPPED}")
            self.log.end("interrupted", _STOPPED)
            return
        said = error.message if isinstance(error, LakeletError) else type(error).__name__
        self.log.tell("update", f"update {self.number} failed: {said}")
        self.log.end("failed", said)
        if isinstance(error, LakeletError):
            try:
                keep_events(self.lake, self.pipeline.name)
            except LakeletError:
                # What went wrong first is what counts; the events wait for the next update.
                return
