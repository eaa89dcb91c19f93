"""How far each dataset of an update has come, told from the update's events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

__all__ = ("StepState", "step_states")

_SKIPPED = {"skip": "skipped", "view": "view"}


@dataclass(frozen=True)
class StepState:
    """A dataset in an update.

    Attributes:
        state: ``waiting``, ``running``, ``finished``, ``skipped``, ``view``, ``failed`` or
            ``blocked``.
        reason: why it runs or does not, or why it failed.
        choice: how it is computed, and why so.
        rows: rows that were kept.
        kept_out: rows that expectations or the reader kept out.
        warned: rows that an expectation only warned of.
        seconds: how long it took.
        since: when it began.
    """

    state: str = "waiting"
    reason: str = ""
    choice: str = ""
    rows: int | None = None
    kept_out: int = 0
    warned: int = 0
    seconds: float | None = None
    since: datetime | None = None


def step_states(events: Iterable[Mapping[str, Any]]) -> dict[str, StepState]:
    """The states of datasets after these events of one update, by name."""
    found: dict[str, StepState] = {}
    for event in events:
        name = event["dataset"]
        if name is not None:
            found[name] = _after(found.get(name, StepState()), event)
    return found


def _after(now: StepState, event: Mapping[str, Any]) -> StepState:
    kind, details = event["kind"], event["details"]
    if kind == "decision":
        state = _SKIPPED.get(str(details.get("how")), "waiting")
        return replace(now, state=state, reason=event["message"])
    if kind == "choice":
        return replace(now, choice=event["message"])
    if kind == "started":
        return replace(now, state="running", since=event["time"])
    if kind in ("failed", "blocked"):
        return replace(now, state=kind, reason=event["message"])
    if kind != "finished":
        return now
    broken = [e["broken"] for e in details.get("expectations", []) if e["action"] == "warn"]
    return replace(
        now,
        state="finished",
        rows=details.get("kept"),
        kept_out=(details.get("dropped") or 0) + (details.get("rejected") or 0),
        warned=sum(broken),
        seconds=details.get("seconds"),
    )
