"""A pipeline's folder: its files read into one set of datasets, and checked against one another."""

from __future__ import annotations

import dataclasses
import hashlib
import tomllib
from collections.abc import Iterable
from pathlib import Path

from lakelet.errors import PipelineError, SettingsError, nearest
from lakelet.lake import TableName
from lakelet.lake.names import SYSTEM_SCHEMA
from lakelet.pipelines.definitions.cdc_rules import check_cdc
from lakelet.pipelines.definitions.dataset import Dataset, Pipeline
from lakelet.pipelines.definitions.plain_names import PLAIN, is_plain
from lakelet.pipelines.definitions.python_file import read_python_files
from lakelet.pipelines.definitions.sql_file import LooseFlow, read_sql_file
from lakelet.workspace import WorkspaceFolder

__all__ = ("PIPELINES_FOLDER", "pipeline_names", "read_pipeline")

PIPELINES_FOLDER = "pipelines"
_SETTINGS = "pipeline.toml"
_KNOWN = ("schema",)


def pipeline_names(workspace: WorkspaceFolder) -> list[str]:
    """The names of a workspace's pipelines: its folders with ``.sql`` or ``.py`` files."""
    root = workspace.root / PIPELINES_FOLDER
    if not root.is_dir():
        return []
    return sorted(
        folder.name
        for folder in root.iterdir()
        if folder.is_dir() and not folder.name.startswith((".", "_")) and _files(folder)
    )


def read_pipeline(workspace: WorkspaceFolder, name: str) -> Pipeline:
    """All that a pipeline's folder declares.

    Raises:
        PipelineError: no such pipeline, or its files contradict one another.
        SqlError: with the file and line of what cannot be read.
    """
    folder = workspace.root / PIPELINES_FOLDER / name
    files = _files(folder) if folder.is_dir() else []
    if not files:
        close = nearest(name, pipeline_names(workspace))
        raise PipelineError(
            f"there is no pipeline {name}: no .sql or .py file in {PIPELINES_FOLDER}/{name}/.",
            hint=f"did you mean {close}?" if close else f"`lakelet new pipeline {name}` makes one.",
        )
    schema = _schema(folder, name)
    texts = [(file, file.read_bytes()) for file in files]
    declared: list[Dataset | LooseFlow] = []
    for file, raw in texts:
        if file.suffix == ".sql":
            shown = str(file.relative_to(workspace.root))
            declared += read_sql_file(_decoded(raw, shown), shown, schema)
    declared += read_python_files(
        workspace, [f for f in files if f.suffix == ".py"], schema, folder
    )
    digest = hashlib.sha256(repr([(f.name, raw) for f, raw in texts]).encode()).hexdigest()
    return Pipeline(name, schema, _joined(name, declared), digest)


def _files(folder: Path) -> list[Path]:
    """The files of a pipeline, folders inside it included."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix in (".sql", ".py")
        and file.is_file()
        and not any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    )


def _decoded(raw: bytes, shown: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise PipelineError(f"{shown}:{line}: this is not UTF-8 text.") from None


def _schema(folder: Path, name: str) -> str:
    path = folder / _SETTINGS
    raw: dict[str, object] = {}
    if path.is_file():
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: this is not valid TOML: {error}.") from None
    for key in raw:
        if key not in _KNOWN:
            raise SettingsError.unknown(key, _KNOWN, where=f"{folder.name}/{_SETTINGS}")
    schema = raw.get("schema", name)
    if not isinstance(schema, str):
        raise SettingsError(
            f"{folder.name}/{_SETTINGS}: schema is {schema!r}, not a text; nothing was done.",
            hint=f'write it in quotes, such as schema = "{name}".',
        )
    if schema.lower() != SYSTEM_SCHEMA and is_plain(schema):
        return TableName.of(schema, "x").schema
    raise PipelineError(
        f"{PIPELINES_FOLDER}/{folder.name}: {schema!r} cannot be the schema of a pipeline's "
        "tables; nothing was done.",
        hint=f"{PLAIN}, and not {SYSTEM_SCHEMA}: rename the folder, or write another schema = … "
        f"in its {_SETTINGS}.",
    )


def _joined(pipeline: str, declared: Iterable[Dataset | LooseFlow]) -> dict[TableName, Dataset]:
    datasets: dict[TableName, Dataset] = {}
    loose: list[LooseFlow] = []
    for one in declared:
        if isinstance(one, LooseFlow):
            loose.append(one)
            continue
        if one.name in datasets:
            first = datasets[one.name].place
            raise PipelineError(f"{one.place}: {one.name} is declared already, at {first}.")
        if one.name.schema == SYSTEM_SCHEMA or one.name.is_companion:
            raise PipelineError(f"{one.place}: {one.name} is a name that Lakelet keeps for itself.")
        if not (is_plain(one.name.schema) and is_plain(one.name.table)):
            raise PipelineError(
                f"{one.place}: {one.name} cannot be the name of a dataset.", hint=f"{PLAIN}."
            )
        datasets[one.name] = one
    for flow in loose:
        datasets[flow.target] = _with_flow(datasets, flow)
    for dataset in datasets.values():
        if not dataset.flows:
            raise PipelineError(
                f"{dataset.place}: no flow fills the streaming table {dataset.name}.",
                hint="CREATE FLOW name AS INSERT INTO … BY NAME SELECT … FROM STREAM … does.",
            )
        check_cdc(dataset)
    return datasets


def _with_flow(datasets: dict[TableName, Dataset], loose: LooseFlow) -> Dataset:
    place = loose.flow.place
    target = datasets.get(loose.target)
    if target is None:
        close = nearest(str(loose.target), map(str, datasets))
        raise PipelineError(
            f"{place}: the flow {loose.flow.name} goes into {loose.target}, which the pipeline "
            "does not declare.",
            hint=f"did you mean {close}?" if close else "CREATE OR REFRESH STREAMING TABLE does.",
        )
    if target.kind != "streaming table":
        raise PipelineError(f"{place}: a flow goes into a streaming table, not a {target.kind}.")
    if any(flow.name == loose.flow.name for flow in target.flows):
        raise PipelineError(f"{place}: there is a flow {loose.flow.name} already.")
    return dataclasses.replace(target, flows=(*target.flows, loose.flow))
