"""DuckDB's messages about a query in the words of Databricks: error class, names, what to do next.

What is not known here keeps DuckDB's words, without what only makes sense to DuckDB: the line of
the translated text, lists of its own functions, its names for types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from lakelet.engines.dialect.tokens import name_of, place_in, tokenize
from lakelet.errors import SqlError, nearest

__all__ = ("Said", "placed", "reworded", "spark_types")


@dataclass(frozen=True, slots=True)
class Said:
    """A message for a person.

    Attributes:
        message: what happened.
        hint: what to do next, or None.
        word: the name in the query it is about, by which its place is found, or ''.
    """

    message: str
    hint: str | None = None
    word: str = ""


_TYPES = {
    "STRING_LITERAL": "STRING", "INTEGER_LITERAL": "INT", "VARCHAR": "STRING", "INTEGER": "INT",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "TIMESTAMP": "TIMESTAMP_NTZ", "BLOB": "BINARY",
    "INT128": "DECIMAL(38,0)", "HUGEINT": "DECIMAL(38,0)", "INT64": "BIGINT", "INT32": "INT",
    "INT16": "SMALLINT", "INT8": "TINYINT", '"NULL"': "NULL",
}  # fmt: skip
_TYPE = re.compile(
    r"(?<!\w)(?:TIMESTAMP WITH TIME ZONE|INT(?:128|64|32|16|8)|(?:STRING|INTEGER)_LITERAL|VARCHAR|"
    r'INTEGER|TIMESTAMP|BLOB|HUGEINT|"NULL")(?!\w)'
)
_SIGNS = {"~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE", "!~~*": "NOT ILIKE"}
_OWN = frozenset({"_metadata", "_rescued_data"})
_LOOK = "DESCRIBE schema.table lists a table's columns; text stands in quotes: 'x'."


def spark_types(text: str) -> str:
    """A text with DuckDB's names for types as the lake's."""
    return _TYPE.sub(lambda found: _TYPES[found.group()], text)


def _named_type(found: re.Match[str]) -> str:
    return _TYPES.get(found.group(), found.group())


def _candidates(text: str) -> list[str]:
    """The names DuckDB lists behind a message, without the columns that loads add."""
    _, _, listed = text.partition("Candidate")
    names = [part.rsplit(".", 1)[-1] for part in re.findall(r'"((?:[^"]|"")+)"', listed)]
    return [name for name in names if name.lower() not in _OWN and not name.startswith("lakelet")]


def _near(word: str, text: str) -> str:
    close = nearest(word, _candidates(text))
    return f"did you mean {close}?" if close else _LOOK


def _unknown(found: re.Match[str]) -> Said:
    name = found["name"]
    return Said(
        f"[UNRESOLVED_COLUMN] there is no column {name} in what this reads.",
        _near(name, found.string), name,
    )  # fmt: skip


def _unknown_of(found: re.Match[str]) -> Said:
    name = f"{found['table']}.{found['name']}"
    return Said(
        f"[UNRESOLVED_COLUMN] there is no column {name}.",
        _near(found["name"], found.string), found["name"],
    )  # fmt: skip


def _no_from(found: re.Match[str]) -> Said:
    return Said(
        f"[UNRESOLVED_COLUMN] there is no column {found['name']}: the query reads nothing.",
        f"add FROM; text stands in quotes: '{found['name']}'.", found["name"],
    )  # fmt: skip


def _no_table(found: re.Match[str]) -> Said:
    known = ", ".join(dict.fromkeys(_candidates(found.string)))
    hint = f"known here: {known}." if known else "a table is named after FROM or JOIN."
    name = found["name"]
    return Said(f"[UNRESOLVED_COLUMN] {name} names no table of this query.", hint, name)


def _ambiguous(found: re.Match[str]) -> Said:
    use = re.sub(r"'", "", found["use"])
    return Said(
        f"[AMBIGUOUS_REFERENCE] several tables of this query have a column {found['name']}.",
        f"say whose: {use}.", found["name"],
    )  # fmt: skip


def _ungrouped(found: re.Match[str]) -> Said:
    name = found["name"]
    return Said(
        f"[MISSING_AGGREGATION] the column {name} is neither grouped by nor inside an aggregate.",
        f"add it to GROUP BY, take any_value({name}), or write GROUP BY ALL.", name,
    )  # fmt: skip


def _misplaced(found: re.Match[str]) -> Said:
    clause, what = found["clause"], found["what"]
    if what.startswith("window"):
        return Said(
            f"[UNSUPPORTED_EXPR_FOR_WINDOW] {clause} takes no function with OVER.",
            "QUALIFY filters by one: … QUALIFY row_number() OVER (…) = 1.",
        )
    return Said(
        f"[INVALID_WHERE_CONDITION] {clause} takes no aggregate: it is asked for each row.",
        "HAVING filters groups: … GROUP BY … HAVING count(*) > 1.",
    )


def _no_match(found: re.Match[str]) -> Said:
    name, types = found["name"], spark_types(found["types"])
    shown = _SIGNS.get(name, name)
    if name.startswith("lk_"):
        shown = "a function here"
    elif re.fullmatch(r"\w+", name) and name not in ("LIKE", "ILIKE"):
        shown += "()"
    return Said(
        f"[DATATYPE_MISMATCH] {shown} does not take {types.replace(', ', ' and ')}.",
        "cast it to a type it takes: CAST(x AS BIGINT), DATE '2026-01-31', ….",
    )


def _too_large(found: re.Match[str]) -> Said:
    kind = spark_types(found["kind"])
    return Said(
        f"[CAST_OVERFLOW] the value {found['value']} is out of the range of {kind}.",
        "cast to a wider type, or use try_cast to get NULL instead.",
    )


def _overflow(found: re.Match[str]) -> Said:
    kind = spark_types(found["kind"])
    return Said(
        f"[ARITHMETIC_OVERFLOW] {found['what'].strip('()')} is out of the range of {kind}.",
        "cast one side to a wider type, such as BIGINT or DECIMAL(38,0), or use try_add, "
        "try_subtract or try_multiply to get NULL instead.",
    )


def _no_number(found: re.Match[str]) -> Said:
    kind = spark_types(found["kind"])
    return Said(
        f"[CAST_INVALID_INPUT] the text '{found['value']}' cannot be read as {kind}.",
        "use try_cast to get NULL instead.",
    )


def _no_field(found: re.Match[str]) -> Said:
    fields = _candidates(found.string)
    close = nearest(found["name"], fields)
    hint = f"did you mean {close}?" if close else None
    listed = f"; it has {', '.join(fields)}" if fields else ""
    message = f"[FIELD_NOT_FOUND] there is no field {found['name']} in the STRUCT{listed}."
    return Said(message, hint, found["name"])


def _no_struct(found: re.Match[str]) -> Said:
    whole = found["whole"].strip('"')
    return Said(
        f"[INVALID_EXTRACT_BASE_FIELD_TYPE] {whole} is no STRUCT and has no field {found['name']}.",
        None, found["name"],
    )  # fmt: skip


def _flat(message: str, hint: str | None = None) -> Callable[[re.Match[str]], Said]:
    return lambda found: Said(
        message.format(**{k: spark_types(v) for k, v in found.groupdict().items() if v}), hint
    )


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Said]], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r'^Referenced column "(?P<name>.+?)" not found in FROM clause', _unknown),
        (r'^Column "(?P<name>.+?)" in (?:EXCLUDE|REPLACE) list not found', _unknown),
        (r'^Referenced column "(?P<name>.+?)" was not found because the FROM', _no_from),
        (r'^(?:Values list|Table) "(?P<table>.+?)" does not have a column named "(?P<name>.+?)"',
         _unknown_of),
        (r'^Referenced table "(?P<name>.+?)" not found', _no_table),
        (r'^Ambiguous reference to column name "(?P<name>.+?)" \(use: (?P<use>.+?)\)', _ambiguous),
        (r'^column "?(?P<name>.+?)"? must appear in the GROUP BY clause', _ungrouped),
        (r"^(?P<clause>\w+) clause cannot contain (?P<what>aggregates|window functions)",
         _misplaced),
        (r"No function matches the given name and argument types '(?P<name>.+?)\("
         r"(?P<types>.*?)\)'\.", _no_match),
        (r'Could not choose a best candidate function for the function call "(?P<name>.+?)\('
         r'(?P<types>.*?)\)"\.', _no_match),
        (r"^Type \S+ with value (?P<value>\S+) can't be cast because the value is out of range for "
         r"the destination type (?P<kind>\w+)", _too_large),
        (r"^Overflow in \w+ of (?P<kind>\w+) \((?P<what>.*)\)!", _overflow),
        (r"^Could not convert string '(?P<value>.*)' to (?P<kind>[A-Z0-9_]+)", _no_number),
        (r'^Could not find key "(?P<name>.+?)" in struct', _no_field),
        (r"^Cannot extract field '(?P<name>.+?)' from expression (?P<whole>.+?) because",
         _no_struct),
        (r"^Set operations can only apply to expressions with the same number",
         _flat("[NUM_COLUMNS_MISMATCH] both sides of a set operation need as many columns.")),
        (r"^More than one row returned by a subquery",
         _flat("[SCALAR_SUBQUERY_TOO_MANY_ROWS] a subquery that stands for one value gives several "
               "rows.", "take an aggregate of it, write LIMIT 1, or ask with IN (…).")),
        (r"^Subquery returns (?P<n>\d+) columns - expected (?P<m>\d+)",
         _flat("[IN_SUBQUERY_DATA_TYPE_MISMATCH] a subquery gives {n} columns where {m} is "
               "expected.")),
        (r"^UNNEST\(\) can only be applied to .*, not (?P<kind>.+)",
         _flat("[DATATYPE_MISMATCH] explode() and its like take an ARRAY, not {kind}.",
               "split(text, ',') makes an array of text.")),
        (r"^Map keys must be unique",
         _flat("[DUPLICATED_MAP_KEY] a map has one of its keys twice.",
               "make the keys unique before they become a map.")),
        (r"^Cannot deduce template type '\w' in function: 'map_",
         _flat("[DATATYPE_MISMATCH] the key is of another type than the keys of the map.",
               "cast it to their type.")),
        (r"^(?P<clause>ORDER|GROUP BY) term out of range - should be between 1 and (?P<most>\d+)",
         _flat("[POS_OUT_OF_RANGE] {clause} names a column by a place that is not there: there are "
               "{most}.")),
        (r"^Type (?P<kind>\S+) with value .* can't be cast to the destination type "
         r"(?P<wanted>\S+)",
         _flat("[DATATYPE_MISMATCH] {kind} stands where {wanted} is expected.")),
    )
)  # fmt: skip


@contextmanager
def placed(text: str, dialect: Literal["databricks", "duckdb"]) -> Iterator[None]:
    """Add to an error of the body where in a statement the name stands that it is about.

    Args:
        text: the statement.
        dialect: whose SQL it is.
    """
    try:
        yield
    except SqlError as error:
        if error.word:
            word, error.word = error.word.lower(), ""
            found = [t.start for t in tokenize(text, dialect) if name_of(t).lower() == word]
            if len(found) == 1:
                head = error.message.rstrip(".")
                error.message = f"{head} ({place_in(text, found[0])})."
                error.args = (error.message,)
        raise


def reworded(text: str) -> Said:
    """A message of DuckDB's, as `said_by_duckdb` gives it, for a person."""
    if text.startswith("["):
        return Said(re.sub(r"(?<=of type )[A-Z]+( WITH TIME ZONE)?", _named_type, text))
    for pattern, make in _RULES:
        found = pattern.search(text)
        if found is not None:
            return make(found)
    text = re.split(r"\n\s*(?:LINE \d+:|Candidate )", text)[0].strip()
    return Said(text)
