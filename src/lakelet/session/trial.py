"""A trial of a load: the beginning of its files, loaded for real, into a lake that is thrown away.

What a load would rescue and reject is not guessed but seen, by the code that will do it. The trial
looks at the beginning of the files only, and says how much of them.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakelet.errors import LoadError
from lakelet.lake import TableName
from lakelet.loading.discovery import FoundFile, discover
from lakelet.loading.ledger import LEDGER, TRANSACTION, Ledger
from lakelet.loading.options import parse_options
from lakelet.loading.rescued import RescuedField
from lakelet.loading.shape import METADATA, RESCUED
from lakelet.session.sample import take_sample
from lakelet.workspace.folder import SETTINGS_FILE, WorkspaceFolder
from lakelet.workspace.steps import declare, make_folder, remove_tree, step, write_file

if TYPE_CHECKING:
    from lakelet.lake import LakeTable
    from lakelet.lake.types import Column
    from lakelet.loading import LoadReport
    from lakelet.session.workspace import Workspace

__all__ = ("Trial", "try_load")

_FOLDER = declare("trial.folder", "the folder of a trial is there")
_FILE = declare("trial.file", "a file of a trial is there")
_OVER = declare("trial.over", "a trial is gone")
_FILES = 20
_BYTES = 16 << 20
_WHOLE = 64 << 20
"""A file that cannot be cut is looked at up to this size."""
_ROWS = 5
_ASIDE = 20


@dataclass(frozen=True)
class Trial:
    """What a load would do, as seen on the beginning of its files.

    Attributes:
        table: the table.
        exists: whether it is there already.
        files: how many files would be loaded.
        bytes: bytes of these.
        same: files that are loaded already.
        changed: files that changed since they were loaded.
        looked_at: bytes that were looked at.
        kept: rows of these that would be in the table.
        rescued: rows of these with a value that fits no column.
        rejected: rows that are none.
        columns: all columns of the table, with their types.
        new: the names of those that the load would add.
        fields: what would be rescued.
        rejects: some rows that are none: file, line, reason, raw text.
        names: the columns of `rows`.
        rows: some rows, as text; None for NULL.
        decided: what was decided about headers.
        unreadable: files that cannot be read, with the reason.
        hints: hints that no column has the name of.
    """

    table: str
    exists: bool
    files: int
    bytes: int
    same: int
    changed: list[str]
    looked_at: int = 0
    kept: int = 0
    rescued: int = 0
    rejected: int = 0
    columns: list[tuple[str, str]] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    fields: list[RescuedField] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether all of the files was looked at."""
        return self.looked_at >= self.bytes


def try_load(
    workspace: Workspace,
    source: str,
    into: str,
    *,
    hints: str = "",
    options: Mapping[str, object] | None = None,
    evolve: str | None = None,
    key: Sequence[str] = (),
    base: Path | None = None,
) -> Trial:
    """What a load would do, tried on the beginning of its files; nothing of the lake is changed.

    Args:
        workspace: the workspace.
        source: as for `Workspace.load`.
        into: the table.
        hints: types of columns.
        options: ``format`` and CSV options.
        evolve: what becomes of new fields.
        key: columns that identify a row.
        base: where a relative source starts, if not at the workspace.

    Raises:
        LoadError: nothing to load at the source, or a table that cannot be loaded into.
        SchemaError: a hint that cannot hold, or a key that is no column.
    """
    name = TableName.parse(into)
    name.refuse_own()
    found = discover(workspace.folder, source, base=base or workspace.folder.root)
    table = workspace.lake.table(name) if workspace.lake.exists(name) else None
    fresh, same, changed = _known(workspace, table, found)
    whole = sum(file.entry.size for file in fresh)
    begun = Trial(str(name), table is not None, len(fresh), whole, same, changed)
    if not fresh:
        return begun
    parsed = parse_options(options or {})
    make_folder(_FOLDER, workspace.folder.private / "trials")
    with step(_FOLDER):
        root = Path(tempfile.mkdtemp(dir=workspace.folder.private / "trials"))
    try:
        trial = _workspace(workspace, root)
        named, looked_at = _beginnings(fresh, root, parsed.format_of)
        if not named:
            return begun
        if table is not None:
            trial.lake.create(name, table.columns())
        try:
            report = trial.load(
                "files", into=into, hints=hints, options=options, evolve=evolve, key=key
            )
        except LoadError:
            # Where no file can be read, the load says so by the copies' names; their account has
            # the reasons.
            unreadable = _unreadable(trial, named)
            if not unreadable:
                raise
            return replace(begun, looked_at=looked_at, unreadable=unreadable)
        return _seen(begun, trial, report, named, looked_at)
    finally:
        remove_tree(_OVER, root)


