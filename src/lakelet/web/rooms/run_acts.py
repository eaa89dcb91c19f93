"""A run renamed, moved, tagged, archived, brought back: what it would un-pin, and doing it.

Each begins the command that a person would type: MLflow is imported there and not by the server.
"""

from __future__ import annotations

from dataclasses import dataclass

from lakelet.errors import CommandError
from lakelet.session.unpinned import Unpinned
from lakelet.web.acts import Act, Done, add_act
from lakelet.web.answer import Open, add_page
from lakelet.web.code import as_command
from lakelet.web.failure import RequestError
from lakelet.web.links import Links
from lakelet.web.room import Room
from lakelet.web.rooms.altering import refuse_nameless
from lakelet.web.rooms.commands import begun
from lakelet.web.rooms.runs import RunRow, row_of

__all__ = ("router",)

router = Room(["runs"])
_TAGS = 60
_OWN = ("mlflow.", "lakelet.")


@dataclass(frozen=True)
class ChangingRun:
    """What can be changed of a run, and what archiving it would let go of.

    Attributes:
        run: the run.
        tags: its tags, those of MLflow and Lakelet left out.
        unpinned: versions that would be held for no run any more.
        archive: what archives it in a terminal.
        models: the models it kept: id, name, and what each is registered as.
        names: the registered models there are.
    """

    run: RunRow
    tags: dict[str, str]
    unpinned: list[Unpinned]
    archive: str
    models: list[tuple[str, str, str]]
    names: list[str]


def changing_run(workspace: Open, run: str) -> ChangingRun:
    """A run's name, folder and tags, and what archiving it would un-pin."""
    record = workspace.run_record(run)
    models = [
        (one.id, one.name, ", ".join(f"{v.name} {v.version}" for v in one.registered))
        for one in workspace.run_models(record.id)
    ]
    return ChangingRun(
        row_of(record), _tags(record.tags), workspace.unpinned_by(record.id),
        as_command(["run", record.id[:8], "--archive"]), models,
        [one.name for one in workspace.registered_models()] if models else [],
    )  # fmt: skip


def _tags(tags: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in sorted(tags.items()) if not name.startswith(_OWN)}


def change_run(act: Act) -> Done:
    """Rename, move and tag a run, whatever of these differs from what it is."""
    run = act.workspace.run_record(act.where["run"])
    _refuse_other(act, f"{run.folder}/{run.name}")
    name, folder = act.one("name"), act.one("folder").strip("/")
    words: list[str] = []
    if name != run.name:
        words += ["--rename", name]
    if folder != run.folder:
        words += ["--move", folder]
    now = _tags(run.tags)
    for number in range(_TAGS):
        tag, value = act.one(f"tag-{number}"), act.one(f"value-{number}")
        refuse_nameless(tag, value)
        if tag in now and f"off-{number}" in act.form:
            words += ["--untag", tag]
        elif "=" in tag:
            raise CommandError(f"{tag!r} is no name of a tag here; nothing was changed.")
        elif tag and now.get(tag) != value:
            words += ["--tag", f"{tag}={value}"]
    if not words:
        raise CommandError("nothing was changed: all of it is as it was.")
    place = Links(None).run(run.id)
    return begun(act, ["run", run.id, *words], back=place, place=place)


def _refuse_other(act: Act, now: str) -> None:
    if act.one("seen") != now:
        raise RequestError(
            409, "changed", f"the run is {now} since this page was made; nothing was changed.",
            "look at it as it is now.",
        )  # fmt: skip


def archive(act: Act) -> Done:
    """Put a run away."""
    run = act.workspace.run_record(act.where["run"])
    _refuse_other(act, f"{run.folder}/{run.name}")
    return begun(act, ["run", run.id, "--archive"], back="/archived-runs")


@dataclass(frozen=True)
class Archived:
    """Runs that were put away.

    Attributes:
        runs: id, folder and name of each, the newest first.
    """

    runs: list[tuple[str, str, str]]


def archived(workspace: Open) -> Archived:
    """Runs that were put away, and can be brought back."""
    return Archived(workspace.archived_runs())


def restore(act: Act) -> Done:
    """Bring back a run that was put away."""
    run = act.one("run")
    if run not in {one[0] for one in act.workspace.archived_runs()}:
        raise CommandError("this run is not archived; nothing was changed.")
    return begun(act, ["run", run, "--restore"], back=Links(None).run(run))


add_page(router, "/runs/{run}/change", "run_change.html", changing_run)
add_act(router, "/runs/{run}/change", change_run)
add_act(router, "/runs/{run}/archive", archive)
add_page(router, "/archived-runs", "archived_runs.html", archived)
add_act(router, "/archived-runs", restore)
