"""The page docs/sql-functions.md, written from the table of functions."""

from __future__ import annotations

from lakelet.engines.dialect.functions import (
    aggregates,
    arrays,
    conditionals,
    dates,
    numbers,
    strings,
    windows,
)
from lakelet.engines.dialect.functions.entry import Function

__all__ = ("page",)

_HEAD = """# SQL functions

Databricks queries are translated to DuckDB by a table of tested translations. A function, operator,
cast or clause that is not in it is refused by name; nothing runs with another meaning.
`--dialect duckdb` passes DuckDB's own SQL through instead.

This page is written from the table: `python -m lakelet.engines.dialect.documentation`.

## Clauses and operators

`SELECT [DISTINCT]`, `* EXCEPT (…)`, `FROM`, all joins (`LEFT SEMI`, `LEFT ANTI`, `CROSS`,
`NATURAL`, `USING`, `LATERAL` subqueries), `LATERAL VIEW [OUTER] explode`, `WHERE`, `GROUP BY`
(`ALL`, `ROLLUP`, `CUBE`, `GROUPING SETS`), `HAVING`, `QUALIFY`, `WINDOW`, `ORDER BY`,
`LIMIT`, `OFFSET`, `VALUES`, `WITH`, set operations, subqueries, `CASE`, `BETWEEN`, `IN`, `LIKE`,
`ILIKE`, `RLIKE`, `<=>`, `IS [NOT] DISTINCT FROM`, `||`, `div`, `%`, `& | ^ ~`, `x[i]`,
`x.field`, `json:path`, `cast`, `::`, `try_cast`, lambdas, `table VERSION AS OF n`,
`table TIMESTAMP AS OF '…'`, `table@v3`.

## What to know

- Integer overflow, division by zero, invalid casts and indexes fail, as with ANSI mode on.
- `DECIMAL` results have Databricks' precision and scale; arithmetic that would need more than 38
  digits is refused. `div` takes whole numbers, `FLOAT` is not mixed with other kinds of number.
- `+ - *` inside a lambda follow DuckDB's types; other arithmetic, `concat` and casts of a lambda's
  parameter are refused.
- Text beside a number, date or timestamp is converted where it is a literal; a text column must be
  cast and is refused otherwise.
- `WHERE`, `HAVING`, `ON`, `AND`, `OR`, `NOT` and `CASE WHEN` take conditions; `WHERE 1` is refused.
- The columns of a set operation should be of one type on both sides: text beside another type is
  refused where the query and its tables show it, and otherwise becomes text.
- Regular expressions, date patterns and JSON paths must be literals; what Java and RE2 read
  differently is refused.
- `approx_percentile` is exact here, `approx_count_distinct` is a HyperLogLog estimate of DuckDB's,
  `rand()` gives another sequence than Spark.
- Refused for now: `PIVOT`, `UNPIVOT`, `TABLESAMPLE`, `WITH RECURSIVE`, `SORT BY`, hints,
  `from_json`, casts to ARRAY, MAP and STRUCT, `LIKE ANY`, `split` with a limit, `array(…)[i]`
  (write `(array(…))[i]`).
"""


def _section(title: str, functions: dict[str, Function]) -> str:
    rows = [f"| `{name}` | {function.doc} |" for name, function in sorted(functions.items())]
    return "\n".join([f"\n## {title}\n", "| function | gives |", "|---|---|", *rows]) + "\n"


def page() -> str:
    """The whole page as Markdown."""
    sections = {
        "Text": strings.STRINGS,
        "Numbers": numbers.NUMBERS,
        "Choices and casts": conditionals.CONDITIONALS,
        "Dates and times": dates.DATES,
        "Arrays, maps, structs": arrays.ARRAYS,
        "Aggregates": aggregates.AGGREGATES,
        "Windows": windows.WINDOWS,
    }
    return _HEAD + "".join(_section(title, table) for title, table in sections.items())


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
