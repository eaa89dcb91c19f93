"""Runs: MLflow's, pinned by themselves to the table versions and code they used."""

from __future__ import annotations

from lakelet.runs.handle import Run

__all__ = ("Run",)
