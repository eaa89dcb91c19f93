"""Running the function of one dataset."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from lakelet.engines.connection import prepare
from lakelet.errors import PipelineError
from lakelet.lake.types import Column
from lakelet.pipelines.python.child.giving import Giver, send
from lakelet.pipelines.python.child.importing import import_files
from lakelet.pipelines.python.child.pieces import pieces_of
from lakelet.pipelines.python.declared import DeclaredFlow, full_name
from lakelet.pipelines.python.relation import Engine

__all__ = ("run",)


def run(order: Mapping[str, Any], say: Callable[[Mapping[str, Any]], None], rows: int) -> None:
    """Call a dataset's function once, and send what it gives.

    Args:
        order: what to run and over what.
        say: answers the parent.
        rows: where rows are written.

    Raises:
        Exception: whatever the person's code raises.
    """
    root, folder = Path(order["root"]), Path(order["folder"])
    collected = import_files(root, folder, [order["module"]])
    flow = _found(collected.flows, order)
    assert flow.function is not None
    engine = _engine(order)
    taken = inspect.signature(flow.function).parameters
    given = {name: engine.relation(name) for name in flow.reads if name in taken}
    result = flow.function(**given)
    if isinstance(result, str):
        say({"sql": result})
        return
    giver = Giver(_columns(order["columns"]), _columns(order["known"]), order["zone"])
    schema, batches = giver.give(pieces_of(result))
    say({"rows": True})
    send(schema, batches, rows)


def _found(flows: list[DeclaredFlow], order: Mapping[str, Any]) -> DeclaredFlow:
    for flow in flows:
        name = str(full_name(flow.name, order["schema"])) if flow.own else flow.name
        if name == order["flow"]:
            return flow
    raise PipelineError(
        f"{order['module']} does not declare {order['flow']} any more.",
        hint="what a file declares must not change from one import to the next.",
    )


def _columns(raw: Any) -> tuple[Column, ...] | None:
    return None if raw is None else tuple(map(Column.from_delta, raw))


def _engine(order: Mapping[str, Any]) -> Engine:
    engine = Engine(duckdb.connect(config=order["engine"]), order["zone"])
    prepare(engine.connection, order["zone"])
    for one in order["inputs"]:
        engine.add(one["name"], one["table"], one["select"], stream=one["stream"])
    return engine
