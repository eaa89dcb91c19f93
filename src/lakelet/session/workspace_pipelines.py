"""What a workspace does with pipelines: plans, updates, stops, explains and schedules them."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lakelet.lake import Lake, TableName
from lakelet.session.moments import parse_moment
from lakelet.workspace import WorkspaceFolder

if TYPE_CHECKING:
    from lakelet.pipelines import Event, Plan, UpdateReport
    from lakelet.pipelines.outline import Outline

__all__ = ("WorkspacePipelines",)


class WorkspacePipelines(ABC):
    """The part of a workspace that knows pipelines.

    Attributes:
        folder: where the workspace is on disk, and its settings.
        lake: its tables.
        source: where its statements come from.
    """

    folder: WorkspaceFolder
    lake: Lake
    source: str

    @abstractmethod
    def _dicts(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query that nobody asked for, by the names of its columns."""

    def plan(
        self,
        pipeline: str,
        *,
        only: str | Sequence[str] = (),
        full_refresh: str | Sequence[str] | bool = (),
        even_if_lost: bool = False,
        foreign: str = "stop",
    ) -> Plan:
        """What an update of a pipeline would do, and why; nothing is done.

        Args:
            pipeline: the name of its folder.
            only: the datasets that may run; all where empty.
            full_refresh: datasets to make anew; True for all.
            even_if_lost: also where something cannot be read again.
            foreign: as for `update`.

        Returns:
            What it would do, and in ``stops`` the errors it would end with.

        Raises:
            SqlError, PipelineError: what is wrong, with file and line.
            CommandError: names that are none, or an unknown ``foreign``.
        """
        from lakelet.pipelines import UpdateRequest, plan_pipeline

        request = UpdateRequest.of(only, full_refresh, foreign, even_if_lost=even_if_lost)
        return plan_pipeline(self.lake, pipeline, request)

    def update(
        self,
        pipeline: str,
        *,
        only: str | Sequence[str] = (),
        full_refresh: str | Sequence[str] | bool = (),
        even_if_lost: bool = False,
        drop_abandoned: bool = False,
        foreign: str = "stop",
        listen: Callable[[Event], None] | None = None,
    ) -> UpdateReport:
        """Bring a pipeline's tables up to date and publish them together, or not at all.

        Args:
            pipeline: the name of its folder.
            only: the datasets that may run; all where empty.
            full_refresh: datasets to make anew; True for all.
            even_if_lost: also where something cannot be read again.
            drop_abandoned: drop tables that the pipeline does not declare any more.
            foreign: what becomes of versions that another program committed to its tables:
                ``stop``, ``adopt`` or ``discard``.
            listen: told of every event.

        Raises:
            CommandError: names that are none, or an unknown ``foreign``; nothing was done.
            LakeletError: it failed; nothing was published, every table reads as before.
        """
        from lakelet.pipelines import UpdateRequest, run_update
        from lakelet.pipelines.events import last_update
        from lakelet.session.audit import audited

        request = UpdateRequest.of(
            only, full_refresh, foreign, even_if_lost=even_if_lost, drop_abandoned=drop_abandoned,
            listen=listen or (lambda _event: None),
        )  # fmt: skip

        def last() -> str | None:
            return last_update(self.folder, pipeline)

        with audited(self.folder, self.source, "update", pipeline, last):
            return run_update(self.lake, pipeline, request)

    def stop_update(self, pipeline: str) -> int:
        """Stop the running update of a pipeline, as Ctrl-C does; nothing of it is published.

        Returns:
            Its number.

        Raises:
            PipelineError: none is running, or it runs on another machine or as somebody else.
        """
        from lakelet.pipelines.events import last_update
        from lakelet.pipelines.stopping_update import stop_update
        from lakelet.session.audit import audited

        def last() -> str | None:
            return last_update(self.folder, pipeline)

        with audited(self.folder, self.source, "stop", pipeline, last):
            return stop_update(self.folder, pipeline)

    def take_over(self) -> None:
        """Let this workspace update the lake from now on, in the place of another that did."""
        from lakelet.pipelines.updating_workspace import take_over

        take_over(self.lake)

    def foreign(self) -> list[dict[str, Any]]:
        """What other programs committed to tables of pipelines, which nobody is shown."""
        from lakelet.pipelines.foreign import all_foreign_commits

        return [
            {"table": str(name), "pipeline": pipeline, "version": commit.version,
             "operation": commit.operation, "time": commit.time}
            for name, pipeline, commit in all_foreign_commits(self.lake)
        ]  # fmt: skip

    def pipelines(self) -> list[str]:
        """The names of the pipelines, in order."""
        from lakelet.pipelines.definitions.folder import pipeline_names

        return pipeline_names(self.folder)

    def outline(self, pipeline: str) -> Outline:
        """What a pipeline declares: its datasets, what each reads, where each is written.

        Raises:
            SqlError, PipelineError: what is wrong, with file and line.
        """
        from lakelet.pipelines.outline import outline

        return outline(self.lake, pipeline)

    def updates(
        self, pipeline: str | None = None, *, since: dt.datetime | None = None
    ) -> list[dict[str, Any]]:
        """The updates of a pipeline, or of all, the newest first; from a moment on, if given."""
        from lakelet.pipelines.account import all_updates

        return all_updates(self.lake, self._dicts, pipeline, since=since)

    def events(self, update: int) -> list[dict[str, Any]]:
        """What happened in an update, in order."""
        from lakelet.pipelines.account import update_events

        return update_events(self.lake, self._dicts, update)

    def why(self, pipeline: str, dataset: str, *, limit: int | None = None) -> list[dict[str, Any]]:
        """Why a dataset ran or did not, in its last updates or in all, the newest first."""
        from lakelet.pipelines.account import reasons
        from lakelet.pipelines.definitions.folder import read_pipeline

        declared = read_pipeline(self.folder, pipeline)
        return reasons(self.lake, self._dicts, declared, dataset, limit=limit)

    def lineage(
        self,
        name: str | TableName,
        direction: Literal["upstream", "downstream"] = "upstream",
        *,
        at: str | dt.datetime | None = None,
    ) -> list[dict[str, Any]]:
        """What a table, or ``table.column``, comes from, or what comes from it, with depths.

        Args:
            name: the table, or one of its columns.
            direction: which of the two.
            at: the moment as of which it is told; now without one.

        Raises:
            TableNotFoundError: there is no such table.
            SchemaError: it has no such column.
        """
        from lakelet.pipelines.edges import read_edges
        from lakelet.pipelines.lineage import follow, refuse_unknown_column

        if isinstance(name, TableName):
            self.lake.table(name)
            name = str(name)
        elif name.count(".") < 2:
            name = str(self.lake.table(TableName.parse(name)).name)
        else:
            table = self.lake.table(TableName.parse(".".join(name.split(".")[:2])))
            refuse_unknown_column(name, [column.name for column in table.columns()])
        moment = None if at is None else parse_moment(at, self.folder.settings.time_zone)
        found = follow(read_edges(self.lake, moment), name, direction)
        return [{"depth": depth, **asdict(edge)} for depth, edge in found]

    def new_pipeline(self, name: str) -> Path:
        """Make a pipeline's folder with a first file; its path from the workspace.

        Raises:
            PipelineError: there is one of that name already.
        """
        from lakelet.pipelines.template import new_pipeline
        from lakelet.session.audit import audited

        folder = self.folder.root / "pipelines" / name

        def made() -> list[str] | None:
            return sorted(one.name for one in folder.iterdir()) if folder.is_dir() else None

        with audited(self.folder, self.source, "new pipeline", name, made):
            return new_pipeline(self.folder, name)

    def jobs(self) -> list[dict[str, Any]]:
        """The jobs of ``lakelet.toml``: what they wait for, when due, what became of them."""
        from lakelet.pipelines.jobs.book import job_states

        return [
            {
                "pipeline": job.pipeline, "trigger": job.trigger, "next": job.next,
                "started": job.started, "state": job.state,
            }
            for job in job_states(self.folder)
        ]  # fmt: skip

    def add_job(
        self, pipeline: str, *, cron: str = "", on_files: bool = False, on_table: str = ""
    ) -> None:
        """Add a job to ``lakelet.toml``, with one of the three triggers.

        Raises:
            PipelineError, CommandError, SettingsError: no such pipeline, or no such trigger.
        """
        from lakelet.pipelines.jobs.book import add_job
        from lakelet.session.audit import audited

        with audited(self.folder, self.source, "add a job", pipeline, self._job_of(pipeline)):
            add_job(self.folder, pipeline, cron=cron, on_files=on_files, on_table=on_table)
        self._read_settings_again()

    def set_job(
        self, pipeline: str, *, cron: str = "", on_files: bool = False, on_table: str = ""
    ) -> None:
        """Give a pipeline a job, in the place of the one it has.

        Raises:
            PipelineError, CommandError, SettingsError: as `add_job`; the job it has stays then.
        """
        from lakelet.pipelines.jobs.book import check_job

        check_job(self.folder, pipeline, cron=cron, on_files=on_files, on_table=on_table)
        if pipeline in self.folder.settings.jobs:
            self.remove_job(pipeline)
        self.add_job(pipeline, cron=cron, on_files=on_files, on_table=on_table)

    def next_times(self, cron: str, count: int) -> list[dt.datetime]:
        """The next times that a cron line names in the workspace's zone, UTC.

        Raises:
            SettingsError: it is none.
        """
        from lakelet.pipelines.jobs.schedule import check_cron, next_due

        check_cron(cron, where="cron")
        found, moment = [], dt.datetime.now(dt.UTC)
        for _ in range(count):
            moment = next_due(cron, self.folder.settings.time_zone, moment)
            found.append(moment)
        return found

    def remove_job(self, pipeline: str) -> None:
        """Take a job out of ``lakelet.toml``.

        Raises:
            CommandError: there is none.
        """
        from lakelet.pipelines.jobs.book import remove_job
        from lakelet.session.audit import audited

        with audited(self.folder, self.source, "remove the job", pipeline, self._job_of(pipeline)):
            remove_job(self.folder, pipeline)
        self._read_settings_again()

    def _job_of(self, pipeline: str) -> Callable[[], str | None]:
        """Tells what a pipeline waits for, as the settings have it now."""

        def trigger() -> str | None:
            from lakelet.pipelines.jobs.book import trigger_of

            found = WorkspaceFolder(self.folder.root).settings.jobs.get(pipeline)
            return None if found is None else trigger_of(found)

        return trigger

    def _read_settings_again(self) -> None:
        self.folder = WorkspaceFolder(self.folder.root)
        self.lake = Lake(self.folder)
