"""Declared pipelines: datasets in SQL and Python, published together, saying why they ran."""

from __future__ import annotations

from lakelet.pipelines.events import Event
from lakelet.pipelines.reports import DatasetReport, Plan, UpdateReport, UpdateRequest
from lakelet.pipelines.update import plan_pipeline, run_update

__all__ = (
    "DatasetReport", "Event", "Plan", "UpdateReport", "UpdateRequest", "plan_pipeline",
    "run_update",
)  # fmt: skip
