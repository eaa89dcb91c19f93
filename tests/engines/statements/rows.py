"""What the tests of statements share: short forms to run and to be refused."""

from __future__ import annotations

import pytest

from lakelet.errors import LakeletError
from lakelet.session import Workspace


def rows(ws: Workspace, text: str, params: object = (), **options: object) -> list[tuple]:
    return ws.sql(text, params, **options).rows()  # type: ignore[arg-type]


def refused(
    ws: Workspace, text: str, *said: str, error: type[LakeletError] = LakeletError,
    **options: object,
) -> None:  # fmt: skip
    """The statement is refused, and the message says all of ``said``."""
    with pytest.raises(error) as raised:
        ws.sql(text, **options).rows()  # type: ignore[arg-type]
    for part in said:
        assert part in str(raised.value), str(raised.value)


def version(ws: Workspace, table: str) -> int:
    return ws.table(table).version
