"""Answers of translated queries, run in DuckDB as the engine runs them."""

from __future__ import annotations

from typing import Any

import duckdb

from engines.dialect.canonical import ZONE, query_of, type_of, value_of
from lakelet.engines.dialect import translate_query
from lakelet.errors import SqlError


class Duck:
    """One connection on which cases are run."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute(f"SET TimeZone = '{ZONE}'")
        self.made: set[str] = set()

    def answer(self, case: str) -> dict[str, Any]:
        """What a case gives: types and rows, an error, or a refusal."""
        try:
            translation = translate_query(query_of(case))
        except SqlError as error:
            return {"sql": case, "refused": error.message}
        for macro in translation.macros:
            if macro not in self.made:
                self.connection.execute(macro)
                self.made.add(macro)
        try:
            found = self.connection.execute(translation.sql)
            types = [type_of(str(column[1])) for column in found.description]
            rows = found.fetchall()
        except duckdb.Error as error:
            return {"sql": case, "error": str(error).splitlines()[0]}
        return {"sql": case, "types": types, "rows": [[value_of(v) for v in row] for row in rows]}
