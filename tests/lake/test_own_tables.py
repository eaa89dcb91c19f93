"""Tables that Lakelet writes itself take nothing from anyone else: files would load twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lakelet.errors import OwnedTableError
from lakelet.lake import TableName
from lakelet.session import Workspace


@pytest.fixture
def loaded(ws: Workspace) -> Workspace:
    files = ws.folder.root / "files"
    (files / "a.jsonl").write_text('{"id":1}\nbroken\n')
    ws.load("files", "b.t")
    return ws


@pytest.mark.parametrize("name", ["system.loaded_files", "b.t__rejected"])
@pytest.mark.parametrize(
    "write",
    [
        lambda table: table.restore(0),
        lambda table: table.append([{"batch": 9}]),
        lambda table: table.merge([{"batch": 1}], on=["batch"], when_matched="delete"),
    ],
)
def test_python_cannot_change_them(
    loaded: Workspace, name: str, write: Callable[..., object]
) -> None:
    table = loaded.table(name)
    before = table.version
    with pytest.raises(OwnedTableError, match=f"{name} is a table Lakelet writes itself"):
        write(table)
    assert loaded.table(name).version == before
    assert loaded.load("files", "b.t").same == 1


def test_nothing_takes_their_names(loaded: Workspace) -> None:
    place = str(Path(loaded.lake.root) / "b" / "t")
    for name in ("system.other", "b.x__rejected"):
        with pytest.raises(OwnedTableError):
            loaded.lake.attach(TableName.parse(name), place)
        with pytest.raises(OwnedTableError):
            loaded.load("files", name)


def test_they_are_kept_tidy(loaded: Workspace) -> None:
    for name in ("system.loaded_files", "b.t__rejected"):
        assert loaded.table(name).maintain().table == name
    assert loaded.load("files", "b.t").same == 1
