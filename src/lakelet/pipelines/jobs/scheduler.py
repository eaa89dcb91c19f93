"""The scheduler: one a workspace, in the foreground, each update in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lakelet.errors import LakeletError, LockedError
from lakelet.lake import Lake, TableName
from lakelet.lake.publications import Publications, seen_snapshot
from lakelet.pipelines.definitions.folder import read_pipeline
from lakelet.pipelines.jobs.book import JobState, job_states, note_job
from lakelet.pipelines.jobs.schedule import last_due
from lakelet.pipelines.planning.graph import build_graph
from lakelet.pipelines.planning.world import World
from lakelet.workspace.folder import ASKED_FROM
from lakelet.workspace.locks import try_hold
from lakelet.workspace.quantities import counted

__all__ = ("Scheduler",)

_TICK = 1.0
_ENDING = 30.0


@dataclass
class Scheduler:
    """Runs the jobs of a workspace until it is told to stop.

    Attributes:
        lake: the lake of the workspace.
        say: told what happens, a line at a time.
        stop: asked every second whether to end.
    """

    lake: Lake
    say: Callable[[str], None]
    stop: Callable[[], bool] = lambda: False
    _running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    _seen: dict[str, Any] = field(default_factory=dict)

    def run(self) -> None:
        """Run jobs as they become due.

        Raises:
            LockedError: another scheduler is at work in this workspace.
        """
        with try_hold(self.lake.workspace.private / "locks" / "jobs.lock") as held:
            if not held:
                raise LockedError("a scheduler is running in this workspace already.")
            count = len(self.lake.workspace.settings.jobs)
            self.say(f"running {counted(count, 'job')}; Ctrl-C ends")
            try:
                while not self.stop():
                    self.tick(datetime.now(UTC))
                    time.sleep(_TICK)
            finally:
                self._end()

    def tick(self, now: datetime) -> None:
        """Look once at every job."""
        self._reap()
        for job in job_states(self.lake.workspace, now):
            due = self._due(job, now)
            if due is None:
                continue
            if job.pipeline in self._running:
                self.say(
                    f"{job.pipeline}: the update before is still running; this turn is skipped"
                )
                note_job(self.lake.workspace, job.pipeline, due=due)
                continue
            note_job(self.lake.workspace, job.pipeline, due=due, started=now)
            self._start(job)

    def _due(self, job: JobState, now: datetime) -> datetime | None:
        """The time a job is due for, if it is; what was missed several times is due once."""
        if job.settings.cron:
            zone = self.lake.workspace.settings.time_zone
            due = last_due(job.settings.cron, zone, now)
            return due if due > job.due else None
        try:
            state = self._watched(job)
        except LakeletError as error:
            state = {"error": error.message}
        if self._seen.get(job.pipeline) == state or job.pipeline in self._running:
            return None
        self._seen[job.pipeline] = state
        if "error" in state:
            self.say(f"{job.pipeline}: {state['error']}")
            return None
        return now

    def _watched(self, job: JobState) -> Mapping[str, Any]:
        """What tells one state of the things a job waits for from another."""
        lake = self.lake
        if job.settings.on_table:
            table = lake.table(TableName.parse(job.settings.on_table))
            snapshot = seen_snapshot(table, Publications(lake))
            return {"version": int(snapshot.version())}
        pipeline = read_pipeline(lake.workspace, job.pipeline)
        world = World(lake, pipeline, Publications(lake))
        graph = build_graph(pipeline, lake)
        calls = [c for reads in graph.reads.values() for c in (*reads.new_files, *reads.files)]
        found = {}
        for call in calls:
            try:
                found[str(call.positional)] = world.files_state(call)
            except LakeletError:  # no files yet
                found[str(call.positional)] = {}
        return found

    def _start(self, job: JobState) -> None:
        self.say(f"{job.pipeline}: update ({job.trigger})")
        root = str(self.lake.workspace.root)
        self._running[job.pipeline] = subprocess.Popen(
            [sys.executable, "-m", "lakelet", "--workspace", root, "update", job.pipeline],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, ASKED_FROM: "job"},
        )

    def _reap(self) -> None:
        for name, process in list(self._running.items()):
            if process.poll() is None:
                continue
            self._over(name, process)

    def _over(self, name: str, process: subprocess.Popen[str]) -> None:
        del self._running[name]
        assert process.stdout is not None
        with process.stdout:
            lines = process.stdout.read().strip().splitlines()
        for line in lines:
            self.say(f"{name}: {line}")
        quiet = any("nothing to do" in line for line in lines)
        state = "failed" if process.returncode else "nothing to do" if quiet else "published"
        note_job(self.lake.workspace, name, state=state)

    def _end(self) -> None:
        for process in self._running.values():
            process.terminate()
        for name, process in list(self._running.items()):
            try:
                process.wait(_ENDING)
            except subprocess.TimeoutExpired:
                process.kill()
            self._over(name, process)
