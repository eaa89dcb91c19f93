"""Opening a Delta table at one version, or saying plainly why that cannot be done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lakelet.errors import (
    LakeletError,
    StorageError,
    UnreachableError,
    UnsupportedTableError,
    VersionNotFoundError,
)
from lakelet.lake.storage.reasons import is_passing, short_reason

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ("lacks_feature", "open_delta")

_STALE_HINT = "Had a _last_checkpoint hint"
_UNCHANGED = "nothing was changed"


_LARGE = 100_000
"""From here on it is asked first whether there is such a version: delta-rs goes through every
number up to it, which took 7 s for 100,000,000 and would not end for what fits into 64 bits."""


def open_delta(
    location: str, *, version: int | None = None, options: dict[str, str] | None = None
) -> DeltaTable:
    """Open the Delta table at ``location``, pinned to ``version`` or to its newest one now.

    ``_last_checkpoint`` is only a hint (Delta Transaction Log Protocol, "Last Checkpoint File"):
    one that is garbage, or that names a checkpoint which is gone, does not stop the opening.

    Raises:
        UnsupportedTableError: there is no log, the log is damaged, or the table needs a reader
            feature this stack lacks; the message names the damage or the feature.
        VersionNotFoundError: the table has no such version, or no longer.
        StorageError: the location cannot be reached.
    """
    from deltalake.exceptions import DeltaError

    if version is not None and not 0 <= version < 2**63:
        raise VersionNotFoundError(
            f"{location}: {version} is not a version.", hint="versions count from 0."
        )
    try:
        if version is not None and version > _LARGE:
            newest = _open(location, None, options or None).version()
            if version > newest:
                raise VersionNotFoundError(
                    f"{location} has no version {version}; its newest is {newest}.",
                    hint="its history lists the versions that can still be read.",
                )
        return _open(location, version, options or None)
    except (DeltaError, OSError, ValueError) as error:
        raise _explained(location, version, error) from error


def _open(location: str, version: int | None, options: dict[str, str] | None) -> DeltaTable:
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        return DeltaTable(location, version=version, storage_options=options)
    except DeltaError as error:
        if _STALE_HINT not in str(error):
            raise
    # A hint that lies beyond the version asked for is not followed, so version 0 opens without
    # it; going on from there reads the commits themselves.
    table = DeltaTable(location, version=0, storage_options=options)
    if version is None:
        table.update_incremental()
    else:
        table.load_as_version(version)
    return table


def lacks_feature(location: str, feature: str) -> UnsupportedTableError:
    """The refusal of a table that needs a reader feature which this stack lacks."""
    return UnsupportedTableError(
        f"{location} needs the reader feature {feature}, which this stack lacks; "
        f"it was not read and {_UNCHANGED}.",
        hint="drop the feature, or copy the table, with the engine that wrote it.",
    )


def _explained(location: str, version: int | None, error: Exception) -> LakeletError:
    """One clear error for what delta-rs said about a table it could not open."""
    text = re.sub(r"\x1b\[\d*m", "", str(error))
    feature = re.search(r"Feature '([^']+)' is not supported", text)
    if feature:
        return lacks_feature(location, feature[1])
    if "catalog-managed" in text:
        return lacks_feature(location, "catalogManaged")
    end = re.search(r"LogSegment end version (\d+) not the same", text)
    if version is not None and (end or "No files in log segment" in text):
        newest = f"; its newest is {end[1]}" if end else ""
        return VersionNotFoundError(
            f"{location} has no version {version}{newest}.",
            hint="its history lists the versions that can still be read.",
        )
    damage = _damage(text, error)
    if damage is None:
        kind = UnreachableError if is_passing(text) else StorageError
        return kind(
            f"{location} cannot be opened: {short_reason(error)}.",
            hint="check that the place can be reached and read.",
        )
    return UnsupportedTableError(
        f"{location} is not a readable Delta table: {damage}; {_UNCHANGED}.",
        hint="check the path; other files than Delta tables are read with read_files('path')."
        if damage in _NOTHING
        else "bring the missing or damaged files of _delta_log back from a copy.",
    )


_NOTHING = ("there is no such folder", "it has no log")
_DAMAGE = (
    ("No files in log segment", "it has no log (_delta_log holds no commit)"),
    ("does not exist or you don't have access", "there is no such folder"),
    ("No table metadata or protocol", "its log holds neither a protocol nor a metadata action"),
    ("No protocol found", "its log holds no protocol action"),
    ("No table metadata found", "its log holds no metadata action"),
    ("found gap", "its log has a gap: a version between the first and the last is missing"),
    ("Gap between checkpoint", "its log has a gap: the version after its checkpoint is missing"),
    (_STALE_HINT, "its log lost the checkpoint that stands in for removed versions"),
    ("Invalid protocol action", "its protocol action contradicts itself"),
    ("physicalName annotation", "its column mapping lacks the physical names"),
    ("Unsupported Delta table type", "its schema holds a type this stack does not know"),
)


def _damage(text: str, error: Exception) -> str | None:
    for mark, meaning in _DAMAGE:
        if mark in text:
            return meaning
    from deltalake.exceptions import TableNotFoundError as NoLogError

    if isinstance(error, NoLogError):
        return "it has no log"
    if re.search(r"Kernel error: (Json|Arrow|Schema|Parquet|Generic|Failed to parse|EOF)", text):
        detail = text.strip().splitlines()[0].removeprefix("Kernel error: ")
        return f"its log cannot be understood ({detail[:200]})"
    return None
