"""Declared datasets and flows as JSON: what the process that imports a pipeline's files answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lakelet.lake import TableName
from lakelet.lake.types import Column
from lakelet.pipelines.definitions.dataset import Cdc, Dataset, Expectation, Flow, Place
from lakelet.pipelines.definitions.sql_file import LooseFlow

__all__ = ("from_record", "to_record")


def to_record(one: Dataset | LooseFlow) -> dict[str, Any]:
    """A dataset or flow as JSON takes it."""
    if isinstance(one, LooseFlow):
        return {"target": _named(one.target), "flow": _flow(one.flow)}
    return {
        "name": _named(one.name),
        "kind": one.kind,
        "place": asdict(one.place),
        "flows": [_flow(flow) for flow in one.flows],
        "comment": one.comment,
        "columns": None if one.columns is None else [column.delta for column in one.columns],
        "expectations": [asdict(expectation) for expectation in one.expectations],
        "partition_by": one.partition_by,
        "cluster_by": one.cluster_by,
        "properties": dict(one.properties),
    }


def from_record(raw: Mapping[str, Any]) -> Dataset | LooseFlow:
    """The dataset or flow of a record."""
    if "flow" in raw:
        return LooseFlow(TableName(*raw["target"]), _as_flow(raw["flow"]))
    columns = raw["columns"]
    return Dataset(
        TableName(*raw["name"]),
        raw["kind"],
        Place(**raw["place"]),
        tuple(map(_as_flow, raw["flows"])),
        raw["comment"],
        None if columns is None else tuple(map(Column.from_delta, columns)),
        tuple(Expectation(**one) for one in raw["expectations"]),
        tuple(raw["partition_by"]),
        tuple(raw["cluster_by"]),
        raw["properties"],
    )


def _named(name: TableName) -> list[str]:
    return [name.schema, name.table]


def _flow(flow: Flow) -> dict[str, Any]:
    return asdict(flow)


def _as_flow(raw: Mapping[str, Any]) -> Flow:
    cdc = raw["cdc"]
    if cdc is not None:
        lists = {key: tuple(value) for key, value in cdc.items() if isinstance(value, list)}
        cdc = Cdc(**{**cdc, **lists})
    return Flow(
        **{**raw, "place": Place(**raw["place"]), "streams": tuple(raw["streams"]), "cdc": cdc}
    )
