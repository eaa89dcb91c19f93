"""When the folders' names give partition values exactly as the log does.

DuckDB takes values from ``name=value`` folders once a file, and skips files by them at no cost;
but folders are a habit of writers, not part of a table's state (Delta Transaction Log Protocol,
"Add File"). So they are used only where every one of them has been compared with the log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from deltalake.schema import PrimitiveType

from lakelet.engines.routes.columns import Column
from lakelet.engines.routes.duckdb_types import VIRTUAL_COLUMNS

__all__ = ("folders_agree",)

_NULL = "__HIVE_DEFAULT_PARTITION__"
_PLAIN_NAME = re.compile(r"\w+", re.ASCII)
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Their texts are read by the session's zone, or escaped in more ways than one.
_NEVER = (PrimitiveType("timestamp"), PrimitiveType("binary"))


def folders_agree(
    root: str,
    columns: Sequence[Column],
    values: Mapping[str, Mapping[str, str | None]],
    uris: Sequence[str],
) -> bool:
    """Whether DuckDB's reading of the folders gives each file's partition values exactly.

    Args:
        root: the table's folder, ending in a slash.
        columns: the partition columns.
        values: for each partition column the value in each file, as canonical text by uri.
        uris: the files.
    """
    if "=" in root or any(
        column.key != column.name
        or column.delta_type in _NEVER
        or not _PLAIN_NAME.fullmatch(column.name)
        or column.name.lower() in VIRTUAL_COLUMNS
        for column in columns
    ):
        return False
    agreed: dict[str, dict[str, str | None] | None] = {}
    for uri in uris:
        if not uri.startswith(root):
            return False
        folder = uri[len(root) :].rpartition("/")[0]
        if folder not in agreed:
            agreed[folder] = _read_folder(folder)
        found = agreed[folder]
        if found is None or found.keys() != values.keys() or "=" in uri[len(root) + len(folder) :]:
            return False
        if any(found[name] != by_uri[uri] for name, by_uri in values.items()):
            return False
    return True


def _read_folder(folder: str) -> dict[str, str | None] | None:
    """The values a folder's name spells, or None where it spells anything else."""
    found: dict[str, str | None] = {}
    for segment in folder.split("/"):
        name, equals, text = segment.partition("=")
        doubtful = not equals or name in found or "=" in text or _LONE_PERCENT.search(text)
        if doubtful or "?" in segment or "\\" in segment or "\n" in segment:
            return None
        found[name] = None if text == _NULL else unquote(text)
    return found
