"""What updates did, told afterwards: their events, and why each dataset ran."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from lakelet.lake import Lake
from lakelet.lake.names import literal
from lakelet.pipelines.definitions.dataset import Pipeline
from lakelet.pipelines.events import (
    EVENTS,
    Event,
    events_of,
    known_updates,
    updates,
    waiting_events,
)

__all__ = ("all_updates", "reasons", "update_events")

_TOLD = ("decision", "choice", "finished", "failed", "blocked")

Query = Callable[[str], list[dict[str, Any]]]
"""Runs a query over the lake's tables and gives its rows by column name."""


def update_events(lake: Lake, query: Query, update: int) -> list[dict[str, Any]]:
    """The events of one update, in order, from wherever they are."""
    found = events_of(lake.workspace, update)
    if found:
        return [_as_dict(event) for event in found]
    if not lake.exists(EVENTS):
        return []
    rows = query(f"SELECT * FROM {EVENTS} WHERE update_id = {int(update)} ORDER BY number")
    return [{**row, "details": json.loads(row["details"])} for row in rows]


def all_updates(
    lake: Lake,
    query: Query,
    pipeline: str | None = None,
    *,
    since: datetime | None = None,
) -> list[dict[str, Any]]:
    """The updates of a pipeline, or of all, the newest first, also those only the lake knows of.

    Args:
        lake: the lake.
        query: what runs queries.
        pipeline: the pipeline; all without it.
        since: only those that began then or later.
    """
    found = {one["update"]: one for one in updates(lake.workspace, pipeline, since)}
    if not lake.exists(EVENTS):
        return list(found.values())
    # Numbers are given without gaps: what the store knows need not be read of the lake.
    first, last, whole = known_updates(lake.workspace)
    unknown = f" AND (update_id < {first} OR update_id > {last})" if whole else ""
    rows = query(
        f"SELECT update_id, pipeline, time, message FROM {EVENTS} WHERE kind = 'update'{unknown} "
        "ORDER BY update_id, number"
    )
    told: dict[int, dict[str, Any]] = {}
    for row in rows:
        number, message = row["update_id"], row["message"]
        if number in found or pipeline not in (None, row["pipeline"]):
            continue
        one = told.setdefault(
            number,
            {
                "update": number, "pipeline": row["pipeline"], "state": "interrupted",
                "started": row["time"], "ended": None, "message": None,
            },
        )  # fmt: skip
        if not message.endswith(" began"):
            one["ended"], (one["state"], one["message"]) = row["time"], _end(number, message)
    both = sorted((found | told).items(), reverse=True)
    return [one for _, one in both if since is None or one["started"] >= since]


def _end(update: int, message: str) -> tuple[str, str]:
    """How an update ended, and what is said of it, from its last event."""
    said = message.removeprefix(f"update {update} ")
    if said.startswith("failed: "):
        return "failed", said.removeprefix("failed: ")
    if said.startswith("is interrupted: "):
        return "interrupted", said.removeprefix("is interrupted: ")
    return "published", said.removesuffix("is published").removeprefix("is published: ").strip()


def _events_about(
    lake: Lake, query: Query, pipeline: str, dataset: str, limit: int | None
) -> list[dict[str, Any]]:
    """What happened to a dataset, and how the updates ended in which it did, the oldest first."""
    kept: list[dict[str, Any]] = []
    if lake.exists(EVENTS):
        of_it = f"pipeline = {literal(pipeline)} AND dataset = {literal(dataset)}"
        rows = query(
            f"SELECT * FROM {EVENTS} WHERE pipeline = {literal(pipeline)} "
            f"AND ((dataset = {literal(dataset)} AND kind IN ({', '.join(map(literal, _TOLD))})) "
            "OR (dataset IS NULL AND kind = 'update'))"
            f"{'' if limit is None else _lately(query, of_it, limit)} ORDER BY update_id, number"
        )
        kept = [{**row, "details": json.loads(row["details"])} for row in rows]
    known = {(row["update_id"], row["number"]) for row in kept}
    waiting = [_as_dict(e) for e in waiting_events(lake.workspace) if e.pipeline == pipeline]
    return kept + [row for row in waiting if (row["update_id"], row["number"]) not in known]


def _lately(query: Query, of_it: str, limit: int) -> str:
    """A condition: the last updates of a dataset, and the one before that computed all of it."""
    ((first,),) = (
        row.values()
        for row in query(
            "SELECT min(update_id) AS first FROM (SELECT DISTINCT update_id "
            f"FROM {EVENTS} WHERE {of_it} ORDER BY update_id DESC LIMIT {limit})"
        )
    )
    if first is None:
        return ""
    ((whole,),) = (
        row.values()
        for row in query(
            f"SELECT max(update_id) AS whole FROM {EVENTS} WHERE {of_it} AND kind = 'finished' "
            f"AND update_id < {first} AND get_json_object(details, '$.how') = 'full'"
        )
    )
    return f" AND (update_id >= {first} OR update_id = {-1 if whole is None else whole})"


