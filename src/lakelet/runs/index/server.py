"""The index brought up to date from an MLflow server, over REST.

A server says which runs began, ended or go on since it was asked last; everything else, such as a
tag set anew on a run that ended, is seen when all runs are asked for, once in a while.

Source: MLflow REST API 2.0, "Search Experiments", "Search Runs".
"""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from lakelet.workspace import WorkspaceFolder

__all__ = ("ask", "unreachable", "update_from_server")

_SECONDS = 3
_MARGIN = 60_000
"""Milliseconds by which clocks may differ."""


def ask(address: str, call: str, body: dict[str, Any] | None) -> dict[str, Any]:
    """One call of a server, a GET where it has no body; its answer.

    Raises:
        OSError: it cannot be reached, or refuses.
        ValueError: its answer is no JSON.
    """
    request = urllib.request.Request(
        f"{address.rstrip('/')}/api/2.0/mlflow/{call}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **_who()},
    )
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
        return dict(json.load(answer))


def unreachable(address: str, error: Exception) -> str:
    """What to say of a server that could not be asked."""
    reason = getattr(error, "reason", None) or str(error) or type(error).__name__
    return f"the MLflow server at {address} cannot be asked: {reason}"


def _who() -> dict[str, str]:
    """Who asks, by the environment variables MLflow's own client takes."""
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    if token:
        return {"Authorization": f"Bearer {token}"}
    name, password = (os.environ.get(f"MLFLOW_TRACKING_{n}") for n in ("USERNAME", "PASSWORD"))
    if name and password:
        pair = base64.b64encode(f"{name}:{password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {}


def update_from_server(
    store: sqlite3.Connection,
    folder: WorkspaceFolder,
    state: dict[str, Any],
    *,
    whole: bool,
    exactly: str | None = None,
) -> dict[str, Any]:
    """Take over what changed; where the server cannot be asked, say so in ``behind``.

    Args:
        store: the metadata store, in a transaction.
        folder: the workspace.
        state: what this function returned the last time.
        whole: take over all runs, not those that began or ended since.
        exactly: the id of a run to take over in any case.
    """
    address = folder.settings.runs.tracking
    store.execute("CREATE TEMP TABLE changed (id TEXT PRIMARY KEY) WITHOUT ROWID")
    newest = int(state.get("newest", 0))
    try:
        experiments = {
            one["experiment_id"]: (one["name"], one.get("lifecycle_stage") == "deleted")
            for one in _pages(address, "experiments/search", "experiments", view_type="ALL")
        }
        since = max(newest - _MARGIN, 0)
        wanted = [""] if whole or not newest else [
            f"attributes.start_time >= {since}", f"attributes.end_time >= {since}",
            "attributes.status = 'RUNNING'",
        ]  # fmt: skip
        runs = {
            run["info"]["run_id"]: run
            for text in wanted
            for run in _pages(
                address, "runs/search", "runs", experiment_ids=list(experiments), filter=text,
                run_view_type="ALL",
            )
        }  # fmt: skip
        if exactly is not None:
            runs[exactly] = ask(address, f"runs/get?run_id={exactly}", None)["run"]
    except (OSError, ValueError, KeyError) as error:
        return {**state, "behind": unreachable(address, error)}
    if whole:
        store.execute("UPDATE runs SET deleted = 1 WHERE tracking = ?", (address,))
    for run in runs.values():
        _take(store, address, run, experiments)
    moments = [int(run["info"].get(name) or 0) for run in runs.values()
               for name in ("start_time", "end_time")]  # fmt: skip
    return {"newest": max([newest, *moments])}


def _pages(address: str, call: str, name: str, **body: Any) -> Iterator[dict[str, Any]]:
    token = None
    while True:
        more: dict[str, Any] = {"page_token": token} if token else {}
        answer = ask(address, call, {**body, "max_results": 1000, **more})
        yield from answer.get(name, ())
        token = answer.get("next_page_token")
        if not token:
            return


def _take(
    store: sqlite3.Connection,
    address: str,
    run: dict[str, Any],
    experiments: dict[str, tuple[str, bool]],
) -> None:
    info, data = run["info"], run.get("data", {})
    run_id = info["run_id"]
    experiment, gone = experiments.get(info["experiment_id"], (info["experiment_id"], False))
    store.execute("INSERT OR IGNORE INTO changed VALUES (?)", (run_id,))
    store.execute(
        "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run_id, address, experiment, info.get("run_name") or "", info["status"],
            _seconds(info.get("start_time")), _seconds(info.get("end_time")),
            info.get("user_id"), gone or info.get("lifecycle_stage") == "deleted",
            info.get("artifact_uri"),
        ),
    )  # fmt: skip
    for table in ("run_params", "run_tags", "run_metrics"):
        store.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))
    store.execute("DELETE FROM run_inputs WHERE NOT waiting AND run_id = ?", (run_id,))
    for table, name in (("run_params", "params"), ("run_tags", "tags")):
        store.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)",
            [(run_id, one["key"], one.get("value", "")) for one in data.get(name, ())],
        )
    store.executemany(
        "INSERT OR REPLACE INTO run_metrics VALUES (?, ?, ?, ?, ?)",
        [
            (run_id, one["key"], _number(one.get("value")), int(one.get("step") or 0),
             _seconds(one.get("timestamp")))
            for one in data.get("metrics", ())
        ],
    )  # fmt: skip
    for one in run.get("inputs", {}).get("dataset_inputs", ()):
        _take_input(store, run_id, one["dataset"])


def _take_input(store: sqlite3.Connection, run_id: str, dataset: dict[str, Any]) -> None:
    source = dataset.get("source", "")
    try:
        facts = dict(json.loads(source))
    except (ValueError, TypeError):
        facts = {}
    version = facts.get("version", facts.get("delta_table_version"))
    location = facts.get("location") or facts.get("path") or facts.get("uri") or facts.get("url")
    store.execute(
        "INSERT OR IGNORE INTO run_inputs (run_id, kind, name, digest, version, location, "
        "table_id, source, named, waiting, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
        (run_id, dataset.get("source_type", ""), dataset["name"], dataset["digest"], version,
         location, facts.get("table_id"), source, int(bool(facts.get("named"))),
         int(facts.get("number") or 0)),
    )  # fmt: skip


def _seconds(milliseconds: Any) -> float | None:
    return None if not milliseconds else int(milliseconds) / 1000


def _number(value: Any) -> float | None:
    """A metric's value; REST has NaN and infinity as text. SQLite has no NaN: it is NULL there."""
    found = float(value)
    return None if found != found else found
