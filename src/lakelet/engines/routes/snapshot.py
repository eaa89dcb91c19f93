"""Opening a Delta table at one pinned version, or saying plainly why that cannot be done."""

from __future__ import annotations

from deltalake import DeltaTable

from lakelet.engines.routes.log_start import starts_whole
from lakelet.errors import UnsupportedTableError
from lakelet.lake.opening import lacks_feature, open_delta

__all__ = ("READABLE_FEATURES", "open_snapshot")

READABLE_FEATURES = frozenset(
    {
        "columnMapping",
        "deletionVectors",
        "timestampNtz",
        "typeWidening",
        "typeWidening-preview",
        "v2Checkpoint",
        "vacuumProtocolCheck",
    }
)
"""The reader features a route of this package reads exactly; every other one is refused."""


def open_snapshot(
    location: str,
    *,
    version: int | None = None,
    storage_options: dict[str, str] | None = None,
) -> DeltaTable:
    """Open the table at ``location``, pinned to ``version`` or to its newest one now.

    More than `open_delta`, it makes sure that the table can be read whole and exactly.

    Raises:
        UnsupportedTableError, VersionNotFoundError, StorageError: see `open_delta`; also where
            the table needs a reader feature this stack lacks, or its log lost its beginning.
    """
    table = open_delta(location, version=version, options=storage_options)
    _refuse_unknown_features(location, table)
    if not starts_whole(table, storage_options):
        raise UnsupportedTableError(
            f"{location}: the log lacks version 0 and no checkpoint stands in for what is "
            f"missing, so rows could be missing too; it was not read and nothing was changed.",
            hint="bring the missing files of _delta_log back from a copy.",
        )
    return table


def _refuse_unknown_features(location: str, table: DeltaTable) -> None:
    protocol = table.protocol()
    unknown = sorted(set(protocol.reader_features or ()) - READABLE_FEATURES)
    if protocol.min_reader_version > 3:
        unknown.append(f"reader version {protocol.min_reader_version}")
    if unknown:
        raise lacks_feature(location, ", ".join(unknown))
