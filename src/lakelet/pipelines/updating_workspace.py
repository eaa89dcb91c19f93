"""The one workspace that updates a lake: its id lies in the lake; others only read."""

from __future__ import annotations

import uuid
from pathlib import Path

from lakelet.errors import PipelineError
from lakelet.lake import Lake
from lakelet.lake.storage import join
from lakelet.workspace.steps import declare, write_file

__all__ = ("refuse_other_workspace", "take_over")

_ID = declare("workspace.id", "a workspace that lost its id has one again")
_CLAIM = declare("publish.claim", "the lake says which workspace updates it")


def _path(lake: Lake) -> str:
    return join(lake.root, "_lakelet", "workspace")


def _own(lake: Lake) -> str:
    """The workspace's id; of one whose ``.lakelet`` was deleted, the one its own lake holds."""
    path = lake.workspace.private / "id"
    if path.is_file() and (known := path.read_text(encoding="utf-8").strip()):
        return known
    own = str(uuid.uuid4())
    if Path(lake.root).is_relative_to(lake.workspace.root) and lake.storage.entry(_path(lake)):
        own = _holder(lake)
    write_file(_ID, path, f"{own}\n".encode())
    return own


def _holder(lake: Lake) -> str:
    with lake.storage.open(_path(lake)) as file:
        return file.read().decode().strip()


def refuse_other_workspace(lake: Lake) -> None:
    """Make sure that this workspace updates the lake; the first one to update it does.

    Raises:
        PipelineError: another workspace does.
    """
    path, own = _path(lake), _own(lake)
    if lake.storage.entry(path) is None:
        take_over(lake)
        return
    found = _holder(lake)
    if found != own:
        raise PipelineError(
            f"the lake {lake.root} is updated by another workspace (its id is {found}); this one "
            "only reads it, and did nothing.",
            hint="`lakelet take-over` lets this workspace update it, if the other one is gone.",
        )


def take_over(lake: Lake) -> None:
    """Let this workspace, and no other, update the lake from now on."""
    lake.storage.write(_CLAIM, _path(lake), f"{_own(lake)}\n".encode())
