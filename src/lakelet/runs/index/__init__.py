"""The index of runs in the metadata store: what lists and compares runs without MLflow."""

from __future__ import annotations

from lakelet.runs.index.updating import bring_up_to_date

__all__ = ("bring_up_to_date",)
