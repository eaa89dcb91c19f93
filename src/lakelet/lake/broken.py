"""Rows that break a constraint: which one, how many, and one of them, out of delta-rs' report."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from lakelet.errors import ConstraintError
from lakelet.workspace.quantities import counted

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ("broken_constraint",)

_FAILED_ROWS = re.compile(r"(\d+) rows? failed")
_CONSTRAINT = "delta.constraints."
_SHOWN = 8
_LONGEST = 40


def broken_constraint(what: str, report: str, table: DeltaTable | None) -> ConstraintError:
    """The error for rows that break a constraint.

    delta-rs tells how many rows of the block in hand break some constraint, and shows a few.

    Args:
        what: the table's name.
        report: what delta-rs says.
        table: the table, to name its constraints.
    """
    samples = _samples(report)
    checks, not_null, texts = _constraints(table)
    count = _FAILED_ROWS.search(report)
    # A NULL and an empty text are shown alike; a row without either breaks no NOT NULL.
    empty = [c for c in not_null if not samples or any(not row.get(c, "-") for row in samples)]
    sure = set(empty) - texts
    whole = count is not None and int(count[1]) <= len(samples)
    if whole and sure and all(any(not row.get(c, "-") for c in sure) for row in samples):
        # Each row is explained, so that no CHECK is needed for it.
        checks, empty = {}, [column for column in empty if column in sure]
    found = [f"NOT NULL of {column}" for column in empty]
    found += [f"CHECK {name} ({check})" for name, check in checks.items()]
    rows = f"at least {counted(int(count[1]), 'row')}" if count else "some rows"
    if len(found) == 1:
        broken = f"the constraint {found[0]}"
    elif found:
        broken = f"a constraint, one of {'; '.join(found)}"
    else:
        broken = "a NOT NULL or CHECK constraint"
    verb = "breaks" if rows.endswith(" row") else "break"
    example = f" Such a row: {_shown(samples[0])}." if samples else ""
    hint = "mend such rows or leave them out"
    if checks and not empty:
        hint += f"; or ALTER TABLE {what} DROP CONSTRAINT {next(iter(checks))}"
    elif empty and not checks:
        hint += f"; or ALTER TABLE {what} ALTER COLUMN {empty[0]} DROP NOT NULL"
    return ConstraintError(
        f"{what}: {rows} {verb} {broken}; nothing was written.{example}", hint=f"{hint}."
    )


def _constraints(table: DeltaTable | None) -> tuple[dict[str, str], list[str], set[str]]:
    """A table's checks by name, the columns that may not be NULL, and those of them with text."""
    if table is None:
        return {}, [], set()
    checks = {
        name.removeprefix(_CONSTRAINT): str(check)
        for name, check in table.metadata().configuration.items()
        if name.startswith(_CONSTRAINT)
    }
    fields = json.loads(table.schema().to_json())["fields"]
    needed = [field["name"] for field in fields if not field["nullable"]]
    texts = {f["name"] for f in fields if f["type"] == "string" or isinstance(f["type"], dict)}
    return checks, needed, texts


def _samples(report: str) -> list[dict[str, str]]:
    """The rows of the table that delta-rs draws."""
    lines = [line for line in report.splitlines() if line.startswith("|") and line.endswith("|")]
    cells = [[cell.strip() for cell in line[1:-1].split(" | ")] for line in lines]
    names, rows = (cells[0], cells[1:]) if cells else ([], [])
    return [dict(zip(names, row, strict=True)) for row in rows if len(row) == len(names)]


def _shown(row: dict[str, str]) -> str:
    own = {n: v for n, v in row.items() if n not in ("_rescued_data", "_metadata")}
    raw = _rescued(row.get("_rescued_data", ""))
    parts = [f"{n} = {_short(v) or _null(raw.get(n))}" for n, v in own.items()]
    return ", ".join(parts[:_SHOWN]) + (", …" if len(parts) > _SHOWN else "")


def _rescued(text: str) -> dict[str, object]:
    """The fields of a row whose values did not fit their columns, as the file has them."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _null(raw: object) -> str:
    if raw is None:
        return "NULL"
    return f"NULL ({_short(json.dumps(raw, ensure_ascii=False))} in the file does not fit)"


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
