"""Language models as inputs of runs: which weights, by what engine, how; are they still there.

A run that asks a model depends on it as on a table's version. What is asked is the run's own; what
the weights are and how they were drawn from is what a repetition needs.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from lakelet.errors import LakeletError
from lakelet.workspace.notices import ModelUsed, heard, tell

if TYPE_CHECKING:
    from lakelet.inference import Begun, Sampling
    from lakelet.inference.served import AnyModel
    from lakelet.runs.index.reading import RunRecord
    from lakelet.session.workspace import Workspace
    from lakelet.workspace import WorkspaceFolder

__all__ = ("tell_used", "unmatched_models")

_ENGINE = "xllamacpp"


def tell_used(folder: WorkspaceFolder, model: AnyModel, begun: Begun, sampling: Sampling) -> None:
    """Tell a run that is under way that a model is asked in it."""
    if not heard(folder):
        return
    told = {
        **sampling.as_fields(), "thought_tokens": sampling.thought_tokens, "window": begun.window,
        "raw": begun.conversation.raw or None, **begun.conversation.template,
    }  # fmt: skip
    settings = tuple(
        (name, value if isinstance(value, str | float | int | bool) else str(value))
        for name, value in sorted(told.items()) if value is not None
    )  # fmt: skip
    engine = _engine() if model.digest else "a server"
    tell(folder, ModelUsed(model.name, model.digest, engine, settings))


def _engine() -> str:
    try:
        return f"{_ENGINE} {version(_ENGINE)}"
    except PackageNotFoundError:
        return _ENGINE


def unmatched_models(workspace: Workspace, run: RunRecord) -> list[str]:
    """What is not as it was of the models that a run asked."""
    found, engine = [], _engine()
    for one in run.inputs:
        if one.kind != "model":
            continue
        then = str(one.source.get("model", ""))
        if not then:
            found.append(f"the model {one.name} is a server's: what it is now is not known")
            continue
        try:
            now = workspace.model(one.name).digest
        except LakeletError as error:
            found.append(f"the model {one.name}: {error.message.rstrip('.')}")
            continue
        if now != then:
            found.append(f"the model {one.name} is {now[:12]} here, was {then[:12]}")
        elif one.source.get("engine") != engine:
            found.append(f"the engine is {engine}, was {one.source.get('engine')}")
    return sorted(set(found))
