"""Views over the metadata store can be described like tables."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from lakelet.cli.app import cli
from lakelet.errors import SqlError, TableNotFoundError
from lakelet.session import Workspace

VIEWS = ("queries", "audit", "conversations", "runs", "metrics", "run_inputs")


@pytest.mark.parametrize("name", VIEWS)
def test_described_as_selected(ws: Workspace, name: str) -> None:
    columns = ws.sql(f"SELECT * FROM system.{name}").columns
    told = ws.sql(f"DESCRIBE system.{name}").rows()
    assert [column for column, _, _ in told] == columns
    assert [column for (column,) in ws.sql(f"SHOW COLUMNS IN system.{name}").rows()] == columns
    run = CliRunner().invoke(
        cli, ["--workspace", str(ws.folder.root), "show", f"system.{name}", "--json"]
    )
    shown = json.loads(run.output)["columns"]
    assert [(one["name"], one["type"], None) for one in shown] == told
    shown = CliRunner().invoke(cli, ["--workspace", str(ws.folder.root), "show", f"system.{name}"])
    assert shown.exit_code == 0
    assert "a view over the metadata store" in shown.output


def test_what_they_have_not(ws: Workspace) -> None:
    with pytest.raises(SqlError, match="it has no HISTORY"):
        ws.sql("DESCRIBE HISTORY system.queries")
    with pytest.raises(TableNotFoundError, match=r"no table system\.nothing"):
        ws.sql("DESCRIBE system.nothing")
