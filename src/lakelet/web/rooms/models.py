"""Language models of this machine: a list with wishes, and each one's card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query

from lakelet.errors import LakeletError
from lakelet.inference.dialects import served_names
from lakelet.inference.templates import template_fault
from lakelet.models import Card, Model
from lakelet.models.wishes import wishes_of
from lakelet.session import Workspace
from lakelet.session.servers import Probed, last_probe, servers
from lakelet.web.answer import Open, add_page
from lakelet.web.code import as_command
from lakelet.web.failure import RequestError
from lakelet.web.room import Room
from lakelet.workspace.store import open_store

__all__ = ("router",)

router = Room(["models"])
_MOST_RUNS = 20
_FLAGS = ("vision", "thinks")


@dataclass(frozen=True)
class Listed:
    """A model in a list.

    Attributes:
        name: its name.
        bytes: of its files.
        card: what its file says; None where it cannot be read.
        wrong: why it cannot be read.
        loaded: whether it is loaded now.
    """

    name: str
    bytes: int
    card: Card | None
    wrong: str
    loaded: bool


@dataclass(frozen=True)
class Models:
    """The models of the store, or those that are as wished.

    Attributes:
        models: in order of their names.
        all: how many there are.
        wrong: what is wrong with the wishes.
        wishes: as they were written.
        command: what lists them in a terminal.
        servers: servers of models that the workspace knows, with their addresses.
    """

    models: list[Listed]
    all: int
    wrong: str
    wishes: dict[str, str]
    command: str
    servers: dict[str, str]


def models(
    workspace: Open,
    licence: Annotated[str, Query(description="Licences or classes, one of which it has.")] = "",
    language: Annotated[str, Query(description="Languages, all of which it knows.")] = "",
    context: Annotated[str, Query(description="Tokens it takes at least.")] = "",
    size: Annotated[str, Query(description="The most its files may take.")] = "",
    vision: Annotated[str, Query(description="1 for those that take pictures.")] = "",
    thinks: Annotated[str, Query(description="1 for those that think before they answer.")] = "",
) -> Models:
    """The language models of this machine."""
    asked = {"licence": licence.strip(), "language": language.strip(),
             "context": context.strip(), "size": size.strip(),
             "vision": vision.strip(), "thinks": thinks.strip()}  # fmt: skip
    loaded = {name for one in workspace.engine_host.loaded() for name in one["names"]}
    found = [_listed(model, loaded) for model in workspace.models()]
    wrong = ""
    shown = found
    if any(asked.values()):
        try:
            wishes = wishes_of(
                licence=asked["licence"], language=asked["language"], context=asked["context"],
                size=asked["size"], vision=bool(asked["vision"]), thinks=bool(asked["thinks"]),
            )  # fmt: skip
            shown = [one for one in found if one.card is not None and wishes.met_by(one.card)]
        except LakeletError as error:
            wrong = error.message
    said = [part for name, value in asked.items() if value
            for part in ((f"--{name}",) if name in _FLAGS else (f"--{name}", value))]  # fmt: skip
    named = workspace.folder.settings.models.servers
    return Models(
        shown, len(found), wrong, asked, as_command(["models", *said]),
        {name: one.address for name, one in named.items()},
    )  # fmt: skip


def _listed(model: Model, loaded: set[str]) -> Listed:
    try:
        return Listed(model.name, model.bytes, model.card, "", model.name in loaded)
    except LakeletError as error:
        return Listed(model.name, model.bytes, None, error.message, model.name in loaded)


@dataclass(frozen=True)
class ModelPage:
    """A model.

    Attributes:
        model: its name and files.
        card: what its file says.
        sampling: how it is sampled: name, value, and where that comes from.
        loaded: how it is loaded; None where it is not.
        talks: conversations with it that are kept: id, what was asked first, messages.
        runs: the newest runs that asked it: id, and what they are called.
        command: what shows it in a terminal.
        mark: why it is not loaded any more; '' where nothing is known against it.
        fault: what is wrong with its template; '' for nothing.
    """

    model: Model
    card: Card
    sampling: list[tuple[str, float, str]]
    loaded: dict[str, Any] | None
    talks: list[tuple[str, str, int]]
    runs: list[tuple[str, str]]
    command: str
    mark: str
    fault: str


def model(workspace: Open, name: str) -> ModelPage:
    """A language model: its card, its template, how it is sampled."""
    found = workspace.model(name)
    how = workspace.sampling_of(found)
    loaded = [one for one in workspace.engine_host.loaded() if found.name in one["names"]]
    talks = [(one.id, one.title, one.messages) for one in workspace.conversations()
             if one.model == found.name]  # fmt: skip
    return ModelPage(
        found, found.card,
        [(key, value, source) for key, (value, source) in how.every.items()],
        loaded[0] if loaded else None, talks[:20], _runs(workspace, found),
        as_command(["models", "show", found.name]), workspace.model_mark(found),
        template_fault(found.card.template),
    )  # fmt: skip


def _runs(workspace: Workspace, found: Model) -> list[tuple[str, str]]:
    """The newest runs that asked a model."""
    workspace.refresh_runs()
    with open_store(workspace.folder) as store:
        rows = store.execute(
            "SELECT DISTINCT r.id, r.experiment || '/' || r.name AS called, r.started FROM "
            "run_inputs i JOIN runs r ON r.id = i.run_id WHERE i.kind = 'lakelet_model' AND "
            "i.name = ? AND r.deleted = 0 ORDER BY r.started DESC LIMIT ?",
            (found.name, _MOST_RUNS),
        ).fetchall()
    return [(row["id"], row["called"]) for row in rows]


@dataclass(frozen=True)
class Served:
    """A model of a server.

    Attributes:
        name: its name here.
        probed: what the last probe of it found out; None where there was none.
        command: what probes it in a terminal.
    """

    name: str
    probed: Probed | None
    command: str


@dataclass(frozen=True)
class ServerPage:
    """A server of models.

    Attributes:
        name: what it is called here.
        address: of its API.
        window: tokens of a conversation there, as lakelet.toml says; 0 where it does not.
        models: its models.
        wrong: why it tells none; '' where it does.
    """

    name: str
    address: str
    window: int
    models: list[Served]
    wrong: str


def server(workspace: Open, name: str) -> ServerPage:
    """A server of models: what it has, and what probes found out of it."""
    known = servers(workspace.folder).get(name)
    if known is None:
        raise RequestError.not_found(
            f"lakelet.toml names no server {name}.", "[models.servers.NAME] would."
        )
    found: list[str] = []
    wrong = ""
    try:
        found = served_names(known)
    except LakeletError as error:
        wrong = error.message
    told = [f"{name}/{one}" for one in found]
    return ServerPage(
        name, known.address, known.window,
        [Served(one, last_probe(workspace.folder, one), as_command(["models", "probe", one]))
         for one in told], wrong,
    )  # fmt: skip


add_page(router, "/models", "models.html", models)
add_page(router, "/models/{name}", "model.html", model)
add_page(router, "/models/servers/{name}", "server.html", server)
