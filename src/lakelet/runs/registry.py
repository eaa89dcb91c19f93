"""MLflow's registry of models changed: a run's model registered, an alias moved or taken off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lakelet.errors import CommandError
from lakelet.runs.client import mlflow_errors, quiet, tracked_there
from lakelet.runs.index.models import KeptModel, registered_models
from lakelet.runs.place import tracking_uri
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.steps import declare, step

__all__ = ("chosen_model", "drop_alias", "register_model", "set_alias")

_REGISTER = declare("registry.register", "the model is a version of a registered model")
_ALIAS = declare("registry.alias", "the alias means another version, or none")
_PLAIN = re.compile(r"[\w-]+", re.ASCII)
_VERSION = re.compile(r"[vV]\d+")
_LONGEST = 255


@contextmanager
def _registry(folder: WorkspaceFolder, what: str) -> Iterator[Any]:
    with (
        tracked_there(folder) as mlflow,
        quiet(),
        mlflow_errors(what, "the registry is as it was."),
    ):
        # A registry that the environment names elsewhere would not be the one that pages show.
        yield mlflow.MlflowClient(registry_uri=tracking_uri(folder))


def chosen_model(models: list[KeptModel], run: str, wanted: str) -> KeptModel:
    """The model of a run that a person means: by name or id, or the only one.

    Raises:
        CommandError: none is like that, or there are several.
    """
    fit = [one for one in models if not wanted or wanted in (one.name, one.id)]
    if len(fit) == 1:
        return fit[0]
    if not models:
        raise CommandError(
            f"the run {run} kept no model; nothing was registered.",
            hint='`run.model(model, "name")` keeps one with its run.',
        )
    known = ", ".join(f"{one.name} ({one.id})" for one in models)
    raise CommandError(
        f"the run {run} kept {'several models' if fit else f'no model {wanted}'}; nothing was "
        "registered.",
        hint=f"name one of them: {known}.",
    )


def register_model(folder: WorkspaceFolder, model: KeptModel, run_id: str, name: str) -> int:
    """Make a run's model the next version of a registered model, which is made where there is none.

    Returns:
        The version; where the model is one under that name already, that one.

    Raises:
        CommandError: it is no name.
        StorageError: MLflow said no.
    """
    if not name.strip() or name != name.strip() or set("/:%") & set(name) or len(name) > _LONGEST:
        raise CommandError(
            f"{name!r} is no name of a registered model; nothing was registered.",
            hint="a name has no / : % and no blanks around it.",
        )
    for one in model.registered:
        if one.name == name:
            return one.version
    with _registry(folder, f"registering {model.name} as {name}") as client, step(_REGISTER):
        if not registered_models(folder, name):
            client.create_registered_model(name)
        made = client.create_model_version(
            name, source=model.uri, run_id=run_id, model_id=model.id
        )  # fmt: skip
        return int(made.version)


def check_alias(alias: str) -> None:
    """Refuse what is no alias.

    Raises:
        CommandError: it is none.
    """
    if not _PLAIN.fullmatch(alias) or _VERSION.fullmatch(alias) or alias.lower() == "latest":
        raise CommandError(
            f"{alias!r} is no alias; nothing was changed.",
            hint="an alias is letters, digits, _ and -; `latest` and `v1` have a meaning of their "
            "own in MLflow.",
        )


def set_alias(folder: WorkspaceFolder, name: str, alias: str, version: int) -> None:
    """Let an alias of a registered model mean one of its versions.

    Raises:
        CommandError: no such registered model or version, or it is no alias.
        StorageError: MLflow said no.
    """
    check_alias(alias)
    if version not in {one.version for one in _model(folder, name).versions}:
        raise CommandError(f"{name} has no version {version}; nothing was changed.")
    with _registry(folder, f"moving the alias {alias} of {name}") as client, step(_ALIAS):
        client.set_registered_model_alias(name, alias, str(version))


def drop_alias(folder: WorkspaceFolder, name: str, alias: str) -> None:
    """Take an alias off a registered model; its versions stay.

    Raises:
        CommandError: no such registered model, or it has no such alias.
        StorageError: MLflow said no.
    """
    if alias not in _model(folder, name).aliases:
        raise CommandError(f"{name} has no alias {alias!r}; nothing was changed.")
    with _registry(folder, f"taking the alias {alias} off {name}") as client, step(_ALIAS):
        client.delete_registered_model_alias(name, alias)


def _model(folder: WorkspaceFolder, name: str) -> Any:
    found = registered_models(folder, name)
    if not found:
        known = ", ".join(one.name for one in registered_models(folder))
        raise CommandError(
            f"no model is registered as {name!r}; nothing was changed.",
            hint=f"there are: {known}."
            if known
            else "`lakelet run RUN --register NAME` makes one.",
        )
    return found[0]
