"""Servers of models that a workspace knows, and the engine of whichever model is meant."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lakelet.errors import EngineError, ModelNotFoundError
from lakelet.inference import Backend, Embedded
from lakelet.inference.estimating import Seen
from lakelet.inference.openai_server import OpenAIServer, served_names
from lakelet.inference.served import AnyModel, ServedModel, Server
from lakelet.workspace.secrets import resolve
from lakelet.workspace.store import open_store

if TYPE_CHECKING:
    from lakelet.models import ModelStore
    from lakelet.workspace import WorkspaceFolder

__all__ = ("backend_of", "served_model", "served_models", "servers")

_KEPT = 50
"""Prompts of a server and model whose counts are remembered."""


def servers(folder: WorkspaceFolder) -> dict[str, Server]:
    """The servers of a workspace by their names.

    Raises:
        SettingsError: a key is not where it is said to be.
    """
    return {
        name: Server(name, one.address, resolve(one.key, root=folder.root) if one.key else "",
                     one.window)
        for name, one in folder.settings.models.servers.items()
    }  # fmt: skip


def served_model(folder: WorkspaceFolder, name: str) -> ServedModel | None:
    """A model of a server by its name, ``SERVER/MODEL``; None where no server is called that.

    Raises:
        ModelNotFoundError: the name of a server alone.
    """
    called, mark, model = name.partition("/")
    if called not in folder.settings.models.servers:
        return None
    if not mark or not model:
        raise ModelNotFoundError(
            f"{called} is a server, and no model; nothing was asked.",
            hint=f"name a model of it: {called}/NAME; `lakelet models servers` lists them.",
        )
    return ServedModel(servers(folder)[called], model)


def served_models(folder: WorkspaceFolder) -> tuple[list[ServedModel], dict[str, str]]:
    """The models of all servers, and why a server told none, by its name."""
    found: list[ServedModel] = []
    wrong: dict[str, str] = {}
    for name, server in servers(folder).items():
        try:
            found += [ServedModel(server, one) for one in served_names(server)]
        except EngineError as error:
            wrong[name] = error.message
    return found, wrong


def backend_of(
    folder: WorkspaceFolder, store: ModelStore, model: AnyModel, *, raw: bool = False,
    client: str = "", keep: float | None = None,
) -> Backend:  # fmt: skip
    """The engine of a model, for one conversation.

    Args:
        folder: the workspace.
        store: the models of this machine.
        model: the model.
        raw: whether it goes on with a text, and has no use for a template.
        client: who asks.
        keep: seconds for which a model of this machine stays loaded.
    """
    if not isinstance(model, ServedModel):
        return Embedded(store, raw=raw, client=client, keep=keep)
    whose = (model.server.name, model.model)

    def seen() -> list[Seen]:
        with open_store(folder) as kept:
            rows = kept.execute(
                "SELECT length, tokens FROM server_counts WHERE server = ? AND model = ? "
                "ORDER BY time DESC LIMIT ?", (*whose, _KEPT),
            ).fetchall()  # fmt: skip
        return [Seen(row["length"], row["tokens"]) for row in rows]

    def learn(one: Seen) -> None:
        with open_store(folder) as kept:
            kept.execute(
                "INSERT INTO server_counts VALUES (?, ?, ?, ?, ?)",
                (*whose, time.time(), one.length, one.tokens),
            )
            kept.execute(
                "DELETE FROM server_counts WHERE server = ?1 AND model = ?2 AND time < (SELECT "
                "min(time) FROM (SELECT time FROM server_counts WHERE server = ?1 AND model = ?2 "
                "ORDER BY time DESC LIMIT ?3))", (*whose, _KEPT),
            )  # fmt: skip

    return OpenAIServer(model.server, model.model, seen, learn)
