"""Which version of which table a query reads, and which of its rows count."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING

from lakelet.engines.bucket_files import plan_table
from lakelet.engines.dialect import TableReference
from lakelet.engines.dialect.translation import without_catalog
from lakelet.engines.routes import open_snapshot
from lakelet.errors import SqlError
from lakelet.lake import LakeTable, TableName
from lakelet.lake.publications import Publications, pipeline_of, seen_snapshot
from lakelet.lake.storage import storage_for
from lakelet.lake.volumes import resolve_path
from lakelet.session.moments import parse_moment
from lakelet.session.pinned import PinnedTable
from lakelet.session.views import view_named
from lakelet.workspace.notices import TableRead, tell

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from lakelet.engines.engine import Attached
    from lakelet.engines.routes import Route
    from lakelet.session.workspace import Workspace

__all__ = ("pin_reference", "pin_table", "tell_read")


def pin_reference(
    workspace: Workspace,
    reference: TableReference,
    at: dt.datetime | None,
    publications: Publications,
) -> Attached:
    """Pin the table a query names.

    Args:
        workspace: the workspace.
        reference: the table, and the version of it that the query names.
        at: the moment as of which the whole statement reads.
        publications: what was published when the statement began, or at that moment.

    Raises:
        SqlError: a name of one part, or of more than three.
        TableNotFoundError, VersionNotFoundError: no such table, or no such version of it.
    """
    parts = reference.parts
    if parts[0] == "delta" and len(parts) == 2:
        return _pin_path(workspace, parts[1], reference, at)
    parts = without_catalog(parts)
    if (view := view_named(workspace.folder, parts)) is not None:
        return view
    if len(parts) != 2:
        raise SqlError(
            f"{'.'.join(parts)} is not the full name of a table.",
            hint=f"write schema.table, such as bronze.{parts[-1]}.",
        )
    table = workspace.lake.table(TableName.of(*parts))
    version = reference.version
    if reference.timestamp is not None:
        version = table.version_at(parse_moment(reference.timestamp, workspace.time_zone))
    elif version is None and at is not None:
        pipeline = publications.owner(table.name, table.open().metadata().configuration)
        version = (
            table.version_at(at) if pipeline is None else publications.version(table.name, pipeline)
        )
    return pin_table(workspace, table, version, publications)


def pin_table(
    workspace: Workspace,
    table: LakeTable,
    version: int | None = None,
    publications: Publications | None = None,
    *,
    of: Collection[TableName] | None = None,
) -> PinnedTable:
    """Pin a table of the lake at a version.

    Args:
        workspace: the workspace.
        table: the table.
        version: which; without one what people see: the newest, or a pipeline's last publication.
        publications: what was published when the statement began.
        of: of the ledger, the tables whose entries are wanted.
    """
    publications = publications or Publications(workspace.lake)
    known = {"name": str(table.name), "location": table.location}
    if version is None:
        version = workspace.held_version(table.name)
    # Before the table is opened, so that what counts is in what is read.
    condition = _condition(workspace, table.name, publications, of)
    if version is not None:
        return PinnedTable(_route(table, table.open(version)), condition, version=version, **known)
    if str(table.name) == "system.pipeline_events":
        return PinnedTable(_route(table, table.open()), more=_waiting_events(workspace))
    kept = workspace.routes.find(table.location)
    if kept is not None:
        route, seen_version = kept
    else:
        newest = table.open()
        seen = seen_snapshot(table, publications, newest)
        route, seen_version = _route(table, seen), int(seen.version())
        if pipeline_of(newest.metadata().configuration) is None:
            workspace.routes.keep(table.location, seen_version, route)
    return PinnedTable(route, condition, version=seen_version, **known)


def tell_read(
    workspace: Workspace,
    pinned: Attached,
    reference: TableReference | None = None,
    at: dt.datetime | None = None,
    *,
    named: bool = False,
) -> None:
    """Give notice that a pinned table is read; of what has no version there is none."""
    if not isinstance(pinned, PinnedTable) or pinned.version is None:
        return
    if reference is not None:
        named = (reference.version, reference.timestamp, at) != (None, None, None)
    tell(workspace.folder, TableRead(pinned.name, pinned.location, pinned.version, named))


def _waiting_events(workspace: Workspace) -> str:
    """Events that are in the metadata store only, as a SELECT; '' without any."""
    from lakelet.pipelines.events import waiting_select

    return waiting_select(workspace.folder)


def _route(table: LakeTable, opened: DeltaTable) -> Route:
    options = table.storage.options or None
    snapshot = open_snapshot(table.location, version=opened.version(), storage_options=options)
    return plan_table(table, snapshot)


def _condition(
    workspace: Workspace,
    name: TableName,
    publications: Publications,
    of: Collection[TableName] | None,
) -> str:
    """Rows of the loader's own tables count only when the table they speak of holds their batch."""
    if not name.is_rejected and str(name) != "system.loaded_files":
        return ""
    from lakelet.loading.counting import counting_condition

    return counting_condition(workspace.lake, name, publications, of=of)


def _pin_path(
    workspace: Workspace, path: str, reference: TableReference, at: dt.datetime | None
) -> PinnedTable:
    location = resolve_path(workspace.folder, path, base=workspace.folder.root)
    storage = storage_for(workspace.folder, location)
    table = LakeTable(workspace.folder, TableName("delta", location), location)
    version = reference.version
    if reference.timestamp is not None:
        at = parse_moment(reference.timestamp, workspace.time_zone)
    if version is None and at is not None:
        version = table.version_at(at)
    options = storage.options or None
    snapshot = open_snapshot(location, version=version, storage_options=options)
    return PinnedTable(
        plan_table(table, snapshot),
        version=int(snapshot.version()),
        name=str(table.name),
        location=location,
    )
