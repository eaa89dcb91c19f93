"""Updates of pipelines: looked at first, begun, stopped, by the clock; and new pipelines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query

from lakelet.errors import LakeletError
from lakelet.web.acts import Act, Done, add_act
from lakelet.web.answer import Open, add_page
from lakelet.web.code import as_command
from lakelet.web.failure import RequestError
from lakelet.web.links import Links
from lakelet.web.room import Room
from lakelet.web.rooms.commands import begun
from lakelet.web.rooms.pipelines import Known

__all__ = ("router",)

router = Room(["pipelines"])
_NEXT = 5


@dataclass(frozen=True)
class Asked:
    """How an update is asked for, as it stands in the form.

    Attributes:
        only: the datasets that may run; all where empty.
        refresh: the datasets that are made anew.
        everything: whether all are made anew.
        even_if_lost: whether also where something cannot be read again.
        drop_abandoned: whether tables that no file declares any more are dropped.
        foreign: what becomes of versions that another program committed: ``stop``, ``adopt`` or
            ``discard``.
    """

    only: list[str]
    refresh: list[str]
    everything: bool
    even_if_lost: bool
    drop_abandoned: bool
    foreign: str

    def arguments(self, name: str) -> list[str]:
        """The command that updates so."""
        found = ["update", name]
        for dataset in self.only:
            found += ["--only", dataset]
        if self.everything:
            found.append("--full-refresh")
        for dataset in self.refresh if not self.everything else ():
            found += ["--full-refresh", dataset]
        if self.even_if_lost:
            found.append("--even-if-lost")
        if self.drop_abandoned:
            found.append("--drop-abandoned")
        return found if self.foreign == "stop" else [*found, f"--{self.foreign}"]


@dataclass(frozen=True)
class Planned:
    """What an update would do to a dataset.

    Attributes:
        dataset: its name.
        kind: what it is.
        how: what would be done.
        reason: why.
        note: what else is to be known.
        changed: files that changed since they were taken.
    """

    dataset: str
    kind: str
    how: str
    reason: str
    note: str
    changed: list[str]


@dataclass(frozen=True)
class PlanPage:
    """What an update of a pipeline would do; nothing is done.

    Attributes:
        name: the pipeline.
        asked: how it is asked for.
        steps: what it would do.
        abandoned: tables that no file declares any more.
        stops: what it would end with, each with what to do about it.
        command: what begins it in a terminal.
    """

    name: str
    asked: Asked
    steps: list[Planned]
    abandoned: list[str]
    stops: list[tuple[str, str]]
    command: str


def _asked(
    only: Annotated[list[str], Query(description="Datasets that may run.")] = [],  # noqa: B006
    refresh: Annotated[list[str], Query(description="Datasets made anew.")] = [],  # noqa: B006
    everything: Annotated[bool, Query(description="Whether all are made anew.")] = False,
    even_if_lost: Annotated[bool, Query(description="Also what cannot be read again.")] = False,
    drop_abandoned: Annotated[bool, Query(description="Whether to drop abandoned ones.")] = False,
    foreign: Annotated[str, Query(description="stop, adopt or discard")] = "stop",
) -> Asked:
    return Asked(only, refresh, everything, even_if_lost, drop_abandoned, foreign)


def plan(workspace: Open, name: Known, asked: Annotated[Asked, Depends(_asked)]) -> PlanPage:
    """What an update of a pipeline would do, and what would stop it; nothing is done."""
    command = as_command(asked.arguments(name))
    try:
        found = workspace.plan(
            name, only=asked.only, full_refresh=asked.everything or asked.refresh,
            even_if_lost=asked.even_if_lost, foreign=asked.foreign,
        )  # fmt: skip
    except LakeletError as error:
        return PlanPage(name, asked, [], [], [(error.message, error.hint or "")], command)
    steps = [
        Planned(str(one.dataset.name), one.dataset.kind, one.how, one.reason,
                str(one.details.get("note", "")), list(one.details.get("changed", ())))
        for one in found.decisions
    ]  # fmt: skip
    stops = [(stop.message, stop.hint or "") for stop in found.stops]
    return PlanPage(name, asked, steps, [str(one) for one in found.abandoned], stops, command)


def _pipeline(act: Act) -> str:
    name = act.where["pipeline"]
    if name not in act.workspace.pipelines():
        raise RequestError.not_found(f"there is no pipeline {name}; nothing was done.")
    return name


def update(act: Act) -> Done:
    """Begin an update of a pipeline, as a command of its own."""
    name = _pipeline(act)
    foreign = act.one("foreign") or "stop"
    if foreign not in ("stop", "adopt", "discard"):
        raise RequestError(422, "unfit", f"{foreign!r} is not known; nothing was done.")
    asked = Asked(
        act.every("only"), act.every("refresh"), bool(act.one("everything")),
        bool(act.one("even_if_lost")), bool(act.one("drop_abandoned")), foreign,
    )  # fmt: skip
    place = Links(None).pipeline(name)
    return begun(act, asked.arguments(name), back=place, place=place)


def stop(act: Act) -> Done:
    """Stop the running update of a pipeline; nothing of it is published."""
    name = _pipeline(act)
    number = act.workspace.stop_update(name)
    said = (
        f"Update {number} of {name} is asked to end. Nothing of it is published; what it made so "
        "far is used by the next update."
    )
    return Done(said, Links(None).pipeline(name), as_command(["stop", name]))


@dataclass(frozen=True)
class SchedulePage:
    """When a pipeline is updated by itself.

    Attributes:
        name: the pipeline.
        trigger: what it waits for now; None without a job.
        cron: the cron line looked at.
        on_table: the table it waits for.
        times: the next times that the cron line names.
        zone: the zone of these.
        wrong: what is wrong with the cron line.
    """

    name: str
    trigger: str | None
    cron: str
    on_table: str
    times: list[datetime]
    zone: str
    wrong: str


def schedule(
    workspace: Open,
    name: Known,
    cron: Annotated[str, Query(description="A cron line to look at.")] = "",
) -> SchedulePage:
    """When a pipeline is updated by itself, and the next times a cron line names."""
    settings = workspace.folder.settings.jobs.get(name)
    job = next((one for one in workspace.jobs() if one["pipeline"] == name), None)
    cron = cron.strip() or (settings.cron if settings else "")
    times: list[datetime] = []
    wrong = ""
    if cron:
        try:
            times = workspace.next_times(cron, _NEXT)
        except LakeletError as error:
            wrong = f"{error.message} {error.hint or ''}".strip()
    table = settings.on_table if settings else ""
    return SchedulePage(name, job["trigger"] if job else None, cron, table, times,
                        workspace.time_zone, wrong)  # fmt: skip


def set_schedule(act: Act) -> Done:
    """Give a pipeline a job, in the place of the one it has."""
    name = _pipeline(act)
    workspace = act.workspace
    when, cron, table = act.one("when"), act.one("cron"), act.one("on_table")
    words = {"cron": ["--cron", cron], "files": ["--on-files"], "table": ["--on-table", table]}
    before = next((job["trigger"] for job in workspace.jobs() if job["pipeline"] == name), "")
    has = bool(before)
    commands = [as_command(["jobs", "remove", name])] if has else []
    place = Links(None).pipeline(name, "schedule")
    if when == "never":
        if not has:
            raise RequestError(409, "refused", f"{name} has no job; nothing was changed.")
        workspace.remove_job(name)
        return Done(f"{name} has no job any more.", place, commands[0])
    if when not in words:
        raise RequestError(422, "unfit", f"{when!r} says not when; nothing was changed.")
    workspace.set_job(
        name, cron=cron if when == "cron" else "", on_files=when == "files",
        on_table=table if when == "table" else "",
    )  # fmt: skip
    commands.append(as_command(["jobs", "add", name, *words[when]]))
    instead = f", in the place of {before}" if has else ""
    return Done(f"{name} is updated by itself from now on{instead}.", place, "\n".join(commands))


def new(act: Act) -> Done:
    """Make a new pipeline from a template."""
    name = act.one("name")
    made = act.workspace.new_pipeline(name)
    command = as_command(["new", "pipeline", name])
    said = f"{made} is there. Edit it in your editor, then look at its plan."
    return Done(said, Links(None).pipeline(made.parent.name, "source"), command)


_PATH = "/pipelines/{pipeline}"
add_page(router, f"{_PATH}/plan", "pipeline/plan.html", plan)
add_page(router, f"{_PATH}/schedule", "pipeline/schedule.html", schedule)
add_act(router, f"{_PATH}/update", update)
add_act(router, f"{_PATH}/stop", stop)
add_act(router, f"{_PATH}/schedule", set_schedule)
add_act(router, "/pipelines", new)
