"""Table functions in SQL: `read_files`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect import TableFunctionCall
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from lakelet.engines.engine import Attached
    from lakelet.session.workspace import Workspace

__all__ = ("attach_call",)


def attach_call(workspace: Workspace, call: TableFunctionCall, text: str) -> Attached:
    """What a call of a table function reads.

    Args:
        workspace: whose files and settings count.
        call: the call.
        text: the whole statement, which names ``_metadata`` or does not.

    Raises:
        SqlError: a function there is none of, or arguments it does not take.
    """
    if call.name != "read_files":
        raise SqlError(f"there is no table function {call.name}.", hint="read_files is one.")
    from lakelet.loading.read_files import read_files

    if len(call.positional) != 1:
        raise SqlError("read_files takes the path first, then named options.")
    return read_files(
        workspace.lake,
        str(call.positional[0]),
        dict(call.named),
        base=workspace.folder.root,
        metadata="_metadata" in text.lower(),
    )
