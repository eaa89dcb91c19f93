"""One record looked at exactly: its values, what of it is rescued, or why it is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lakelet.loading.fit.exact import MISFIT, Fitter
from lakelet.loading.fit.json_text import Pairs, dump_json, parse_json
from lakelet.loading.records.csv_cells import cells_of
from lakelet.loading.shape import Shape
from lakelet.workspace.quantities import counted

__all__ = ("Examined", "Examiner", "path_of")

_INDEX = re.compile(r"\[\d+\]")


def path_of(key: str) -> str:
    """A key as the first part of a path; quoted where a dot or bracket in it would mislead."""
    return dump_json(key) if any(mark in key for mark in '.["') or not key else key


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of a record.

    Attributes:
        record: the values that fit, as JSON by column name; None where it is no record.
        rescued: what fits no column, as JSON by path; None where all fits.
        reason: why it is no record; '' where it is one.
        unknown: keys with a value that fill no column, and paths of those inside a STRUCT.
    """

    record: str | None
    rescued: str | None = None
    reason: str = ""
    unknown: tuple[str, ...] = ()


class Examiner:
    """Looks at records one at a time, for one shape and time zone."""

    def __init__(self, shape: Shape, zone: str) -> None:
        self.shape = shape
        self.fitter = Fitter(zone)

    def json(self, text: str) -> Examined:
        """A JSON record."""
        try:
            parsed = parse_json(text)
        except ValueError as error:
            return Examined(None, reason=f"broken JSON: {error}")
        if not isinstance(parsed, Pairs):
            return Examined(None, reason=f"not an object but {_kind(parsed)}")
        rescued = self.fitter.rescued = []
        nested = self.fitter.unknown = []
        found: dict[str, Any] = {}
        unknown: list[str] = []
        for key, value in parsed:
            field = self.shape.find(key)
            if field is None:
                if value is not None:
                    unknown.append(key)
                    rescued.append((path_of(key), dump_json(value)))
            elif field.column.name in found:
                if value is not None:
                    rescued.append((path_of(key), dump_json(value)))
            else:
                fitted = self.fitter.json(value, field.type, path_of(key))
                if fitted == "" and field.column.name in self.shape.partitions:
                    rescued.append((path_of(key), dump_json(value)))
                    fitted = None
                found[field.column.name] = fitted
        self._nested(found, rescued)
        unknown += [_INDEX.sub("[]", path) for path in nested if self.shape.find(path) is None]
        return Examined(dump_json(Pairs(found.items())), _as_json(rescued), unknown=tuple(unknown))

    def _nested(self, found: dict[str, Any], rescued: list[tuple[str, str]]) -> None:
        """Let nested fields that a person made columns of fill them."""
        for path, text in list(rescued):
            field = self.shape.find(path) if "." in path or "[" in path else None
            if field is None or found.get(field.column.name) is not None:
                continue
            kept = self.fitter.rescued = []
            value = self.fitter.json(parse_json(text), field.type, path)
            if not kept:
                found[field.column.name] = value
                rescued.remove((path, text))

    def csv(self, joined: str, header: Sequence[str]) -> Examined:
        """A CSV row in its joined form."""
        cells = cells_of(joined)
        if len(cells) != len(header):
            reason = f"{counted(len(cells), 'field')} instead of {len(header)}"
            return Examined(None, reason=reason)
        rescued: list[tuple[str, str]] = []
        found: dict[str, Any] = {}
        unknown: list[str] = []
        for key, cell in zip(header, cells, strict=True):
            field = self.shape.find(key)
            if field is None or field.column.name in found:
                if cell is not None:
                    rescued.append((path_of(key), dump_json(cell)))
                    if field is None:
                        unknown.append(key)
                continue
            value = None if cell is None else self.fitter.text(cell, field.type)
            if value is MISFIT or (value == "" and field.column.name in self.shape.partitions):
                rescued.append((path_of(key), dump_json(cell)))
                value = None
            found[field.column.name] = value
        return Examined(dump_json(Pairs(found.items())), _as_json(rescued), unknown=tuple(unknown))


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, list):
        return "an array"
    return "a string" if type(value) is str else "a number"


def _as_json(rescued: list[tuple[str, str]]) -> str | None:
    """The rescued values by path; a path that comes again is numbered, as ``path#2``."""
    if not rescued:
        return None
    parts: dict[str, str] = {}
    for path, text in rescued:
        name, number = path, 1
        while name in parts:
            number += 1
            name = f"{path}#{number}"
        parts[name] = text
    return "{" + ",".join(f"{dump_json(path)}:{text}" for path, text in parts.items()) + "}"
