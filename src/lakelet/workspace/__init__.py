"""The workspace: its folder and settings, locks, secrets by reference, and named steps."""

from __future__ import annotations

from lakelet.workspace.folder import WorkspaceFolder, find_workspace, init_workspace
from lakelet.workspace.settings import Settings, read_settings

__all__ = ("Settings", "WorkspaceFolder", "find_workspace", "init_workspace", "read_settings")
