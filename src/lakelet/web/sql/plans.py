"""The plan of a query as the engine took it: its steps, each with its rows and seconds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lakelet.engines.engine import duckdb_errors

if TYPE_CHECKING:
    import duckdb

    from lakelet.workspace import WorkspaceFolder

__all__ = ("steps_of",)

# What the measuring itself adds.
_NOT_SHOWN = ("RESULT_COLLECTOR", "EXPLAIN_ANALYZE")
_LEFT_OUT = ("Estimated Cardinality", "Filename(s)", "Function")
_LONGEST = 300


def steps_of(folder: WorkspaceFolder, relation: duckdb.DuckDBPyRelation) -> list[dict[str, Any]]:
    """Run a query and tell its steps, the last one first, each below the one that reads it.

    Args:
        folder: the workspace, whose files are named from its folder.
        relation: the query; its rows are made and thrown away.

    Returns:
        ``depth``, ``name``, ``about``, ``rows`` and ``seconds`` of each step.
    """
    with duckdb_errors():
        told = json.loads(relation.explain("analyze", format="json"))
    return list(_steps(told["operator"], 0, f"{folder.root}/"))


def _steps(operators: list[dict[str, Any]], depth: int, root: str) -> Iterator[dict[str, Any]]:
    for one in operators:
        shown = one["type"] not in _NOT_SHOWN
        if shown:
            yield {
                "depth": depth, "name": one["name"].strip().replace("_", " ").lower(),
                "about": _about(one.get("extra_info", {}), root), "rows": one["intermediate_rows"],
                "seconds": one["timing"],
            }  # fmt: skip
        yield from _steps(one.get("children", []), depth + shown, root)


def _about(facts: dict[str, Any], root: str) -> str:
    said = []
    for name, value in facts.items():
        if name in _LEFT_OUT:
            continue
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        said.append(f"{name.lower()}: {text.replace(root, '')}")
    whole = "; ".join(said).replace("\n", " ")
    return whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST]}…"
