"""What a query's FROM clauses make known: names of sources, their columns and the columns' types.

A type is told only where it is certain. Whatever could be read in two ways, or is not followed
here (generators, parameters, nested types), has none; a check inside DuckDB then decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ("Columns", "Scope", "column_type", "is_source", "is_told_apart", "known_columns")

Columns = Sequence[tuple[str, str | None]]
"""Names in lower case and types of columns, in order."""

_PLAIN = frozenset({
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "BOOLEAN", "VARCHAR", "BLOB",
    "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE",
})  # fmt: skip


def known_columns(columns: Iterable[tuple[str, str]]) -> Columns:
    """A table's columns, with the types that are told apart here."""
    return [(name.lower(), kind if is_told_apart(kind) else None) for name, kind in columns]


def is_told_apart(kind: str) -> bool:
    """Whether something depends on a type, rather than on its being another than these."""
    return kind in _PLAIN or kind.endswith("[]") or kind.startswith(("DECIMAL(", "STRUCT(", "MAP("))


@dataclass(slots=True)
class Scope:
    """What the names in one SELECT can mean.

    Attributes:
        aliases: names that the SELECT itself gives to values, in lower case.
        opaque: whether nothing is known of the names right here, as in ORDER BY behind a union.
        sources: each source's name and columns, None where they are not known.
        plain_star: whether * is simply all columns of all sources.
        hidden: names of sources whose ``_metadata`` is not among the columns of *.
    """

    aliases: frozenset[str] = frozenset()
    opaque: bool = False
    sources: list[tuple[str, Mapping[str, str | None] | None]] = field(default_factory=list)
    plain_star: bool = True
    hidden: list[str] = field(default_factory=list)

    def add(self, name: str, columns: Columns | None) -> None:
        """Note a source; of a name that two of its columns share, nothing is known."""
        known = None if columns is None else dict(columns)
        if columns is not None and len(known or ()) != len(columns):
            known = None
        self.sources.append((name.lower(), known))

    def star(self, source: str | None = None) -> Columns | None:
        """The columns of * or, with the name of a source, of ``source.*``."""
        if source is None and not self.plain_star:
            return None
        found: list[tuple[str, str | None]] = []
        for name, columns in self.sources:
            if source is None or name == source:
                if columns is None:
                    return None
                found += columns.items()
        return found


def is_source(scopes: Sequence[Scope], name: str) -> bool:
    """Whether a table, query or alias has a name, in lower case, at this place."""
    return any(alias == name for scope in scopes for alias, _ in scope.sources)


def column_type(scopes: Sequence[Scope], source: str, name: str) -> str | None:
    """The type of a column, or None where it is not certain.

    Args:
        scopes: of the queries around the place, the innermost last.
        source: the table's name or alias in lower case, '' where there is none.
        name: the column's name in lower case.
    """
    if not scopes or scopes[-1].opaque:
        return None
    for scope in reversed(scopes):
        if scope.opaque:
            continue
        known = [columns for _, columns in scope.sources if columns is not None]
        if source:
            found = [columns for alias, columns in scope.sources if alias == source]
            if any(source in columns for columns in known) or len(found) > 1:
                return None  # a field of a column perhaps
            if found:
                return found[0].get(name) if found[0] is not None else None
        else:
            if name in scope.aliases:
                return None
            types = {columns[name] for columns in known if name in columns}
            if types:
                alone = len(types) == 1 and len(known) == len(scope.sources)
                return types.pop() if alone else None
        if len(known) < len(scope.sources):
            return None  # it may be there as well
    return None
