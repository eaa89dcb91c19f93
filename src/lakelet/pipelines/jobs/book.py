"""The jobs of a workspace: in ``lakelet.toml``, and what became of them, in the metadata store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from lakelet.errors import CommandError, PipelineError, TableNotFoundError, nearest
from lakelet.lake import Lake, TableName
from lakelet.pipelines.definitions.folder import pipeline_names
from lakelet.pipelines.jobs.schedule import check_cron, next_due
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.folder import SETTINGS_FILE
from lakelet.workspace.settings import JobSettings
from lakelet.workspace.steps import declare, write_file
from lakelet.workspace.store import open_store

__all__ = (
    "JobState",
    "add_job",
    "check_job",
    "job_states",
    "note_job",
    "remove_job",
    "trigger_of",
)

_WRITE = declare("jobs.write", "the settings name the job, or do not any more")


@dataclass(frozen=True, slots=True)
class JobState:
    """A job, and how it stands.

    Attributes:
        pipeline: the pipeline it updates.
        trigger: what it waits for, for people.
        settings: as written in ``lakelet.toml``.
        due: the scheduled time it ran for last, or since when it is known.
        next: when it is due again; None where it waits for something else than time.
        started: when it ran last.
        state: ``published``, ``nothing to do``, ``failed``, ``skipped``, or ''.
    """

    pipeline: str
    trigger: str
    settings: JobSettings
    due: datetime
    next: datetime | None
    started: datetime | None
    state: str


def check_job(
    workspace: WorkspaceFolder, pipeline: str, *, cron: str = "", on_files: bool = False,
    on_table: str = "",
) -> str:  # fmt: skip
    """Make sure that a pipeline can have a job; the line that says when it runs.

    Raises:
        PipelineError: there is no such pipeline.
        CommandError: not exactly one of the three triggers.
        SettingsError: a cron line that is none.
        TableNotFoundError: there is no such table.
    """
    known = pipeline_names(workspace)
    if pipeline not in known:
        close = nearest(pipeline, known)
        raise PipelineError(
            f"there is no pipeline {pipeline}; no job was added.",
            hint=f"did you mean {close}?" if close else "`lakelet new pipeline` makes one.",
        )
    if bool(cron) + on_files + bool(on_table) != 1:
        raise CommandError("a job has exactly one of --cron, --on-files and --on-table.")
    if cron:
        check_cron(cron, where="--cron")
        return f'cron = "{cron}"'
    if on_files:
        return "on_files = true"
    _refuse_missing(workspace, TableName.parse(on_table))
    return f'on_table = "{TableName.parse(on_table)}"'


def add_job(
    workspace: WorkspaceFolder, pipeline: str, *, cron: str = "", on_files: bool = False,
    on_table: str = "",
) -> None:  # fmt: skip
    """Write a job into the settings; comments and everything else in them stay.

    Raises:
        PipelineError, SettingsError, TableNotFoundError: see `check_job`.
        CommandError: not exactly one of the three triggers, or a job of that name is there.
    """
    line = check_job(workspace, pipeline, cron=cron, on_files=on_files, on_table=on_table)
    if pipeline in workspace.settings.jobs:
        raise CommandError(
            f"there is a job for {pipeline} already; nothing was changed.",
            hint=f"`lakelet jobs remove {pipeline}`, or edit {SETTINGS_FILE}.",
        )
    path = workspace.root / SETTINGS_FILE
    text = path.read_text(encoding="utf-8").rstrip("\n")
    write_file(_WRITE, path, f"{text}\n\n[jobs.{_key(pipeline)}]\n{line}\n".encode())


def _refuse_missing(workspace: WorkspaceFolder, name: TableName) -> None:
    lake = Lake(workspace)
    if not lake.exists(name):
        close = nearest(str(name), map(str, lake.names()))
        raise TableNotFoundError(
            f"there is no table {name}; no job was added.",
            hint=f"did you mean {close}?" if close else "`lakelet tables` lists what is there.",
        )


def remove_job(workspace: WorkspaceFolder, pipeline: str) -> None:
    """Take a job out of the settings.

    Raises:
        CommandError: there is none of that name.
    """
    path = workspace.root / SETTINGS_FILE
    text = path.read_text(encoding="utf-8")
    section = re.compile(rf"\n*^\[jobs\.\"?{re.escape(pipeline)}\"?\]\n(?:(?!\[).*\n?)*", re.M)
    if pipeline not in workspace.settings.jobs or not section.search(text):
        raise CommandError(f"there is no job for {pipeline} in {SETTINGS_FILE}.")
    write_file(_WRITE, path, section.sub("\n", text).encode())


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'


def job_states(workspace: WorkspaceFolder, now: datetime | None = None) -> list[JobState]:
    """Every job and how it stands; one seen for the first time is known from now on.

    Raises:
        SettingsError: a cron line that is none.
    """
    now = now or datetime.now(UTC)
    zone = workspace.settings.time_zone
    found = []
    for name, settings in sorted(workspace.settings.jobs.items()):
        if settings.cron:
            check_cron(settings.cron, where=f"{SETTINGS_FILE}, [jobs.{name}]")
        with open_store(workspace) as store:
            store.execute(
                "INSERT OR IGNORE INTO jobs (pipeline, due) VALUES (?, ?)", (name, now.timestamp())
            )
            row = store.execute("SELECT * FROM jobs WHERE pipeline = ?", (name,)).fetchone()
        started = row["started"]
        found.append(
            JobState(
                name,
                trigger_of(settings),
                settings,
                datetime.fromtimestamp(row["due"], UTC),
                next_due(settings.cron, zone, now) if settings.cron else None,
                None if started is None else datetime.fromtimestamp(started, UTC),
                row["state"] or "",
            )
        )
    return found


def trigger_of(settings: JobSettings) -> str:
    """What a job waits for, for people."""
    if settings.cron:
        return settings.cron
    return "new files" if settings.on_files else f"{settings.on_table} moves"


def note_job(
    workspace: WorkspaceFolder,
    pipeline: str,
    *,
    due: datetime | None = None,
    started: datetime | None = None,
    state: str | None = None,
) -> None:
    """Note what became of a job; what is not told stays."""
    with open_store(workspace) as store:
        for column, value in (
            ("due", due and due.timestamp()),
            ("started", started and started.timestamp()),
            ("state", state),
        ):
            if value is not None:
                store.execute(f"UPDATE jobs SET {column} = ? WHERE pipeline = ?", (value, pipeline))
