"""Answering what a pipeline's Python files declare."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lakelet.errors import LakeletError, PipelineError
from lakelet.pipelines.definitions.dataset import Dataset, Flow, Place
from lakelet.pipelines.definitions.sql_file import LooseFlow
from lakelet.pipelines.python.child.importing import import_files, loaded_files
from lakelet.pipelines.python.code.packages import Packages
from lakelet.pipelines.python.code.reached import code_of
from lakelet.pipelines.python.code.source_file import Modules
from lakelet.pipelines.python.declared import DeclaredFlow, Output, full_name
from lakelet.pipelines.python.records import to_record

__all__ = ("describe",)


def describe(order: Mapping[str, Any]) -> dict[str, Any]:
    """The datasets and flows of a pipeline's files, and the files and packages they rest on.

    Raises:
        PipelineError: with file and line.
    """
    root, folder = Path(order["root"]), Path(order["folder"])
    collected = import_files(root, folder, order["files"])
    modules, packages = Modules(root, [folder, root]), Packages()
    schema = order["schema"]
    own = {flow.name: flow for flow in collected.flows if flow.own}
    found: list[Dataset | LooseFlow] = []
    for output in collected.outputs:
        flow = own.get(output.name)
        place = _place(root, output)
        flows = () if flow is None else (_flow(root, flow, schema, modules, packages),)
        try:
            name = full_name(output.name, schema)
        except LakeletError as error:
            raise PipelineError(f"{place}: {error.message}", hint=error.hint) from None
        if output.kind == "temporary view" and output.expectations:
            raise PipelineError(
                f"{place}: {name} is a temporary view, whose rows are not checked.",
                hint="expectations belong to the datasets that read it.",
            )
        found.append(
            Dataset(
                name, output.kind, place, flows, output.comment, output.columns,
                tuple(output.expectations), output.partition_by, output.cluster_by,
                output.properties,
            )
        )  # fmt: skip
    for flow in collected.flows:
        if not flow.own:
            target = full_name(flow.target, schema)
            found.append(LooseFlow(target, _flow(root, flow, schema, modules, packages)))
    files = {*loaded_files(root), *(modules.files())}
    return {
        "declared": [to_record(one) for one in found],
        "files": {
            str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(files)
        },
        "packages": sorted(packages.places.values()),
    }


def _place(root: Path, one: Output | DeclaredFlow) -> Place:
    path = Path(one.file)
    return Place(str(path.relative_to(root) if path.is_relative_to(root) else path), one.line)


def _flow(
    root: Path, flow: DeclaredFlow, schema: str, modules: Modules, packages: Packages
) -> Flow:
    name = str(full_name(flow.name, schema)) if flow.own else flow.name
    if flow.function is None:
        return Flow(name, _place(root, flow), flow.query, once=flow.once, cdc=flow.cdc)
    if inspect.iscoroutinefunction(flow.function):
        raise PipelineError(f"{_place(root, flow)}: {flow.name} is async; a dataset's is not.")
    return Flow(
        name, _place(root, flow), None, flow.function.__name__, flow.once, None, flow.module,
        code_of(flow.function, modules, packages), flow.reads, flow.streams, flow.timeout,
        flow.delivers,
    )  # fmt: skip
