"""The lake: names, storage, Delta tables, their history, staging, volumes, upkeep."""

from __future__ import annotations

from lakelet.lake.lake import Lake
from lakelet.lake.names import TableName
from lakelet.lake.table import LakeTable

__all__ = ("Lake", "LakeTable", "TableName")
