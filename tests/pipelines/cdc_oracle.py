"""What changes come to, in plain Python and from the documented rules alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ("Change", "history", "newest")

VALUES = ("a", "b")


@dataclass(frozen=True)
class Change:
    key: int | None
    at: int
    deletes: bool
    a: int | None = None
    b: str | None = None

    @property
    def row(self) -> dict[str, object]:
        return {"a": self.a, "b": self.b}


def _low(value: object) -> tuple[bool, object]:
    return (value is not None, 0 if value is None else value)


def _order(change: Change) -> tuple[object, ...]:
    """By sequence; of one sequence deletions first, then by the values; NULL is the least."""
    if change.deletes:
        return (change.at, 0)
    return (change.at, 1, _low(change.a), _low(change.b))


def _states(
    changes: Sequence[Change], ignore_null: bool
) -> list[tuple[int, dict[str, object] | None]]:
    """The row behind each sequence value of one key; None where there is none."""
    states: dict[int, dict[str, object] | None] = {}
    row: dict[str, object] | None = None
    for change in sorted(changes, key=_order):
        if change.deletes:
            row = None
        elif ignore_null and row is not None:
            row = {n: row[n] if v is None else v for n, v in change.row.items()}
        else:
            row = change.row
        states[change.at] = row
    return sorted(states.items())


def _by_key(changes: Sequence[Change]) -> dict[int | None, list[Change]]:
    found: dict[int | None, list[Change]] = {}
    for change in changes:
        found.setdefault(change.key, []).append(change)
    return found


def newest(changes: Sequence[Change], ignore_null: bool) -> set[tuple[object, ...]]:
    """SCD 1: key, a, b."""
    rows: set[tuple[object, ...]] = set()
    for key, own in _by_key(changes).items():
        _, row = _states(own, ignore_null)[-1]
        if row is not None:
            rows.add((key, row["a"], row["b"]))
    return rows


def history(
    changes: Sequence[Change], ignore_null: bool, tracked: Sequence[str] = VALUES
) -> set[tuple[object, ...]]:
    """SCD 2: key, a, b, start, end."""
    rows: set[tuple[object, ...]] = set()
    for key, own in _by_key(changes).items():
        spans: list[list[object]] = []
        before: dict[str, object] | None = None
        for at, row in _states(own, ignore_null):
            if before is not None and (row is None or any(row[n] != before[n] for n in tracked)):
                spans[-1][-1] = at
                before = None
            if row is not None and before is None:
                spans.append([key, row["a"], row["b"], at, None])
            elif row is not None:
                spans[-1][1:3] = [row["a"], row["b"]]
            before = row
        rows.update(tuple(span) for span in spans)
    return rows
