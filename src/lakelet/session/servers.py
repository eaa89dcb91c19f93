"""Servers of models that a workspace knows, and the engine of whichever model is meant."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lakelet.errors import CommandError, EngineError, ModelFileError, ModelNotFoundError
from lakelet.inference import Backend, Embedded, Loaded
from lakelet.inference.dialects import served_names, server_backend
from lakelet.inference.estimating import Seen
from lakelet.inference.probing import Finding, Plan, plan, probe
from lakelet.inference.served import AnyModel, ServedModel, Server
from lakelet.workspace.secrets import resolve
from lakelet.workspace.store import open_store

if TYPE_CHECKING:
    from lakelet.models import ModelStore
    from lakelet.session.workspace import Workspace
    from lakelet.workspace import WorkspaceFolder

__all__ = (
    "Probed",
    "backend_of",
    "last_probe",
    "probe_model",
    "served_model",
    "served_models",
    "servers",
)

_KEPT = 50
"""Prompts of a server and model whose counts are remembered."""


def servers(folder: WorkspaceFolder) -> dict[str, Server]:
    """The servers of a workspace by their names.

    Raises:
        SettingsError: a key is not where it is said to be.
    """
    return {
        name: Server(name, one.address, resolve(one.key, root=folder.root) if one.key else "",
                     one.window, one.api)
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
    probed = last_probe(folder, name)
    seen = frozenset(one.what for one in probed.findings if one.state == "ok") if probed else ()
    return ServedModel(servers(folder)[called], model, frozenset(seen))


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
        own = folder.settings.models.llama_server
        return Embedded(store, raw=raw, client=client, keep=keep, server=own)
    whose = (model.server.name, model.model)

    def seen() -> list[Seen]:
        with open_store(folder) as kept:
            rows = kept.execute(
                "SELECT pieces, tokens FROM server_counts WHERE server = ? AND model = ? "
                "ORDER BY time DESC LIMIT ?", (*whose, _KEPT),
            ).fetchall()  # fmt: skip
        return [Seen(row["pieces"], row["tokens"]) for row in rows]

    def learn(one: Seen) -> None:
        with open_store(folder) as kept:
            kept.execute(
                "INSERT INTO server_counts VALUES (?, ?, ?, ?, ?)",
                (*whose, time.time(), one.pieces, one.tokens),
            )
            kept.execute(
                "DELETE FROM server_counts WHERE server = ?1 AND model = ?2 AND time < (SELECT "
                "min(time) FROM (SELECT time FROM server_counts WHERE server = ?1 AND model = ?2 "
                "ORDER BY time DESC LIMIT ?3))", (*whose, _KEPT),
            )  # fmt: skip

    return server_backend(model.server, model.model, seen, learn)


@dataclass(frozen=True)
class Probed:
    """What a probe found out, and when.

    Attributes:
        time: when.
        findings: in the order in which they were found out.
    """

    time: datetime
    findings: list[Finding]


def probe_model(
    workspace: Workspace, name: str, *, context: int | None = None,
    allow: Callable[[ServedModel, Plan], bool] = lambda _model, _plan: True,
    told: Callable[[Finding], None] = lambda _one: None,
) -> Probed:  # fmt: skip
    """Find out what a server does with what it is sent, and keep what was found.

    Args:
        workspace: the workspace.
        name: the model, ``SERVER/MODEL``.
        context: tokens of a conversation there; as the server says without it.
        allow: asked before anything is sent, with how much that is.
        told: told of each finding as it comes.

    Raises:
        CommandError: it is no model of a server, or was not allowed; nothing was sent.
        EngineError: the server does not answer.
    """
    model = workspace.chosen_model(name)
    if not isinstance(model, ServedModel):
        raise CommandError(
            f"{model.name} is run by Lakelet's own engine; a probe asks servers.",
            hint="`lakelet models servers` lists their models.",
        )
    backend = server_backend(model.server, model.model)
    window = 0
    for event in backend.load(model.name, context=context):
        if isinstance(event, Loaded):
            window = event.window
    if not allow(model, plan(window)):
        raise CommandError("nothing was sent.")
    templates = {}
    for one in workspace.models():
        try:
            templates[one.name] = one.card.template or ""
        except ModelFileError:
            continue
    found = []
    for finding in probe(backend, window, backend.props, templates):
        told(finding)
        found.append(finding)
    now = time.time()
    with open_store(workspace.folder) as store:
        store.execute(
            "INSERT OR REPLACE INTO probes VALUES (?, ?, ?)",
            (model.name, now, json.dumps([asdict(one) for one in found])),
        )
    return Probed(datetime.fromtimestamp(now, UTC), found)


def last_probe(folder: WorkspaceFolder, name: str) -> Probed | None:
    """What the last probe of a model found out; None where there was none."""
    with open_store(folder) as store:
        row = store.execute("SELECT * FROM probes WHERE model = ?", (name,)).fetchone()
    if row is None:
        return None
    found = [Finding(**one) for one in json.loads(row["findings"])]
    return Probed(datetime.fromtimestamp(row["time"], UTC), found)
