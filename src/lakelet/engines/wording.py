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
from lakelet.engines.type_words import each_type, spark_types, types_in_own_words
from lakelet.errors import LakeletError, nearest
from lakelet.workspace.quantities import counted

__all__ = ("PLACED", "Said", "place", "placed", "reworded")

PLACED = re.compile(r"\(line (\d+), column (\d+)\)")
"""A place in a statement, as messages have it."""


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


_SIGNS = {"~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE", "!~~*": "NOT ILIKE"}
_PLACES = frozenset({"array_extract", "list_extract", "list_element", "element_at"})
_OWN = frozenset({"_metadata", "_rescued_data"})
_LOOK = "DESCRIBE schema.table lists a table's columns; text stands in quotes: 'x'."


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
    if name in _PLACES:
        kind = each_type(types)[-1]
        return Said(
            f"[DATATYPE_MISMATCH] an element's place is a whole number, not {kind}.",
            "cast it: CAST(x AS INT).",
        )
    return Said(
        f"[DATATYPE_MISMATCH] {shown} does not take {' and '.join(each_type(types))}.",
        "cast it to a type it takes: CAST(x AS BIGINT), DATE '2026-01-31', ….",
        name if shown.endswith("()") else "",
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
    # DuckDB lists those of the fields that look alike.
    close = nearest(found["name"], _candidates(found.string))
    hint = f"did you mean {close}?" if close else "DESCRIBE schema.table shows a STRUCT's fields."
    message = f"[FIELD_NOT_FOUND] there is no field {found['name']} in the STRUCT."
    return Said(message, hint, found["name"])


_EXTRACTED = re.compile(r"struct_extract\(([^()]+), '(\w+)'\)")


def _no_struct(found: re.Match[str]) -> Said:
    whole = found["whole"]
    while (inner := _EXTRACTED.sub(r"\1.\2", whole)) != whole:
        whole = inner
    whole = whole.strip('"')
    return Said(
        f"[INVALID_EXTRACT_BASE_FIELD_TYPE] {whole} is no STRUCT and has no field {found['name']}.",
        None, found["name"],
    )  # fmt: skip


def _mixed(found: re.Match[str]) -> Said:
    one, other = spark_types(found["one"]), spark_types(found["other"])
    where = f"among the results of {found['place']}" if found["place"] else "in a comparison"
    return Said(
        f"[DATATYPE_MISMATCH.DATA_DIFF_TYPES] {one} and {other} are mixed {where}.",
        "cast them to one type: CAST(x AS STRING).",
    )


def _no_star(found: re.Match[str]) -> Said:
    name = found["name"].replace('"', "")
    return Said(
        f"[CANNOT_RESOLVE_STAR_EXPAND] {name} in {name}.* names no table of this query, and no "
        "STRUCT.", "a table is named after FROM or JOIN.",
    )  # fmt: skip


def _uneven(found: re.Match[str]) -> Said:
    wanted, given = (counted(int(found[name]), "value") for name in ("wanted", "found"))
    return Said(
        f"[INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH] a row of VALUES has {given} where the first "
        f"has {wanted}.",
        "give every row as many values; NULL stands for one that is not known.",
    )


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
        (r"^Cannot (?:mix|compare) values of type (?P<one>.+?) and (?:type )?(?P<other>.+?)"
         r"(?: in (?P<place>\w+).*)? - an explicit cast", _mixed),
        (r"^VALUES lists must all be the same length, expected (?P<wanted>\d+) \S+ but found a "
         r"list with (?P<found>\d+)", _uneven),
        (r"^Date out of range: (?P<day>\S+)",
         _flat("[DATETIME_FIELD_OUT_OF_BOUNDS] {day} is no day of the calendar.")),
        (r"^Cannot concatenate types (?P<one>.+?) and (?P<other>.+?) - an explicit cast",
         _flat("[DATATYPE_MISMATCH.DATA_DIFF_TYPES] {one} and {other} cannot be joined to one.",
               "cast one of them, or make an array of the single value: array(x).")),
        (r"^Unimplemented type for cast \((?P<one>.+?) -> (?P<other>.+?)\)",
         _flat("[DATATYPE_MISMATCH.DATA_DIFF_TYPES] {one} and {other} stand where one type is "
               "needed.", "cast them to one type: CAST(x AS STRING).")),
        (r'^Ambiguous reference to table "(?P<name>.+?)"',
         _flat("[AMBIGUOUS_REFERENCE] two tables of this query are called {name}.",
               "give one of them another name: … AS b.")),
        (r'^Cannot extract field from expression "(?P<name>.+?)\.\*" because', _no_star),
        (r"^GROUP BY clause cannot contain aggregates",
         _flat("[GROUP_BY_AGGREGATE] GROUP BY takes no aggregate: groups are made before.",
               "group in a query, and its rows again in one around it.")),
        (r"^aggregate function calls cannot be nested",
         _flat("[NESTED_AGGREGATE_FUNCTION] an aggregate stands inside an aggregate.",
               "take the inner one in a query of its own, and the outer one around it.")),
        (r"^Time out of range: (?P<time>\S+)",
         _flat("[DATETIME_FIELD_OUT_OF_BOUNDS] {time} is no time of the day.")),
        (r"^(?:could not allocate|failed to \w+) [^\n]*?\((?P<used>[^()]* used)\)",
         _flat("the query needs more memory than it may take ({used}), also with what it could put "
               "on disk; nothing of it is kept.",
               "ask for less at once, or raise resources.memory in lakelet.toml.")),
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
    except LakeletError as error:
        place(error, text, dialect)
        raise


def place(error: LakeletError, text: str, dialect: Literal["databricks", "duckdb"]) -> None:
    """Add to an error where in a statement the name stands that it is about, once.

    Args:
        error: what went wrong.
        text: the statement.
        dialect: whose SQL it is.
    """
    if not error.word or PLACED.search(error.message):
        return
    word, error.word = error.word.lower(), ""
    found = [t.start for t in tokenize(text, dialect) if name_of(t).lower() == word]
    if not found and f"] {word}() does not take" in error.message:
        # A function of the translation, whose other arguments are none of the query's.
        kind = re.sub(r".* does not take (.*?)( and .*)?\.$", r"\1", error.message)
        error.say(f"[DATATYPE_MISMATCH] a function or operator here does not take {kind}.")
    if len(found) == 1:
        error.say(f"{error.message.rstrip('.')} ({place_in(text, found[0])}).")


def reworded(text: str) -> Said:
    """A message of DuckDB's, as `said_by_duckdb` gives it, for a person."""
    if text.startswith("["):
        return Said(types_in_own_words(text))
    for pattern, make in _RULES:
        found = pattern.search(text)
        if found is not None:
            return make(found)
    text = re.split(r"\n\s*(?:LINE \d+:|Candidate )", text)[0].strip()
    return Said(text)
