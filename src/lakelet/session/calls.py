"""Table functions in SQL: `read_files`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lakelet.engines.dialect import TableFunctionCall
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from lakelet.engines.engine import Attached
    from lakelet.session.workspace import Workspace

__all__ = ("attach_call",)


def attach_call(
    workspace: Workspace, call: TableFunctionCall, warn: Callable[[str], None]
) -> Attached:
    """What a call of a table function reads.

    Args:
        workspace: whose files and settings count.
        call: the call.
        warn: told what of the files is not among the rows.

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
        metadata=call.metadata,
        warn=warn,
    )
