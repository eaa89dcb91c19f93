"""What a translated query is made of."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ("TableFunctionCall", "TableReference", "Translation", "quote")


def quote(name: str) -> str:
    """``name`` as a quoted SQL identifier, whatever characters it holds."""
    return '"' + name.replace('"', '""') + '"'


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


@dataclass(frozen=True, slots=True)
class TableFunctionCall:
    """A call of a table function that a higher layer owns, such as ``read_files``.

    Attributes:
        name: the function's name in lower case.
        positional: literal values of the positional arguments.
        named: names (lower case) and literal values of the named arguments, in order.
        view: quoted SQL name of the view the translated text selects from.
    """

    name: str
    positional: tuple[object, ...]
    named: tuple[tuple[str, object], ...]
    view: str


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
