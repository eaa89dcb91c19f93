"""What `lakelet.open` returns: a workspace, its tables, and the results of queries."""

from __future__ import annotations

from lakelet.session.table import Table
from lakelet.session.workspace import Workspace, open_workspace

__all__ = ("Table", "Workspace", "open_workspace")
