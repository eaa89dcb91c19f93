"""Tags of a table: words a person gives it, with a value or without.

They stand in one table property, as JSON: Delta's library sets properties and takes none away, and
a tag that is taken off has to be gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from lakelet.errors import SqlError, nearest

__all__ = ("TAGS", "tags_of", "with_tags", "without_tags")

TAGS = "lakelet.tags"
_MOST = 50
_LONGEST_NAME = 255
_LONGEST_VALUE = 1000
_NOT_IN_NAMES = ".,-=/:"
"""Source: Databricks, "Apply tags to Unity Catalog securable objects", "Constraints"."""


def tags_of(configuration: Mapping[str, str]) -> dict[str, str]:
    """A table's tags with their values, '' for one that has none."""
    try:
        found = json.loads(configuration.get(TAGS, "{}"))
    except ValueError:
        return {}  # another program wrote something else there
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def with_tags(configuration: Mapping[str, str], given: Mapping[str, str], table: str) -> str:
    """The property of a table that gets tags.

    Raises:
        SqlError: a name or value that is none, or more tags than a table can have.
    """
    for name, value in given.items():
        if not name or name != name.strip() or len(name) > _LONGEST_NAME:
            raise _no_tag(table, name, f"has one to {_LONGEST_NAME} letters, no blanks around them")
        if wrong := [letter for letter in name if letter in _NOT_IN_NAMES]:
            raise _no_tag(table, name, f"has no {wrong[0]!r} in it")
        if len(value) > _LONGEST_VALUE:
            raise SqlError(
                f"{table}: the value of the tag {name} has {len(value)} letters, {_LONGEST_VALUE} "
                "are the most; nothing was changed."
            )
    found = {**tags_of(configuration), **given}
    if len(found) > _MOST:
        raise SqlError(
            f"{table} would have {len(found)} tags, {_MOST} are the most; nothing was changed.",
            hint=f"ALTER TABLE {table} UNSET TAGS ('name') takes one off.",
        )
    return json.dumps(found, ensure_ascii=False, sort_keys=True)


def _no_tag(table: str, name: str, rule: str) -> SqlError:
    return SqlError(f"{table}: {name!r} is no name of a tag, which {rule}; nothing was changed.")


def without_tags(configuration: Mapping[str, str], names: Iterable[str], table: str) -> str:
    """The property of a table that loses tags.

    Raises:
        SqlError: one that it does not have.
    """
    found = tags_of(configuration)
    for name in dict.fromkeys(names):
        if name not in found:
            close = nearest(name, found)
            raise SqlError(
                f"{table} has no tag {name!r}; nothing was changed.",
                hint=f"did you mean {close!r}?" if close else None,
            )
        del found[name]
    return json.dumps(found, ensure_ascii=False, sort_keys=True)
