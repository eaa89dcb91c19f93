"""Staging the datasets of an update: independent ones side by side, transient failures again.

A permanent failure stops what depends on it; the others still finish, so that the next update can
take over their results. Nothing is published unless all succeeded.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import astuple, dataclass, field
from typing import Any

from lakelet.errors import ConflictError, LakeletError, UnreachableError
from lakelet.interrupts import interrupt_queries
from lakelet.lake import TableName
from lakelet.pipelines.datasets.check import ExpectationFailedError
from lakelet.pipelines.datasets.materialized import stage_materialized
from lakelet.pipelines.datasets.staging import Outcome
from lakelet.pipelines.datasets.streaming import StreamOutcome, stage_streaming
from lakelet.pipelines.definitions.dataset import Dataset
from lakelet.pipelines.events import Log
from lakelet.pipelines.lineage import edges_of
from lakelet.pipelines.planning.decision import Decision
from lakelet.pipelines.planning.fingerprints import fingerprint_of
from lakelet.pipelines.planning.graph import Graph, reached
from lakelet.pipelines.planning.world import World
from lakelet.pipelines.python.process import stop_children
from lakelet.pipelines.reports import DatasetReport
from lakelet.pipelines.resuming import Kept, digest_of, keep_result, kept_result
from lakelet.workspace.quantities import counted
from lakelet.workspace.resources import claim

__all__ = ("Runner",)

_TRIES = 3
_PAUSE = 0.2
_MOST_AT_ONCE = 4
_STACK = 64 << 20
"""DuckDB needs more than a thread's usual stack."""


