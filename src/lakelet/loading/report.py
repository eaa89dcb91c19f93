"""What a load did, file by file."""

from __future__ import annotations

from dataclasses import dataclass, field

from lakelet.lake.types import Column
from lakelet.loading.ledger import Entry

__all__ = ("LoadReport",)


@dataclass
class LoadReport:
    """The result of one load.

    Attributes:
        table: its name.
        created: whether the load made the table.
        entries: what became of each file read.
        new_columns: columns the load added, with their types.
        widened: columns whose type changed, as ``name: OLD to NEW``.
        not_widened: columns whose values did not fit and that keep their type, with the reason.
        same: files that were loaded before and have not changed.
        changed: files that changed under their old name and were left.
        replaced: files that changed and whose earlier rows go for those they hold now.
        left: files that changed while they were read and wait for the next load.
        decided: what was decided about CSV headers, each once, with the files it was about.
        unused_hints: hints that no column has the name of; a file that comes later may.
        version: the table's version after the load; None where nothing was committed.
        interrupted: whether Ctrl-C ended it early.
        dry_run: whether nothing was written on purpose.
    """

    table: str
    created: bool = False
    entries: list[Entry] = field(default_factory=list)
    new_columns: list[Column] = field(default_factory=list)
    widened: list[str] = field(default_factory=list)
    not_widened: list[str] = field(default_factory=list)
    same: int = 0
    changed: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)
    unused_hints: list[str] = field(default_factory=list)
    version: int | None = None
    interrupted: bool = False
    dry_run: bool = False

    @property
    def kept(self) -> int:
        """Rows that are in the table."""
        return sum(entry.kept for entry in self.entries)

    @property
    def rescued(self) -> int:
        """Rows of these with a value in ``_rescued_data``."""
        return sum(entry.rescued for entry in self.entries)

    @property
    def rejected(self) -> int:
        """Rows that were no records."""
        return sum(entry.rejected for entry in self.entries)

    @property
    def quarantined(self) -> list[Entry]:
        """Files that could not be read."""
        return [entry for entry in self.entries if entry.state == "quarantined"]
