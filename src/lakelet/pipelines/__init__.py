"""Declared pipelines: datasets in SQL and Python, published together, saying why they ran.

A file of a pipeline says ``from lakelet import pipelines as dp`` and uses its decorators.
"""

from __future__ import annotations

from lakelet.pipelines.events import Event
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
from lakelet.pipelines.python.relation import Relation
from lakelet.pipelines.reports import DatasetReport, Plan, UpdateReport, UpdateRequest
from lakelet.pipelines.update import plan_pipeline, run_update

__all__ = (
    "DatasetReport", "Event", "Plan", "Relation", "UpdateReport", "UpdateRequest", "append_flow",
    "create_auto_cdc_flow", "create_streaming_table", "expect", "expect_all", "expect_all_or_drop",
    "expect_all_or_fail", "expect_or_drop", "expect_or_fail", "materialized_view", "plan_pipeline",
    "run_update", "table", "temporary_view",
)  # fmt: skip