def _as_dict(event: Event) -> dict[str, Any]:
    return {
        "update_id": event.update, "number": event.number, "time": event.time,
        "pipeline": event.pipeline, "dataset": event.dataset, "kind": event.kind,
        "message": event.message, "details": dict(event.details),
    }  # fmt: skip


def reasons(
    lake: Lake, query: Query, pipeline: Pipeline, dataset: str, *, limit: int | None = None
) -> list[dict[str, Any]]:
    """Why a dataset ran or did not, update by update, the newest first.

    What was saved is told against the last time all of it was computed: its seconds, and the rows
    it read that were not read again.

    Args:
        lake: the lake.
        query: what runs queries.
        pipeline: the pipeline.
        dataset: its dataset.
        limit: of the last how many updates; of all without it.
    """
    found = pipeline.find(dataset.lower().split("."))
    name = str(found.name) if found is not None else dataset.lower()
    by_update: dict[int, dict[str, Any]] = {}
    ends: dict[int, str] = {}
    for event in _events_about(lake, query, pipeline.name, name, limit):
        if event["dataset"] is None and event["kind"] == "update":
            ends[event["update_id"]] = event["message"]
        if event["dataset"] != name:
            continue
        if event["kind"] == "decision":
            details = event["details"]
            by_update[event["update_id"]] = {
                "update": event["update_id"], "time": event["time"], "how": details.get("how"),
                "reason": event["message"], "diff": details.get("diff"), "kept": None,
                "seconds": None, "choice": details.get("note"), "moved": None, "rows": None,
                "saved_rows": None, "saved_seconds": None, "state": "waiting",
            }  # fmt: skip
        elif event["kind"] == "finished" and event["update_id"] in by_update:
            one = by_update[event["update_id"]]
            details = event["details"]
            one["kept"], one["seconds"] = details["kept"], details["seconds"]
            one["how"] = details.get("how", one["how"])
            one["rows"], one["state"] = details["rows"], "finished"
        elif event["kind"] == "choice" and event["update_id"] in by_update:
            one = by_update[event["update_id"]]
            one["choice"], one["moved"] = event["message"], event["details"].get("moved")
            one["total"] = event["details"].get("total")
        elif event["kind"] == "failed" and event["update_id"] in by_update:
            by_update[event["update_id"]]["reason"] += f"; it failed: {event['message']}"
            by_update[event["update_id"]]["state"] = "failed"
        elif event["kind"] == "blocked" and event["update_id"] in by_update:
            by_update[event["update_id"]]["reason"] += f"; it did not run: {event['message']}"
            by_update[event["update_id"]]["state"] = "blocked"
    for update, one in by_update.items():
        _tell_end(update, one, ends.get(update, ""))
    _tell_saved([by_update[update] for update in sorted(by_update)])
    return [by_update[update] for update in sorted(by_update, reverse=True)][:limit]


def _tell_end(update: int, one: dict[str, Any], message: str) -> None:
    """Tell whether what a step made was published, by the last event of its update."""
    ended, _ = _end(update, message) if message and not message.endswith(" began") else ("", "")
    if one["how"] in ("skip", "view"):
        one["state"] = "view" if one["how"] == "view" else "skipped"
    elif ended == "published" and one["state"] == "finished":
        one["state"] = "published"
    elif ended and one["state"] in ("finished", "waiting"):
        one["reason"] += "; nothing of it was published, as the update " + (
            "failed" if ended == "failed" else "was interrupted"
        )
        one["state"] = "not published"


def _tell_saved(updates: list[dict[str, Any]]) -> None:
    """Tell what each update of a dataset saved, the oldest first."""
    whole: dict[str, Any] | None = None
    for one in updates:
        if one["state"] in ("failed", "blocked", "not published"):
            continue
        if one["how"] == "full" and one["seconds"] is not None:
            whole = one
        elif whole is not None and one["how"] == "skip":
            one["saved_rows"], one["saved_seconds"] = whole["rows"], whole["seconds"]
        elif whole is not None and one["how"] == "incremental" and one["seconds"] is not None:
            one["saved_seconds"] = round(whole["seconds"] - one["seconds"], 3)
            if one["moved"] is not None:
                one["saved_rows"] = one["total"] - one["moved"]
    for one in updates:
        for name in ("rows", "moved", "total"):
            one.pop(name, None)
