"""What a page may not ask of DuckDB in its own dialect: files by other ways, settings, the engine.

Databricks' dialect is translated, and knows none of these. In DuckDB's own, a statement from a page
may call only such table functions as open nothing; which there are, the engine itself says.
"""

from __future__ import annotations

from functools import cache

import duckdb

from lakelet.engines.dialect.tokens import tokenize
from lakelet.errors import SqlError

__all__ = ("refuse_reaching_out",)

_ALLOWED = frozenset({"range", "generate_series", "unnest", "repeat", "repeat_row", "read_files"})
_SCALARS = frozenset({"getenv", "write_log", "current_setting", "parse_duckdb_log_message"})
_INSIDE = ("duckdb_", "pragma_")


@cache
def _table_functions() -> frozenset[str]:
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT DISTINCT lower(function_name) FROM duckdb_functions() "
            "WHERE function_type IN ('table', 'pragma', 'table_macro')"
        ).fetchall()
    return frozenset(name for (name,) in rows) - _ALLOWED


def refuse_reaching_out(text: str) -> None:
    """Refuse a statement in DuckDB's dialect that would reach out of the lake, or into the engine.

    Raises:
        SqlError: it calls what opens files, tells of the engine, or runs text as a statement.
    """
    tokens = [token for token in tokenize(text, "duckdb") if token.kind != "space"]
    for at, token in enumerate(tokens):
        name = token.text.strip('"').lower()
        called = at + 1 < len(tokens) and tokens[at + 1].text == "("
        if name.startswith(_INSIDE) or (
            called and (name in _table_functions() or name in _SCALARS)
        ):
            raise SqlError(
                f"{name} is refused on this page: it opens files, or the engine itself, by a way "
                "that nothing is pinned or told by; nothing was run.",
                hint="read_files reads raw files, and delta.`path` a Delta table.",
                word=name,
            )
