"""What going back to an earlier version of a table would change, before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakelet.loading.rescued import ignored_by

if TYPE_CHECKING:
    from lakelet.session.table import Table

__all__ = ("WouldRestore", "would_restore")


@dataclass(frozen=True)
class WouldRestore:
    """What going back to a version would do.

    Attributes:
        version: the version the table has now.
        to: the version to go back to.
        gone: rows that would go.
        back: rows that would come back.
        columns: changes of the schema.
        words: comments, tags and constraints that would change.
        asked: fields that would be asked about again.
        ignored: fields that would not be asked about any more.
        files: raw files that would count as not loaded.
    """

    version: int
    to: int
    gone: int
    back: int
    columns: list[str]
    words: list[str]
    asked: list[str]
    ignored: list[str]
    files: list[str]


def would_restore(table: Table, to: int) -> WouldRestore:
    """What going back to a version of a table would do; nothing is changed.

    Args:
        table: the table as it is.
        to: the version to go back to.

    Raises:
        VersionNotFoundError: there was no such version.
    """
    version = table.version
    found = table.diff(version, to)
    first, second = (table.at(version=one).describe() for one in (version, to))
    now, then = (ignored_by(facts["properties"]) for facts in (first, second))
    files = [
        one["file"]
        for one in table.files()
        if one["state"] == "loaded" and (one["version"] or 0) > to
    ]
    return WouldRestore(
        version, to, found.removed, found.added, [_would(one) for one in found.columns],
        _words(_told(first), _told(second)), sorted(now - then), sorted(then - now), files,
    )  # fmt: skip


def _told(facts: dict[str, object]) -> dict[str, object]:
    """Comments, tags and constraints of a version, each by what it is called."""
    tags, rules, columns = facts["tags"], facts["constraints"], facts["columns"]
    assert isinstance(tags, dict) and isinstance(rules, dict) and isinstance(columns, list)
    told = {"the table's comment": facts["comment"]} if facts["comment"] else {}
    told |= {f"the tag {name}": value for name, value in tags.items()}
    told |= {f"the constraint {name}": rule for name, rule in rules.items()}
    told |= {f"the comment of {one['name']}": one["comment"] for one in columns if one["comment"]}
    return told


def _words(now: dict[str, object], then: dict[str, object]) -> list[str]:
    """What would change of these, each as a sentence."""
    found = []
    for what in sorted({*now, *then}):
        if what in now and what in then:
            if now[what] != then[what]:
                found.append(f"{what} would be {then[what]!r}, and is {now[what]!r} now")
        else:
            found.append(f"{what} would {'come back' if what in then else 'go'}")
    return found


def _would(change: str) -> str:
    """A change of the schema that is not made yet."""
    for made, would in ((" was added", " would come back"), (" was removed", " would go"),
                        (" changed from", " would change from")):  # fmt: skip
        if made in change:
            return change.replace(made, would, 1)
    return change
