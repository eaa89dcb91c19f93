"""Exact reading of any Delta table: a pinned snapshot, the route to its rows, a DuckDB view."""

from __future__ import annotations

from lakelet.engines.routes.duckdb_types import to_duckdb_type
from lakelet.engines.routes.planning import plan_route
from lakelet.engines.routes.route import Route
from lakelet.engines.routes.snapshot import open_snapshot

__all__ = ("Route", "open_snapshot", "plan_route", "to_duckdb_type")
