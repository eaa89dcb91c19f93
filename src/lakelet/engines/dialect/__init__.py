"""SQL dialects: a Databricks query becomes DuckDB SQL of the very same meaning or is refused."""

from __future__ import annotations

from typing import Literal

from lakelet.engines.dialect.translation import (
    Edit,
    TableColumns,
    TableFunctionCall,
    TableReference,
    Translation,
)

__all__ = (
    "Edit",
    "TableColumns",
    "TableFunctionCall",
    "TableReference",
    "Translation",
    "failure_text",
    "translate_expression",
    "translate_query",
)


def translate_query(
    text: str,
    *,
    dialect: Literal["databricks", "duckdb"] = "databricks",
    columns: TableColumns | None = None,
    edit: Edit | None = None,
) -> Translation:
    """Translate one query and say what it reads.

    The translated text expects the session's zone to be set, a view for every table and call,
    and the macros created on the connection. In the dialect ``duckdb`` the text stays as it is,
    time travel apart.

    Args:
        text: the query.
        dialect: whose SQL it is.
        columns: asked for the columns of each table. Where types are known, DuckDB's own operators
            stand for macros that find them out: the same values, sooner.
        edit: changes the syntax tree of a Databricks query before it is translated.

    Raises:
        SqlError: the query cannot be read, or a part of it is not among the tested translations.
    """
    if dialect == "duckdb":
        from lakelet.engines.dialect.duckdb_text import read_duckdb

        return read_duckdb(text)
    from lakelet.engines.dialect.databricks import query

    return query(text, columns, edit)


def translate_expression(text: str) -> Translation:
    """Translate a value or condition standing alone, as in UPDATE SET, WHERE or CHECK.

    The result's ``sql`` is the expression and ``macros`` what it needs. Subqueries inside it are
    translated too, their tables listed.

    Raises:
        SqlError: as for ``translate_query``.
    """
    from lakelet.engines.dialect.databricks import expression

    return expression(text)


def failure_text(message: str) -> str | None:
    """What one of our own checks says in a DuckDB error's message, or None if it is DuckDB's own.

    A check that fails while a query is bound or runs reaches DuckDB as a cast that cannot
    succeed; its text starts with the name of Databricks' error class in brackets.
    """
    import re

    if "must be a constant expression" in message and (
        "lk_" in message or '"from_json"' in message
    ):
        return (
            "[UNSUPPORTED] an operation here depends on a type that is not known while the query "
            "is bound, as in most arithmetic and casts inside a lambda."
        )
    found = re.search(r"Could not convert string '(\[[A-Z].*)' to INT32", message, re.DOTALL)
    found = found or re.search(r'Value "(\[[A-Z].*?)" can not be converted', message, re.DOTALL)
    return found.group(1) if found else None