@dataclass
class Runner:
    """Stages the datasets of one update.

    Attributes:
        world: what the update sees; staged results are put there.
        graph: the datasets and what they read.
        update: the update's number.
        log: told of everything.
        done: by dataset, what was staged.
        failed: by dataset, why not.
    """

    world: World
    graph: Graph
    update: int
    log: Log
    done: dict[TableName, Kept] = field(default_factory=dict)
    failed: dict[TableName, LakeletError] = field(default_factory=dict)
    _started: set[TableName] = field(default_factory=set)
    _digests: dict[TableName, str] = field(default_factory=dict)

    def run(self, decisions: Sequence[Decision], reports: Sequence[DatasetReport]) -> None:
        """Stage every dataset that is decided to run.

        Raises:
            LakeletError: the first failure, once everything that could finish has.
        """
        by_name = {report.dataset: report for report in reports}
        waiting = [decision for decision in decisions if decision.runs]
        self.at_once = max(1, min(_MOST_AT_ONCE, claim(self.world.lake.workspace).threads))
        running: dict[Future[Kept], Decision] = {}
        before = threading.stack_size(_STACK)
        try:
            with ThreadPoolExecutor(self.at_once, thread_name_prefix="lakelet-dataset") as pool:
                try:
                    while waiting or running:
                        for decision in self._ready(waiting):
                            waiting.remove(decision)
                            report = by_name[decision.dataset.name]
                            if self._blocked(decision, report):
                                continue
                            running[pool.submit(self._stage, decision, report)] = decision
                        if running:
                            over, _ = wait(running, return_when=FIRST_COMPLETED)
                            for future in over:
                                self._take(future, running.pop(future), by_name)
                except KeyboardInterrupt:
                    # The pool waits for its threads, and a function may never end by itself.
                    pool.shutdown(wait=False, cancel_futures=True)
                    stop_children()
                    interrupt_queries()
                    raise
        finally:
            threading.stack_size(before)
        if self.failed:
            raise next(iter(self.failed.values()))

    def _ready(self, waiting: Sequence[Decision]) -> list[Decision]:
        """Those whose inputs are staged, failed or untouched."""
        pending = {decision.dataset.name for decision in waiting}
        busy = pending | (self._started - set(self.done) - set(self.failed))
        return [d for d in waiting if not busy & set(self._inputs(d.dataset))]

    def _inputs(self, dataset: Dataset) -> list[TableName]:
        return reached(self.graph, self.world.pipeline, dataset)

    def _blocked(self, decision: Decision, report: DatasetReport) -> bool:
        name = decision.dataset.name
        cause = next((n for n in self._inputs(decision.dataset) if n in self.failed), None)
        self._started.add(name)
        if cause is None:
            return False
        report.state, report.message = "blocked", f"{cause} failed"
        self.failed[name] = self.failed[cause]
        self.log.tell("blocked", report.message, name)
        return True

    def _take(
        self, future: Future[Kept], decision: Decision, by_name: dict[TableName, DatasetReport]
    ) -> None:
        name = decision.dataset.name
        report = by_name[name]
        try:
            kept = future.result()
        except LakeletError as error:
            report.state, report.message = "failed", error.message
            self.failed[name] = error
            counts = {}
            if isinstance(error, ExpectationFailedError):
                found = error.found
                counts = {"expectations": _counted(decision.dataset, found.rows, found.broken)}
            self.log.tell("failed", str(error), name, **counts)
            return
        self.done[name] = kept
        for result in kept.results:
            self.world.results[result.table] = result

    def _stage(self, decision: Decision, report: DatasetReport) -> Kept:
        dataset, began = decision.dataset, time.monotonic()
        self.log.tell("started", decision.reason, dataset.name)
        world = self.world
        definition = fingerprint_of(world.lake.workspace, world.pipeline, self.graph, dataset)
        digest = digest_of(world, self.graph, decision, definition, self._digests)
        self._digests[dataset.name] = digest
        kept = kept_result(world, self.graph, dataset, digest)
        if kept is not None:
            self.log.tell("resumed", "staged by the update before", dataset.name)
        else:
            kept = self._again(lambda: self._compute(decision, definition), dataset)
            keep_result(world.lake, world.pipeline.name, dataset.name, digest, kept)
        report.seconds = time.monotonic() - began
        self._told(dataset, kept, report)
        if not {"first", "diff", "forced"}.isdisjoint(decision.details):
            edges = [astuple(edge) for edge in edges_of(world, self.graph, dataset)]
            self.log.tell("lineage", counted(len(edges), "edge"), dataset.name, edges=edges)
        return kept

    def _again(self, compute: Any, dataset: Dataset) -> Kept:
        """Compute; once more where the failure was a passing one."""
        for attempt in range(1, _TRIES + 1):
            try:
                return compute()  # type: ignore[no-any-return]
            except (ConflictError, UnreachableError) as error:
                if attempt == _TRIES:
                    raise
                self.log.tell("retried", error.message, dataset.name, attempt=attempt)
                time.sleep(_PAUSE * 2**attempt)
        raise AssertionError

    def _compute(self, decision: Decision, definition: str) -> Kept:
        dataset, world = decision.dataset, self.world
        most = claim(world.lake.workspace).memory // self.at_once
        entries: dict[int, Any] = {}
        outcome: Outcome
        how = decision.how
        if dataset.kind == "streaming table":
            anew = decision.how == "full" and world.published(dataset.name) is not None
            results, stream = stage_streaming(
                world, self.graph, dataset, definition, self.update, most, anew=anew
            )
            entries, outcome = stream.entries, stream
            assert isinstance(stream, StreamOutcome)
        else:
            staging = stage_materialized(
                world, self.graph, dataset, definition, self.update, most,
                incremental=decision.how == "incremental",
            )  # fmt: skip
            results, outcome, how = staging.results, staging.outcome, staging.how
            if staging.why:
                self.log.tell(
                    "choice", staging.why, dataset.name, how=how,
                    moved=staging.moved, total=staging.total,
                )  # fmt: skip
        checked = outcome.checked
        counts = {
            "rows": checked.rows, "kept": checked.kept, "dropped": checked.dropped,
            "rejected": sum(e.rejected for many in entries.values() for e in many),
            "broken": dict(checked.broken), "how": how,
        }  # fmt: skip
        return Kept(tuple(results), counts, entries)

    def _told(self, dataset: Dataset, kept: Kept, report: DatasetReport) -> None:
        counts = kept.counts
        report.rows, report.kept, report.dropped = (
            counts["rows"], counts["kept"], counts["dropped"],
        )  # fmt: skip
        report.rejected, report.broken = counts["rejected"], dict(counts["broken"])
        report.state, report.how = "staged", counts["how"]
        self.log.tell(
            "finished",
            counted(report.kept, "row"),
            dataset.name,
            rows=report.rows,
            kept=report.kept,
            dropped=report.dropped,
            rejected=report.rejected,
            how=report.how,
            seconds=round(report.seconds, 3),
            expectations=_counted(dataset, report.rows, report.broken),
        )


def _counted(dataset: Dataset, rows: int, broken: Mapping[str, int]) -> list[dict[str, Any]]:
    """The counts of a dataset's expectations, as `system.expectations` keeps them."""
    return [
        {
            "expectation": one.name, "condition": one.condition, "action": one.action,
            "kept": rows - broken.get(one.name, 0), "broken": broken.get(one.name, 0),
        }
        for one in dataset.expectations
    ]  # fmt: skip
