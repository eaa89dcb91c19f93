"""Declared pipelines: datasets in SQL and Python, published together, saying why they ran.

A file of a pipeline says ``from lakelet import pipelines as dp`` and uses its decorators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakelet.pipelines.python.decorators import (
    append_flow,
    create_auto_cdc_flow,
    create_streaming_table,
    materialized_view,
    table,
    temporary_view,
)
from lakelet.pipelines.python.expectations import (
    expect,
    expect_all,
    expect_all_or_drop,
    expect_all_or_fail,
    expect_or_drop,
    expect_or_fail,
)

if TYPE_CHECKING:
    from lakelet.pipelines.events import Event
    from lakelet.pipelines.python.relation import Relation
    from lakelet.pipelines.reports import DatasetReport, Plan, UpdateReport, UpdateRequest
    from lakelet.pipelines.update import plan_pipeline, run_update

__all__ = (
    "DatasetReport", "Event", "Plan", "Relation", "UpdateReport", "UpdateRequest", "append_flow",
    "create_auto_cdc_flow", "create_streaming_table", "expect", "expect_all", "expect_all_or_drop",
    "expect_all_or_fail", "expect_or_drop", "expect_or_fail", "materialized_view", "plan_pipeline",
    "run_update", "table", "temporary_view",
)  # fmt: skip

# The process of a dataset's function imports this package for the decorators alone.
_LATER = {
    "Event": "events", "Relation": "python.relation", "DatasetReport": "reports", "Plan": "reports",
    "UpdateReport": "reports", "UpdateRequest": "reports", "plan_pipeline": "update",
    "run_update": "update",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
