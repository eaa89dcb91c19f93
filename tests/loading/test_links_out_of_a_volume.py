"""A link inside a volume does not lead a load out of it, however the files are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.errors import InvalidNameError
from lakelet.session import Workspace


@pytest.mark.parametrize("source", ["files:", "files:sub", "files:**/*.json", "files:sub/*/*.json"])
@pytest.mark.parametrize("link", ["folder", "file"])
def test_what_lies_elsewhere_is_refused(
    ws: Workspace, tmp_path: Path, source: str, link: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "s.json").write_text('{"secret":1}')
    inside = ws.folder.files / "sub" / "deep"
    inside.mkdir(parents=True)
    (inside / "a.json").write_text('{"id":1}')
    (inside.parent / "same").symlink_to(inside)
    assert ws.load(source, "b.good").kept == 2
    if link == "folder":
        (inside.parent / "lnk").symlink_to(outside)
    else:
        (inside / "lnk.json").symlink_to(outside / "s.json")
    with pytest.raises(InvalidNameError, match="outside the volume"):
        ws.load(source, "b.t")
    with pytest.raises(InvalidNameError, match="outside the volume"):
        ws.sql(f"SELECT * FROM read_files('{source}')").rows()
