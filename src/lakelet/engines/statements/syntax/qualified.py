"""Columns of the tables a statement changes, written with the schema: ``bronze.posts.id``.

Inside the statement a table goes by its own name where it was given no other (Databricks SQL
reference, "Name resolution"), which is also all that DuckDB knows it by there.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from lakelet.engines.dialect.tokens import Token, name_of, tokenize

__all__ = ("without_schema",)


def without_schema(
    text: str, tables: Collection[tuple[str, str]], dialect: Literal["databricks", "duckdb"]
) -> str:
    """An expression in which ``schema.table.column`` of some tables is ``table.column``.

    Args:
        text: the expression.
        tables: schema and name of the tables that go by their own name.
        dialect: whose SQL it is.
    """
    folded = {(schema.lower(), table.lower()) for schema, table in tables}
    found = [token for token in tokenize(text, dialect) if token.kind != "space"]
    cuts: list[tuple[int, int]] = []
    for at, token in enumerate(found[:-3]):
        dots = found[at + 1].text == found[at + 3].text == "."
        begins = at == 0 or found[at - 1].text != "."
        if dots and begins and (_folded(token), _folded(found[at + 2])) in folded:
            cuts.append((token.start, found[at + 2].start))
    for start, end in reversed(cuts):
        text = text[:start] + text[end:]
    return text


def _folded(token: Token) -> str:
    return name_of(token).lower() if token.kind in ("word", "name") else ""
