"""Which model is meant where none is named."""

from __future__ import annotations

from lakelet.errors import ModelChoiceError, ModelNotFoundError
from lakelet.inference.served import AnyModel
from lakelet.models import ModelStore
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.steps import declare, write_file

__all__ = ("chosen_model", "note_used")

_LAST = declare("models.last", "the workspace knows which model it used last")
_FILE = "last_model"


def chosen_model(folder: WorkspaceFolder, store: ModelStore, name: str) -> AnyModel:
    """The model of a name; without one the default, the last used here, or the only one.

    Raises:
        ModelNotFoundError: neither the store nor a server has one of that name.
        ModelChoiceError: there are several, and none of these is said; or there is none.
    """
    if name:
        return _named(folder, store, name)
    if default := folder.settings.models.default:
        try:
            return _named(folder, store, default)
        except ModelNotFoundError as error:
            raise ModelNotFoundError(
                f"default in [models] of lakelet.toml is {default!r}: {error.message}",
                hint=error.hint,
            ) from None
    try:
        return _named(folder, store, (folder.private / _FILE).read_text("utf-8"))
    except (OSError, ModelNotFoundError):
        pass  # none was used, or it is gone
    models = [model for model in store.models() if model.runs]
    if len(models) == 1:
        return models[0]
    if not models:
        raise ModelChoiceError(
            "there are no models in the store yet that an engine here runs; nothing was asked.",
            hint="`lakelet models add smollm2` fetches a small one, `lakelet models add FILE.gguf` "
            "adds one that is on this machine.",
        )
    names = [model.name for model in models]
    raise ModelChoiceError(
        "there are several models, and none was named; nothing was asked.",
        hint="name one, or say default in [models] of lakelet.toml: " + ", ".join(names) + ".",
        names=names,
    )


def _named(folder: WorkspaceFolder, store: ModelStore, name: str) -> AnyModel:
    if folder.settings.models.servers:
        from lakelet.session.servers import served_model

        found = served_model(folder, name)
        if found is not None:
            return found
    return store.model(name)


def note_used(folder: WorkspaceFolder, model: AnyModel) -> None:
    """Remember which model was used last here."""
    write_file(_LAST, folder.private / _FILE, model.name.encode())