def _known(
    workspace: Workspace, table: LakeTable | None, found: list[FoundFile]
) -> tuple[list[FoundFile], int, list[str]]:
    """The files that would be loaded, how many are known, and which changed."""
    if table is None:
        return found, 0, []
    from lakelet.loading.connection import loading_connection
    from lakelet.loading.restored import standing_since

    connection = loading_connection(workspace.folder)
    try:
        last = table.open().transaction_version(TRANSACTION) or 0
        known = Ledger(workspace.lake, connection).compare(
            table.name, found, last, standing=standing_since(table)
        )
    finally:
        connection.close()
    return known.new, known.same, [file.name for file in known.changed]


def _workspace(workspace: Workspace, root: Path) -> Workspace:
    from lakelet.session.workspace import Workspace

    settings = workspace.folder.settings
    text = (
        f"time_zone = {json.dumps(settings.time_zone)}\n[loading]\n"
        f'evolve = "{settings.loading.evolve}"\ntolerance = {settings.loading.tolerance}\n'
        f'[sql]\nhistory = false\n[resources]\nmemory = "{settings.resources.memory}"\n'
    )
    write_file(_FILE, root / SETTINGS_FILE, text.encode())
    return Workspace(WorkspaceFolder(root))


def _beginnings(
    found: Sequence[FoundFile], root: Path, format_of: Any
) -> tuple[dict[str, str], int]:
    """Copy the beginnings of some files; the names of the copies, and the bytes they stand for."""
    named: dict[str, str] = {}
    looked_at = 0
    for number, file in enumerate(found[:_FILES]):
        budget = max((_BYTES - looked_at) // min(len(found) - number, _FILES - number), 1 << 16)
        size = file.entry.size
        most = budget if _can_be_cut(file.name, format_of) else max(budget, _WHOLE)
        cut = size > most
        if cut and not _can_be_cut(file.name, format_of):
            continue
        place = root / "files" / f"{number:02}" / Path(file.name).name
        make_folder(_FOLDER, place.parent)
        with step(_FILE), file.storage.open(file.entry.path) as raw, place.open("wb") as copy:
            if cut:
                text = raw.read(most)
                copy.write(text[: text.rfind(b"\n") + 1] or text)
            else:
                shutil.copyfileobj(raw, copy, 1 << 20)  # house: in the step
        named[str(place.relative_to(root))] = file.name
        looked_at += min(size, most)
    return named, looked_at


def _can_be_cut(name: str, format_of: Any) -> bool:
    """Whether the beginning of a file is a file of its kind: lines are, one JSON value is not."""
    suffixes = [one.lower() for one in Path(name).suffixes]
    compressed = bool(suffixes) and suffixes[-1] in (".gz", ".zst", ".zstd")
    return not compressed and format_of(name) in ("jsonl", "csv", "tsv", "text")


def _unreadable(trial: Workspace, named: dict[str, str]) -> dict[str, str]:
    if not trial.lake.exists(LEDGER):
        return {}
    rows = trial.table(LEDGER).look("SELECT file, reason FROM this WHERE reason IS NOT NULL").rows()
    return {named[file]: reason for file, reason in rows if file in named}


def _by_own_names(text: str, named: dict[str, str]) -> str:
    """What was said of copies, said of the files they are copies of."""
    for copy, own in named.items():
        text = text.replace(copy, own)
    return text


def _seen(
    begun: Trial, trial: Workspace, report: LoadReport, named: dict[str, str], looked_at: int
) -> Trial:
    table = trial.table(begun.table)
    columns: list[Column] = [c for c in table.columns if c.name not in (RESCUED, METADATA)]
    sample = take_sample(table, limit=_ROWS, most=len(columns), each_file=True)
    rejects = table.rejected(limit=_ASIDE)
    for row in rejects:
        row["file"] = named.get(row["file"], row["file"])
    return Trial(
        begun.table, begun.exists, begun.files, begun.bytes, begun.same, begun.changed,
        looked_at=looked_at,
        kept=report.kept, rescued=report.rescued, rejected=report.rejected,
        columns=[(c.name, c.type.sql) for c in columns],
        new=[c.name for c in report.new_columns],
        fields=[f for f in table.rescued() if not f.ignored],
        rejects=rejects, names=[c.name for c in sample.columns], rows=sample.rows,
        decided=[_by_own_names(one, named) for one in report.decided],
        unreadable={named.get(e.found.name, e.found.name): e.reason or ""
                    for e in report.quarantined},
        hints=[str(hint) for hint in report.unused_hints],
    )  # fmt: skip
