"""Names of tables: ``schema.table``, case-insensitive, stored in lower case."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lakelet.errors import InvalidNameError, OwnedTableError

__all__ = (
    "CHANGES_SUFFIX", "REJECTED_SUFFIX", "SYSTEM_SCHEMA", "TableName", "literal", "quote",
)  # fmt: skip

SYSTEM_SCHEMA = "system"
REJECTED_SUFFIX = "__rejected"
CHANGES_SUFFIX = "__cdc"

_PART = re.compile(r"\s*(?:`((?:[^`]|``)+)`|\"((?:[^\"]|\"\")+)\"|([^.`\"\s]+))\s*(\.|$)")
# delta-rs takes a folder's name for a part of a URL: of a table with ?, # or a percent code in its
# name it finds no history, or no table.
_FORBIDDEN = re.compile(r"[/\\?#\x00-\x1f\x7f]|%[0-9A-Fa-f]{2}")


def quote(name: str) -> str:
    """An SQL identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string literal in single quotes, without escapes (DuckDB, standard SQL)."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """The name of a table in the lake.

    Attributes:
        schema: the schema's name, lower case.
        table: the table's name, lower case.
    """

    schema: str
    table: str

    @classmethod
    def parse(cls, text: str) -> TableName:
        """A name from ``schema.table``; parts may be quoted with backticks or double quotes.

        Raises:
            InvalidNameError: not two parts, or a part that cannot be a folder's name.
        """
        parts: list[str] = []
        position = 0
        while position < len(text):
            match = _PART.match(text, position)
            if match is None:
                break
            whole = match[1] or match[2] or match[3]
            parts.append(whole.replace("``", "`").replace('""', '"'))
            position = match.end()
            if not match[4]:
                break
        if position != len(text) or len(parts) != 2:
            raise InvalidNameError(
                f"{text!r} is not the name of a table.",
                hint="write schema.table, such as bronze.posts.",
            )
        return cls.of(*parts)

    @classmethod
    def of(cls, schema: str, table: str) -> TableName:
        """A name from its two parts, checked.

        Raises:
            InvalidNameError: a part that cannot be a folder's name.
        """
        for part in (schema, table):
            if not part or part[0] in "._" or len(part) > 200 or _FORBIDDEN.search(part):
                raise InvalidNameError(
                    f"{part!r} cannot name a schema or table.",
                    hint="no slash, ?, #, percent code or control character, not empty, and not "
                    "beginning with . or _",
                )
        return cls(schema.lower(), table.lower())

    @property
    def rejected(self) -> TableName:
        """The companion table with the rows that were not records."""
        return TableName(self.schema, self.table + REJECTED_SUFFIX)

    @property
    def is_rejected(self) -> bool:
        """Whether this names a companion table of rejected rows."""
        return self.table.endswith(REJECTED_SUFFIX)

    @property
    def changes(self) -> TableName:
        """The companion table with the changes that AUTO CDC still needs."""
        return TableName(self.schema, self.table + CHANGES_SUFFIX)

    @property
    def is_companion(self) -> bool:
        """Whether this names a companion table of another one."""
        return self.table.endswith((REJECTED_SUFFIX, CHANGES_SUFFIX))

    def refuse_own(self) -> None:
        """Refuse to have what Lakelet itself relies on written by anyone else.

        Raises:
            OwnedTableError: the schema ``system``, or a companion table of rejected rows.
        """
        if self.schema == SYSTEM_SCHEMA or self.is_rejected:
            raise OwnedTableError(
                f"{self} is a table Lakelet writes itself; it was left as it is.",
                hint="choose another schema, such as bronze; read it with SELECT.",
            )

    @property
    def sql(self) -> str:
        """The name as an SQL identifier, quoted."""
        return f"{quote(self.schema)}.{quote(self.table)}"

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"
