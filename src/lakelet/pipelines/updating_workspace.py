"""The one workspace that updates a lake: its id lies in the lake; others only read."""

from __future__ import annotations

from lakelet.errors import PipelineError
from lakelet.lake import Lake
from lakelet.lake.storage import join
from lakelet.workspace.steps import declare

__all__ = ("refuse_other_workspace", "take_over")

_CLAIM = declare("publish.claim", "the lake says which workspace updates it")


def _path(lake: Lake) -> str:
    return join(lake.root, "_lakelet", "workspace")


def _own(lake: Lake) -> str:
    return (lake.workspace.private / "id").read_text(encoding="utf-8").strip()


def refuse_other_workspace(lake: Lake) -> None:
    """Make sure that this workspace updates the lake; the first one to update it does.

    Raises:
        PipelineError: another workspace does.
    """
    path, own = _path(lake), _own(lake)
    if lake.storage.entry(path) is None:
        take_over(lake)
        return
    with lake.storage.open(path) as file:
        found = file.read().decode().strip()
    if found != own:
        raise PipelineError(
            f"the lake {lake.root} is updated by another workspace (its id is {found}); this one "
            "only reads it, and did nothing.",
            hint="`lakelet take-over` lets this workspace update it, if the other one is gone.",
        )


def take_over(lake: Lake) -> None:
    """Let this workspace, and no other, update the lake from now on."""
    lake.storage.write(_CLAIM, _path(lake), f"{_own(lake)}\n".encode())
