"""Values that were rescued, read from the rows they belong to."""

from __future__ import annotations

from typing import Any

from lakelet.engines.rewrite import Target
from lakelet.engines.routes.file_source import PLACE_FILE, PLACE_ROW
from lakelet.lake.names import literal, quote
from lakelet.lake.types import DataType
from lakelet.loading.fit.exact import MISFIT, Fitter
from lakelet.loading.fit.json_text import Pairs, dump_json, parse_json
from lakelet.loading.options import ReadOptions
from lakelet.loading.shape import METADATA, RESCUED

__all__ = ("inside", "is_csv", "raw_file", "rescued_files", "rescued_rows", "take")


def raw_file(target: Target, of: str = "file_path") -> str:
    """The raw file that a row came from, in SQL; NULL where a pipeline's query left that out."""
    known = METADATA in {column.name for column in target.columns}
    return f"{METADATA}.{of}" if known else "NULL"


def rescued_rows(
    target: Target, path: str, column: str, *, limit: int | None = None
) -> list[tuple[str, int, str, str, bool]]:
    """Rows in which a path was rescued: place, raw file, rescued data, and if a column is NULL."""
    end = "" if limit is None else f" LIMIT {limit}"
    return target.connection.execute(
        f"SELECT {PLACE_FILE}, {PLACE_ROW}, coalesce({raw_file(target)}, ''), {RESCUED}, "
        f"{quote(column)} IS NULL FROM {target.VIEW} "
        f"WHERE {RESCUED} IS NOT NULL AND list_contains(json_keys({RESCUED}), {literal(path)}){end}"
    ).fetchall()


def rescued_files(target: Target, path: str) -> set[str]:
    """The data files with rows in which a path was rescued."""
    rows = target.connection.execute(
        f"SELECT DISTINCT {PLACE_FILE} FROM {target.VIEW} WHERE {RESCUED} IS NOT NULL "
        f"AND list_contains(json_keys({RESCUED}), {literal(path)})"
    ).fetchall()
    return {file for (file,) in rows}


def inside(target: Target, path: str) -> int:
    """Rows with rescued elements or fields inside a path; these stay where they are."""
    begins = " OR ".join(f"starts_with(k, {literal(path + mark)})" for mark in "[.")
    (count,) = target.connection.execute(
        f"SELECT count(*) FROM {target.VIEW} WHERE {RESCUED} IS NOT NULL "
        f"AND len(list_filter(json_keys({RESCUED}), lambda k: {begins})) > 0"
    ).fetchall()[0]
    return int(count)


def is_csv(file: str) -> bool:
    """Whether the values of a raw file are cells of CSV, which have no type of their own."""
    return ReadOptions().format_of(file) in ("csv", "tsv")


def take(
    fitter: Fitter, rescued: str, path: str, kind: DataType, *, csv: bool
) -> tuple[Any, str | None]:
    """The value at a path if it fits now, and the rescued data without it."""
    pairs = parse_json(rescued)
    value = next(value for key, value in pairs if key == path)
    if csv and type(value) is str:
        found = fitter.text(value, kind)
    else:
        fitter.rescued = []
        found = fitter.json(value, kind, path)
        if fitter.rescued:
            return MISFIT, rescued
    rest = Pairs([(key, value) for key, value in pairs if key != path])
    return found, dump_json(rest) if rest else None
