"""An open workspace: the one place that ties tables, SQL and loads together."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from lakelet.errors import LakeletError, SqlError, StorageError
from lakelet.lake import Lake, TableName
from lakelet.lake.publications import Publications
from lakelet.session.moments import parse_moment
from lakelet.session.parameters import marker_values, spoken_dialect
from lakelet.session.routes_kept import RoutesKept
from lakelet.session.table import Table
from lakelet.workspace import WorkspaceFolder, find_workspace
from lakelet.workspace.folder import REPEATS
from lakelet.workspace.notices import FilesRead, heard, tell

if TYPE_CHECKING:
    from lakelet.engines.dialect import TableFunctionCall, TableReference
    from lakelet.engines.engine import Attached, Dialect
    from lakelet.loading import LoadReport
    from lakelet.pipelines import Event, Plan, UpdateReport
    from lakelet.pipelines.edges import EdgesKept
    from lakelet.pipelines.outline import Outline
    from lakelet.runs import Run
    from lakelet.runs.comparing import Comparison
    from lakelet.runs.index.details import Point, RunDetails
    from lakelet.runs.index.reading import RunRecord
    from lakelet.session.dropped import DroppedTable
    from lakelet.session.inbox import Waiting
    from lakelet.session.queries import Recorder
    from lakelet.session.result import Result
    from lakelet.session.unpinned import Unpinned

__all__ = ("Workspace", "open_workspace")


class Workspace:
    """A workspace, from which everything else is reached.

    Attributes:
        folder: where it is on disk, and its settings.
        lake: its tables, for code that needs more than `table` gives.
        routes: how tables are read, kept from one statement to the next.
        edges: the lineage its statements make, once one made a table.
        source: where its statements come from, as `system.queries` says.
        say: told what a statement is about to do where that takes long; nobody listens at first.
    """

    def __init__(self, folder: WorkspaceFolder) -> None:
        self.folder = folder
        self.lake = Lake(folder)
        self.routes = RoutesKept()
        self.edges: EdgesKept | None = None
        self.source = "python"
        self.say: Callable[[str], None] = lambda _text: None

    def __repr__(self) -> str:
        return f"<lakelet workspace {self.folder.root}>"

    @property
    def time_zone(self) -> str:
        """The zone in which text without one is read and results are shown."""
        return self.folder.settings.time_zone

    def tables(self) -> Iterator[TableName]:
        """The names of all tables, in order."""
        return self.lake.names()

    def dropped(self) -> list[DroppedTable]:
        """The tables that were dropped; UNDROP TABLE brings one back."""
        from lakelet.session.dropped import dropped_tables

        return dropped_tables(self)

    def table(self, name: str | TableName) -> Table:
        """A table by name.

        Raises:
            TableNotFoundError: there is none; the message names the nearest.
        """
        found = name if isinstance(name, TableName) else TableName.parse(name)
        return Table(self, self.lake.table(found))

    def sql(
        self,
        text: str,
        params: Sequence[object] | Mapping[str, object] = (),
        *,
        at: str | dt.datetime | None = None,
        dialect: Dialect | None = None,
    ) -> Result:
        """Run one query or statement.

        Args:
            text: the SQL, in the workspace's dialect unless told otherwise.
            params: values for ``?`` markers in order, or for ``:name`` markers by name.
            at: the moment as of which every table is read.
            dialect: ``databricks`` or ``duckdb``.

        Raises:
            SqlError: it is wrong, or cannot be run with exactly its meaning.
        """
        return self._sql(text, params, at=at, dialect=dialect, this=None)

    def _recorder(self, text: str, dialect: str) -> Recorder:
        from lakelet.session.queries import Recorder

        return Recorder(self.folder, text, dialect, self.source)

    def _sql(
        self,
        text: str,
        params: Sequence[object] | Mapping[str, object],
        *,
        at: str | dt.datetime | None,
        dialect: Dialect | None,
        this: Callable[[], Attached] | None,
        recorded: bool = True,
    ) -> Result:
        from lakelet.engines.engine import Query, run_query
        from lakelet.engines.statements import is_statement
        from lakelet.session.pinning import tell_read
        from lakelet.session.result import Result

        moment = None if at is None else parse_moment(at, self.time_zone)
        positional, named = marker_values(params)
        spoken = spoken_dialect(dialect, self.folder.settings.sql.dialect)
        if is_statement(text, spoken):
            if this is not None or at is not None:
                raise SqlError(
                    "only a query is run here, not a statement; nothing was changed.",
                    hint="run it with Workspace.sql, without a moment.",
                )
            from lakelet.session.statements import run

            recorder = self._recorder(text, spoken)
            try:
                return run(self, text, spoken, recorder, positional=positional, named=named)
            except LakeletError as error:
                recorder.done(error=error.message)
                raise
        query = Query(text, spoken, positional, named)
        warnings: list[str] = []
        publications = Publications(self.lake, moment)
        recorder = self._recorder(text, spoken)

        def table(reference: TableReference) -> Attached:
            if this is not None and reference.parts == ("this",):
                return this()
            pinned = self.pin(reference, moment, publications)
            recorder.reads(reference, pinned)
            if recorded:
                tell_read(self, pinned, reference, moment)
            return pinned

        def warn(text: str) -> None:
            if text not in warnings:
                warnings.append(text)

        def call(called: TableFunctionCall) -> Attached:
            from lakelet.session.calls import attach_call

            return attach_call(self, called, warn)

        try:
            relation = run_query(self.folder, query, table=table, call=call)
        except LakeletError as error:
            if recorded:
                recorder.done(error=error.message)
            raise
        taken = recorder.taken if recorded else (lambda _rows: None)
        return Result(relation, taken, warnings, zone=self.time_zone)

    def pin(
        self,
        reference: TableReference,
        at: dt.datetime | None = None,
        publications: Publications | None = None,
    ) -> Attached:
        """Pin the table a query names, at the version it names or as people see it."""
        from lakelet.session.pinning import pin_reference

        return pin_reference(self, reference, at, publications or Publications(self.lake, at))

    def load(
        self,
        source: str | Path,
        into: str,
        *,
        hints: Mapping[str, str] | str | None = None,
        options: Mapping[str, object] | None = None,
        evolve: str | None = None,
        key: Sequence[str] = (),
        on_changed: str | None = None,
        dry_run: bool = False,
        base: Path | None = None,
        progress: Callable[[int, int], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> LoadReport:
        """Load the files of a source that are not loaded yet; see `lakelet.loading.load`.

        Args:
            source: file, folder, glob, volume path or URL; a relative one starts at the workspace.
            into: ``schema.table``, made when it is not there.
            hints: types by column name, or the text ``"a DATE, b DECIMAL(18,2)"``.
            options: ``format`` and CSV options by `read_files`' names.
            evolve: ``add``, ``widen``, ``rescue`` or ``fail``.
            key: columns that identify a row; the load is then a merge.
            on_changed: ``report``, ``replace`` or ``fail``.
            dry_run: look, and write nothing.
            base: where a relative source starts, if not at the workspace.
            progress: told of bytes read and to read.
            stop: asked between files whether to end early.
        """
        from lakelet.lake.type_text import parse_hints
        from lakelet.loading import LoadRequest, load, parse_options

        request = LoadRequest(
            str(source),
            TableName.parse(into),
            base or self.folder.root,
            parse_options(options or {}),
            parse_hints(hints),
            evolve=evolve,
            key=tuple(key),
            on_changed=on_changed,
            dry_run=dry_run,
            stop=stop or (lambda: False),
            progress=progress or (lambda _read, _all: None),
        )
        if dry_run:
            from lakelet.pipelines.own_update import changing

            with changing(self.lake, request.into, "a load"):
                return load(self.lake, request)
        with self._changing(request.into, "a load", f"load {source}"):
            return load(self.lake, request)

    def inbox(self) -> list[Waiting]:
        """The tables with surprising fields that wait for a person's decision."""
        from lakelet.session.inbox import inbox

        return inbox(self)

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
        from lakelet.pipelines.stopping_update import stop_update
        from lakelet.session.audit import audited

        with audited(self.folder, self.source, "stop", pipeline):
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
        name: str,
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

        table = self.table(".".join(name.split(".")[:2]))
        if name.count(".") > 1:
            refuse_unknown_column(name, [column.name for column in table.columns])
        moment = None if at is None else parse_moment(at, self.time_zone)
        found = follow(read_edges(self.lake, moment), name, direction)
        return [{"depth": depth, **asdict(edge)} for depth, edge in found]

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

        with audited(self.folder, self.source, "add a job", pipeline):
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
            moment = next_due(cron, self.time_zone, moment)
            found.append(moment)
        return found

    def remove_job(self, pipeline: str) -> None:
        """Take a job out of ``lakelet.toml``.

        Raises:
            CommandError: there is none.
        """
        from lakelet.pipelines.jobs.book import remove_job
        from lakelet.session.audit import audited

        with audited(self.folder, self.source, "remove the job", pipeline):
            remove_job(self.folder, pipeline)
        self._read_settings_again()

    def _read_settings_again(self) -> None:
        self.folder = WorkspaceFolder(self.folder.root)
        self.lake = Lake(self.folder)

    def new_pipeline(self, name: str) -> Path:
        """Make a pipeline's folder with a first file; its path from the workspace.

        Raises:
            PipelineError: there is one of that name already.
        """
        from lakelet.pipelines.template import new_pipeline
        from lakelet.session.audit import audited

        with audited(self.folder, self.source, "new pipeline", name):
            return new_pipeline(self.folder, name)

    @contextmanager
    def _changing(self, table: TableName, what: str, action: str | None = None) -> Iterator[None]:
        """Let the body change a table; a pipeline's only where that is an update of its own.

        Args:
            table: the table.
            what: what is about to happen, as messages have it.
            action: the same as `system.audit` has it.
        """
        from lakelet.pipelines.own_update import changing
        from lakelet.session.audit import audited

        self._held.pop(str(table), None)

        def version() -> int | None:
            return self.lake.table(table).newest_version() if self.lake.exists(table) else None

        done = action or what.removeprefix("a ").removeprefix("an ")
        with (
            audited(self.folder, self.source, done, str(table), version),
            changing(self.lake, table, what),
        ):
            yield

    def held_version(self, table: TableName) -> int | None:
        """The version at which a repeated run reads a table it does not change itself."""
        return self._held.get(str(table)) if self._held else None

    @cached_property
    def _held(self) -> dict[str, int]:
        if REPEATS not in os.environ:
            return {}
        from lakelet.runs.held import held_versions

        return held_versions(self.folder)

    def run(
        self,
        name: str,
        *,
        params: Mapping[str, object] | None = None,
        seed: int | None = None,
        tags: Mapping[str, object] | None = None,
    ) -> AbstractContextManager[Run]:
        """A run of MLflow for the body of ``with``, pinned to what is read in it.

        Args:
            name: folders and a name, ``"baselines/logistic"``.
            params: its parameters; those within dictionaries get names with dots.
            seed: seeds Python, NumPy and, where it is imported, torch.
            tags: its tags.

        Raises:
            MissingExtraError: MLflow is not installed.
            CommandError: a name or a seed that is none.
            StorageError: MLflow's store or server said no.
        """
        from lakelet.runs.starting import running

        return running(
            self.folder, name, params=params, seed=seed, tags=tags, repeats=os.environ.get(REPEATS)
        )

    def _dicts(self, query: str) -> list[dict[str, Any]]:
        return self._sql(
            query, (), at=None, dialect="databricks", this=None, recorded=False
        ).dicts()

    def refresh_runs(self, *, complete: bool = False) -> str:
        """Take over what changed in MLflow; `runs` does so too, without a word.

        Args:
            complete: first complete runs that were killed, in a child process; then compare all
                that is known of runs with MLflow, where that was not done for ten minutes.

        Returns:
            Why what is known of runs may be old, for a person; '' where it is not.
        """
        from lakelet.runs.completing import complete_in_a_child
        from lakelet.runs.index import bring_up_to_date

        left = complete_in_a_child(self.folder) if complete else ""
        return bring_up_to_date(self.folder, thorough=complete) or left

    def learn_pins(self, table: TableName) -> None:
        """Learn from MLflow which versions runs are pinned to, before any are removed.

        Raises:
            StorageError: MLflow cannot be asked; nothing was removed.
        """
        behind = self.refresh_runs()
        if behind:
            raise StorageError(
                f"which versions of {table} runs are pinned to is not known: {behind}. Nothing was "
                "removed.",
                hint="try again when it can be asked; `lakelet maintain --even-pinned` removes old "
                "versions whether runs need them or not.",
            )

    def runs(
        self,
        folder: str = "",
        *,
        where: str = "",
        sort: str = "started",
        descending: bool = True,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[RunRecord]:
        """Runs, the newest first, or sorted by a metric, a parameter or another fact.

        Args:
            folder: only those of this folder and of folders in it, or of this name.
            where: a condition, such as ``metrics.f1 > 0.8``.
            sort: such as ``metrics.f1``, ``params.rate``, ``seconds``; runs without it come last.
            descending: whether the largest come first.
            limit: at most so many.
            offset: after so many.

        Raises:
            CommandError: the condition is none, or runs are not sorted by that.
        """
        from lakelet.runs.index.reading import list_runs

        self.refresh_runs()
        return list_runs(
            self.folder, folder, where=where, sort=sort, descending=descending, limit=limit,
            offset=offset,
        )  # fmt: skip

    def run_record(self, run: str) -> RunRecord:
        """A run by its id, the first letters of it, or folders and name.

        Raises:
            RunNotFoundError: there is none, or several fit.
        """
        from lakelet.runs.index import bring_up_to_date
        from lakelet.runs.index.reading import find_run

        self.refresh_runs()
        found = find_run(self.folder, run)
        bring_up_to_date(self.folder, exactly=found.id)
        return find_run(self.folder, found.id)

    def rename_run(self, run: str, name: str) -> None:
        """Give a run another name; its folder stays.

        Raises:
            RunNotFoundError, CommandError, StorageError: no such run, no name, or MLflow said no.
        """
        from lakelet.runs.changing import rename_run

        self._change_run("rename", self.run_record(run), lambda one: rename_run(
            self.folder, one, name))  # fmt: skip

    def move_run(self, run: str, folder: str) -> None:
        """Move a run to another folder, which is made where there is none.

        Raises:
            RunNotFoundError, CommandError, StorageError: no such run, no folder, or the runs are
                kept on a server.
        """
        from lakelet.runs.changing import move_run

        self._change_run("move", self.run_record(run), lambda one: move_run(
            self.folder, one, folder))  # fmt: skip

    def tag_run(self, run: str, tags: Mapping[str, str]) -> None:
        """Give a run tags.

        Raises:
            RunNotFoundError, CommandError, StorageError: no such run, no tag, or MLflow said no.
        """
        from lakelet.runs.changing import tag_run

        self._change_run("tag", self.run_record(run), lambda one: tag_run(
            self.folder, one, tags))  # fmt: skip

    def untag_run(self, run: str, names: Sequence[str]) -> None:
        """Take tags off a run.

        Raises:
            RunNotFoundError, CommandError, StorageError: no such run or tag, or MLflow said no.
        """
        from lakelet.runs.changing import untag_run

        self._change_run("untag", self.run_record(run), lambda one: untag_run(
            self.folder, one, names))  # fmt: skip

    def unpinned_by(self, run: str) -> list[Unpinned]:
        """The versions of tables that `archive_run` would let go of: only this run is pinned to."""
        from lakelet.session.unpinned import unpinned_by

        return unpinned_by(self, self.run_record(run))

    def archive_run(self, run: str) -> None:
        """Put a run away: it is in no list, and its pins hold nothing, until it is brought back.

        Raises:
            RunNotFoundError, CommandError, StorageError: no such run, it goes on, or MLflow said
                no.
        """
        from lakelet.runs.changing import archive_run

        self._change_run("archive", self.run_record(run), lambda one: archive_run(
            self.folder, one))  # fmt: skip

    def restore_run(self, run: str) -> None:
        """Bring back a run that was put away.

        Raises:
            RunNotFoundError, StorageError: no such run was, or MLflow said no.
        """
        from lakelet.runs.changing import restore_run
        from lakelet.runs.index.reading import find_run

        self.refresh_runs()
        found = find_run(self.folder, run, archived=True)
        self._change_run("restore", found, lambda one: restore_run(self.folder, one))

    def archived_runs(self) -> list[tuple[str, str, str]]:
        """Runs that were put away, the newest first: id, folder, name."""
        from lakelet.session.unpinned import archived_runs

        self.refresh_runs()
        return archived_runs(self)

    def _change_run(self, action: str, run: RunRecord, change: Callable[[RunRecord], None]) -> None:
        from lakelet.session.audit import audited
        from lakelet.session.unpinned import run_state

        with audited(
            self.folder, self.source, f"{action} run", f"{run.full_name} {run.id[:8]}",
            lambda: run_state(self, run.id),
        ):  # fmt: skip
            change(run)

    def run_details(self, run: str) -> RunDetails:
        """What is recorded of a run without being asked: facts, packages, diff, files.

        Raises:
            RunNotFoundError: there is none, or several fit.
        """
        from lakelet.runs.index.details import details

        return details(self.folder, self.run_record(run))

    def metric_history(self, run: str) -> dict[str, list[Point]]:
        """Every value of a run's metrics, by step.

        Raises:
            RunNotFoundError: there is none, or several fit.
            StorageError: MLflow's store or server cannot be read.
        """
        from lakelet.runs.index.details import metric_history

        found = self.run_record(run)
        return metric_history(self.folder, found.id, list(found.metrics))

    def runs_of_table(self, name: str, *, limit: int = 100) -> list[tuple[RunRecord, list[int]]]:
        """The runs that read a table, the newest first, each with the versions it read."""
        from lakelet.runs.index.reading import runs_of_table

        self.refresh_runs()
        return runs_of_table(self.folder, str(TableName.parse(name)), limit=limit)

    def compare(self, *runs: str) -> Comparison:
        """What differs between runs, each named as for `run_record`.

        Raises:
            RunNotFoundError: there is no such run.
        """
        from lakelet.runs.comparing import compare_runs

        return compare_runs(self.folder, [self.run_record(run) for run in runs])

    def rerun(
        self, run: str, *, say: Callable[[str], None] = lambda _text: None
    ) -> tuple[RunRecord, int]:
        """Run a run again with its code and data as they were, and wait for it.

        Args:
            run: its id, the first letters of it, or folders and name.
            say: told what can no longer be matched, and what is started.

        Returns:
            The run that was repeated, and the exit code of its command. Runs the command starts
            have the tag ``lakelet.repeats``.

        Raises:
            RunError: it cannot be repeated; nothing was started.
            RunNotFoundError: there is none, or several fit.
        """
        from lakelet.runs.index.details import details
        from lakelet.runs.repeating import repeat_run

        found = self.run_record(run)
        return found, repeat_run(self.folder, found, details(self.folder, found), say)

    def open(self, path: str) -> BinaryIO:
        """A file for reading, by path or volume path, also in a bucket.

        Raises:
            StorageError: it cannot be read.
            InvalidNameError: an unknown volume, or a path that leaves its volume.
        """
        from lakelet.lake.storage import storage_for
        from lakelet.lake.volumes import resolve_path

        place = resolve_path(self.folder, path, base=self.folder.root)
        storage = storage_for(self.folder, place)
        file = storage.open(place)
        if heard(self.folder) and (entry := storage.entry(place)) is not None:
            name = place.removeprefix(f"{self.folder.root}/")
            tell(self.folder, FilesRead.of(name, [(name, entry.size, entry.etag)]))
        return file


def open_workspace(path: str | Path = ".") -> Workspace:
    """Open the workspace of a folder or of its nearest parent that has one.

    Raises:
        WorkspaceNotFoundError: there is none; `lakelet init` makes one.
    """
    return Workspace(find_workspace(Path(path)))
