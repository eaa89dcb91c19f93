"""Runs kept by a remote MLflow server: a real one, on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

import lakelet
from lakelet.session import Workspace
from lakelet.workspace.store import open_store
from runs.processes import command, script, start
from runs.test_killed import KILLED
from runs.test_registry import constant

mlflow = pytest.importorskip("mlflow")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1",
         "--backend-store-uri", f"sqlite:///{folder}/m.db", "--artifacts-destination",
         str(folder / "artifacts")],
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true",
             "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    found = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{found}/health", timeout=1).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        yield found
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def told(ws: Workspace, address: str) -> Workspace:
    path = ws.folder.root / "lakelet.toml"
    path.write_text(path.read_text().replace("[runs]", f'[runs]\ntracking = "{address}"'))
    return lakelet.open(ws.folder.root)


def test_runs_on_a_server(ws: Workspace, address: str) -> None:
    ws = told(ws, address)
    ws.sql("CREATE TABLE gold.p AS SELECT 1 AS a")
    ws.sql("INSERT INTO gold.p VALUES (2)")
    with ws.run("far/away", params={"lr": 0.1}) as run:
        ws.table("gold.p").at(version=0).rows()
        run.log(f1=0.5, step=1)
        run.log({"f1": float("nan")}, step=2)
        run.table([{"a": 1}], "t")
        run.model(constant(1), "clf")
    assert not (ws.folder.private / "mlflow.db").exists()
    found = ws.run_record("far/away")
    assert (found.params, found.status) == ({"lr": "0.1"}, "FINISHED")
    assert [(i.kind, i.name, i.version) for i in found.inputs] == [("table", "gold.p", 0)]
    assert [point.step for point in ws.metric_history(found.id)["f1"]] == [1, 2]
    assert ws.sql("SELECT run_id FROM system.run_inputs").rows() == [(run.id,)]
    (kept,) = ws.run_models(run.id)
    assert (kept.name, kept.registered) == ("clf", [])
    assert ws.register_model(run.id, "it's mine") == 1
    ws.set_alias("it's mine", "champion", 1)
    assert [(v.name, v.version, v.aliases) for v in ws.run_models(run.id)[0].registered] == [
        ("it's mine", 1, ["champion"])
    ]
    ws.rename_run(run.id, "home")
    ws.tag_run(run.id, {"seen": "yes"})
    assert ws.run_record("far/home").tags["seen"] == "yes"
    ws.rename_run(run.id, "away")
    (model,) = ws.registered_models()
    assert (model.aliases, model.versions[0].run) == ({"champion": 1}, run.id)

    assert start(script(ws, KILLED)).returncode == -9
    asked_again(ws)
    assert [(r.status, len(r.inputs)) for r in ws.runs("a/b")] == [("KILLED", 2)]
    listed = command(ws, "runs")
    assert listed.returncode == 0, listed.stderr
    asked_again(ws)
    assert [(r.status, len(r.inputs)) for r in ws.runs("a/b")] == [("KILLED", 2)]
    mlflow.set_tracking_uri(address)
    try:
        assert mlflow.get_run(ws.runs("a/b")[0].id).info.status == "KILLED"
    finally:
        mlflow.set_tracking_uri(None)
        os.environ.pop("MLFLOW_TRACKING_URI", None)


def asked_again(ws: Workspace) -> None:
    with open_store(ws.folder) as store:
        store.execute("UPDATE run_index SET state = json_set(state, '$.asked', 0)")


def test_a_server_that_is_not_there_is_told(ws: Workspace) -> None:
    ws = told(ws, "http://127.0.0.1:9")
    done = command(ws, "runs", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert (done.returncode, "cannot be asked" in done.stderr) == (0, True)
    assert "No runs yet" in done.stdout
