"""A pinned run makes at most one write more to MLflow's database than a bare MLflow run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy

from lakelet.runs.client import tracked_there
from lakelet.session import Workspace

mlflow = pytest.importorskip("mlflow")


@contextmanager
def counted() -> Iterator[list[str]]:
    """The commits of the body that wrote something, each as its first writing statement."""
    found: list[str] = []
    pending: dict[int, str] = {}

    def executed(connection, _cursor, statement, *_) -> None:
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            pending.setdefault(id(connection), statement)

    def committed(connection) -> None:
        if (statement := pending.pop(id(connection), None)) is not None:
            found.append(statement)

    engine = sqlalchemy.Engine
    sqlalchemy.event.listen(engine, "before_cursor_execute", executed)
    sqlalchemy.event.listen(engine, "commit", committed)
    try:
        yield found
    finally:
        sqlalchemy.event.remove(engine, "before_cursor_execute", executed)
        sqlalchemy.event.remove(engine, "commit", committed)


@pytest.mark.parametrize("params", [None, {"lr": 0.1, "depth": 3}])
def test_one_write_more_at_the_most(ws: Workspace, params: dict[str, object] | None) -> None:
    for name in ("a", "b", "c"):
        ws.sql(f"CREATE TABLE gold.{name} AS SELECT 1 AS x")
    (Path(ws.folder.files) / "a.jsonl").write_text('{"x": 1}\n')
    with ws.run("e/first"):
        pass  # makes the database and the experiment
    with tracked_there(ws.folder), counted() as bare:
        mlflow.set_experiment("e")
        with mlflow.start_run(run_name="bare"):
            if params:
                mlflow.log_params(params)
            mlflow.log_metrics({"f1": 0.5, "loss": 0.1}, step=1)
    with counted() as pinned, ws.run("e/pinned", params=params, seed=3) as run:
        ws.sql("SELECT * FROM gold.a JOIN gold.b USING (x)").rows()
        ws.table("gold.c").at(version=0).rows()
        ws.sql("SELECT * FROM read_files('files/a.jsonl')").rows()
        run.log(f1=0.5, loss=0.1, step=1)
    assert len(ws.run_record(run.id).inputs) == 4
    assert len(bare) == (4 if params else 3), bare
    assert len(pinned) - len(bare) == 1, pinned


def test_a_run_that_read_nothing_writes_no_more(ws: Workspace) -> None:
    with ws.run("e/first"):
        pass
    with tracked_there(ws.folder), counted() as bare:
        mlflow.set_experiment("e")
        with mlflow.start_run():
            pass
    with counted() as pinned, ws.run("e/pinned"):
        pass
    assert len(pinned) == len(bare)
