"""What a translated query is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakelet.lake.names import quote

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = (
    "CATALOGS",
    "METADATA",
    "STREAM_OPTION",
    "Edit",
    "TableColumns",
    "TableFunctionCall",
    "TableReference",
    "Translation",
    "schema_name",
    "view_name",
    "without_catalog",
)

METADATA = "_metadata"
"""The column of `read_files` that ``*`` does not give: a query that wants it names it."""
STREAM_OPTION = "lakelet_stream"
"""The option that marks a call as one that delivers what is new."""

CATALOGS = ("main", "spark_catalog", "hive_metastore")
"""Databricks' names for the catalog that every table here is in."""
_TAKEN = frozenset({"system", "temp", "memory", "information_schema", "pg_catalog"})


def without_catalog(parts: tuple[str, ...]) -> tuple[str, ...]:
    """A table's name without the catalog, where it names the one there is."""
    return parts[1:] if len(parts) == 3 and parts[0].lower() in CATALOGS else parts


def schema_name(name: str) -> str:
    """The name a schema has on a connection, where DuckDB's own catalogs and schemas are too."""
    return f"lakelet {name.lower()}" if name.lower() in _TAKEN else name


def view_name(parts: tuple[str, ...], suffix: str = "") -> str:
    """The quoted name of the view of a table.

    Args:
        parts: the table's name.
        suffix: set behind the last part, for one of several moments of the table.
    """
    *before, last = parts
    named = [schema_name(part) for part in before] if len(parts) > 1 else []
    return ".".join(quote(part) for part in (*named, last + suffix))


@dataclass(frozen=True, slots=True)
class TableReference:
    """A table a query reads, and the name by which the translated text reads it.

    Attributes:
        parts: lower-cased, unquoted name parts, or ``("delta", path)`` for a table named by path.
        version: the version asked for, or None.
        timestamp: the moment asked for as literal text, or None.
        view: quoted SQL name of the view the translated text selects from.
    """

    parts: tuple[str, ...]
    version: int | None
    timestamp: str | None
    view: str


Edit = Callable[["exp.Expr"], "exp.Expr"]
"""Makes another syntax tree of a query's."""

TableColumns = Callable[[TableReference], Sequence[tuple[str, str]] | None]
"""Tells names and DuckDB types of a table's columns, or None where they are not known."""


@dataclass(frozen=True, slots=True)
class TableFunctionCall:
    """A call of a table function that a higher layer owns, such as ``read_files``.

    Attributes:
        name: the function's name in lower case.
        positional: literal values of the positional arguments.
        named: names (lower case) and literal values of the named arguments, in order.
        view: quoted SQL name of the view the translated text selects from.
        metadata: whether the query names the column ``_metadata``, which the view then has.
    """

    name: str
    positional: tuple[object, ...]
    named: tuple[tuple[str, object], ...]
    view: str
    metadata: bool = False


@dataclass(frozen=True, slots=True)
class Translation:
    """DuckDB SQL with exactly the meaning of a query, and what it needs to run.

    Attributes:
        sql: the text for DuckDB.
        tables: tables read; a view of each must exist under its ``view`` name.
        calls: table functions of higher layers; a view of each result must exist likewise.
        parameters: parameter markers in order of first use: a name for ``:name`` (bound as
            ``$name``), ``"?"`` for each positional one.
        macros: ``CREATE OR REPLACE TEMP MACRO`` statements to run first, in order.
    """

    sql: str
    tables: tuple[TableReference, ...] = ()
    calls: tuple[TableFunctionCall, ...] = ()
    parameters: tuple[str, ...] = ()
    macros: tuple[str, ...] = ()
