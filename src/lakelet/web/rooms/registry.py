"""Registered models: their versions, the runs that kept them, and aliases moved between them.

Changes are commands: MLflow is imported there and not by the server.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lakelet.errors import CommandError, RunNotFoundError
from lakelet.runs.index.models import ModelVersion, RegisteredModel
from lakelet.runs.place import tracking_uri
from lakelet.web.acts import Act, Done, add_act
from lakelet.web.answer import Open, add_page
from lakelet.web.code import as_command, model_as_python
from lakelet.web.failure import RequestError
from lakelet.web.links import Links
from lakelet.web.room import Room
from lakelet.web.rooms.commands import begun

__all__ = ("router",)

router = Room(["runs"])


@dataclass(frozen=True)
class Registered:
    """A registered model in a list.

    Attributes:
        name: its name.
        versions: how many versions it has.
        newest: the newest; None where it has none.
        made: when that was registered.
        aliases: its aliases, and the version each means.
    """

    name: str
    versions: int
    newest: int | None
    made: datetime | None
    aliases: dict[str, int]


@dataclass(frozen=True)
class Registry:
    """The registered models.

    Attributes:
        models: in the order of their names.
    """

    models: list[Registered]


def registry(workspace: Open) -> Registry:
    """The registered models."""
    return Registry([_listed(one) for one in workspace.registered_models()])


def _listed(model: RegisteredModel) -> Registered:
    newest = model.versions[0] if model.versions else None
    number, made = (None, None) if newest is None else (newest.version, newest.made)
    return Registered(model.name, len(model.versions), number, made, model.aliases)


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes:
        model: it.
        run: folders and name of the run that kept it; '' where that is not known.
    """

    model: ModelVersion
    run: str


@dataclass(frozen=True)
class RegisteredPage:
    """A registered model.

    Attributes:
        name: its name.
        versions: its versions, the newest first.
        aliases: its aliases, and the version each means.
        code: Python that loads it, by the first alias or the newest version.
        command: what lists its versions in a terminal.
    """

    name: str
    versions: list[Version]
    aliases: dict[str, int]
    code: str
    command: str


def registered(workspace: Open, name: str) -> RegisteredPage:
    """A registered model: its versions, the runs that kept them, its aliases."""
    model = _model(workspace, name)
    alias = next(iter(model.aliases), "")
    which = f"@{alias}" if alias else f"/{model.versions[0].version}" if model.versions else ""
    return RegisteredPage(
        name, [Version(one, _run(workspace, one.run)) for one in model.versions], model.aliases,
        model_as_python(tracking_uri(workspace.folder), f"models:/{name}{which}"),
        as_command(_arguments(name)),
    )  # fmt: skip


def _run(workspace: Open, run: str) -> str:
    try:
        return workspace.run_record(run).full_name if run else ""
    except RunNotFoundError:
        return ""


def _model(workspace: Open, name: str) -> RegisteredModel:
    for one in workspace.registered_models(name):
        return one
    raise RequestError.not_found(
        f"no model is registered as {name}.", "a run's page registers one of its models."
    )


def _arguments(name: str, *options: str) -> list[str]:
    return ["registry", *options, *(["--"] if name.startswith("-") else []), name]


def move_alias(act: Act) -> Done:
    """Let an alias mean a version, or no version any more."""
    name = act.where["name"]
    aliases = _model(act.workspace, name).aliases
    alias, version = act.one("alias"), act.one("version")
    if not alias:
        raise CommandError("an alias has a name; nothing was changed.")
    if act.one("seen") != str(aliases.get(alias, "")) and "seen" in act.form:
        now = f"means version {aliases[alias]}" if alias in aliases else "is gone"
        raise RequestError(
            409, "changed", f"{alias} {now} since this page was made; nothing was changed.",
            "look at it as it is now.",
        )  # fmt: skip
    if version and str(aliases.get(alias)) == version:
        raise CommandError(f"{alias} means version {version} already; nothing was changed.")
    words = ["--alias", f"{alias}={version}"] if version else ["--drop-alias", alias]
    place = Links(None).registered(name)
    return begun(act, _arguments(name, *words), back=place, place=place)


def register(act: Act) -> Done:
    """Register a model that a run kept."""
    run = act.workspace.run_record(act.where["run"])
    name, model, alias = act.one("name"), act.one("model"), act.one("alias")
    if not name:
        raise CommandError("a registered model has a name; nothing was registered.")
    words = ["run", run.id, "--register", name, "--model", model]
    if alias:
        words += ["--alias", alias]
    return begun(act, words, back=f"{Links(None).run(run.id)}/change")


add_page(router, "/registry", "registry.html", registry)
add_page(router, "/registry/{name}", "registered.html", registered)
add_act(router, "/registry/{name}/alias", move_alias)
add_act(router, "/runs/{run}/register", register)
