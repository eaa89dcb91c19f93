"""Macros for casts (pages "cast function", "try_cast function", "DATE type", "TIMESTAMP type").

``lk_try_…`` gives NULL where a value does not convert, ``lk_cast_…`` an error with Databricks' name
for it. Every branch of ``struct_extract`` must bind for every type, hence ``lk_as``, which is the
value itself where the type fits and harmless text elsewhere.
"""

from __future__ import annotations

__all__ = ("MACROS",)

_INSTANT = "'TIMESTAMP WITH TIME ZONE'"
_DAY = "([0-9]{4,6})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?"
_CLOCK = "([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]{0,9}))?)?"
_ZONE = "(Z|UTC|GMT|[+-][0-9]{2}:[0-9]{2}|[A-Za-z_]+/[A-Za-z_/+-]+)"
# Databricks trims every character up to the blank, which covers tabs and line ends.
_TRIM = "trim({}, chr(32) || chr(9) || chr(10) || chr(11) || chr(12) || chr(13))"


_REAL = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"
# How ``x`` is handed to the macro for its type, so that the call binds for every type.
_HANDED = {
    "number": "lk_as_number(x)", "text": "CAST(x AS VARCHAR)", "boolean": "lk_as(x, 'BOOLEAN')",
    "date": "lk_as(x, 'DATE')", "instant": f"lk_as(x, {_INSTANT})",
    "wall": "lk_as(x, 'TIMESTAMP')", "bytes": "lk_as(x, 'BLOB')",
}  # fmt: skip


_NULLS = {
    "whole": "HUGEINT", "double": "DOUBLE", "float": "FLOAT", "boolean": "BOOLEAN",
    "text": "VARCHAR", "binary": "BLOB", "date": "DATE", "timestamp": "TIMESTAMPTZ",
    "wall": "TIMESTAMP",
}  # fmt: skip


def _letting(name: str, value: str, body: str) -> str:
    """``body`` with ``name`` standing for ``value``, which is then written only once."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"


def _cast(
    name: str,
    target: str,
    branches: dict[str, str],
    *,
    typed: bool = False,
    named: bool = False,
    fails: str = "'text'",
) -> dict[str, str]:
    """The macros of one target: one for each type of source, and those that choose among them.

    ``lk_try_NAME_KIND`` converts or gives NULL, ``lk_cast_NAME_KIND`` fails instead;
    ``lk_try_NAME`` and ``lk_cast_NAME`` choose by the type of their argument. Of a ``typed`` one
    both take a value of the target's type besides; of a ``named`` one ``lk_cast_…`` takes the
    target's name, for its messages.
    """
    more = hand = ", target" if typed else ""
    shown = "typeof(target)" if typed else "target" if named else f"'{target}'"
    refused = "'DECIMAL'" if typed else shown
    invalid = (
        "lk_fail('[CAST_INVALID_INPUT] the value ' || CAST(x AS VARCHAR) || ' of type ' || "
        f"typeof(x) || ' cannot be cast to ' || {shown} || '. Use try_cast to get NULL instead.')"
    )
    found = {}
    also = ", target" if typed or named else ""
    for kind, body in branches.items():
        attempt = f"lk_try_{name}_{kind}(x{hand})"
        found[f"lk_try_{name}_{kind}"] = f"(x{more}) AS {body}"
        found[f"lk_cast_{name}_{kind}"] = f"(x{also}) AS " + (
            f"coalesce({attempt}, CASE WHEN x IS NOT NULL THEN {invalid} END)"
            if f"'{kind}'" in fails
            else attempt
        )
    for verb, given in (("try", more), ("cast", also)):
        refusal = (
            "lk_fail('[DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION] a value of type ' || typeof(x) "
            f"|| ' cannot be cast to ' || {refused if given == also else _SOME} || '.')"
        )
        fields = {"null": f"CAST(NULL AS {_NULLS[name]})" if not typed else "target"}
        for kind in branches:
            fields[kind] = f"lk_{verb}_{name}_{kind}({_HANDED[kind]}{given})"
        fields |= {kind: refusal for kind in ("other", *_HANDED) if kind not in fields}
        found[f"lk_{verb}_{name}"] = f"(x{given}) AS " + _choice(fields, "lk_kind(x)")
    return found


_SOME = "'a whole number'"  # where a try is not told which


def _choice(branches: dict[str, str], key: str) -> str:
    fields = ", ".join(f"'{name}': {sql}" for name, sql in branches.items())
    return f"struct_extract({{{fields}}}, {key})"


_NUMBER = (
    "n LIKE 'DECIMAL(%' OR n IN ('DOUBLE', 'FLOAT', 'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT')"
)
_KIND = (
    f"CASE WHEN {_NUMBER} THEN 'number' WHEN n = 'VARCHAR' THEN 'text' "
    "WHEN n = 'BOOLEAN' THEN 'boolean' WHEN n = 'DATE' THEN 'date' "
    f"WHEN n = {_INSTANT} THEN 'instant' WHEN n = 'TIMESTAMP' THEN 'wall' "
    "WHEN n = 'BLOB' THEN 'bytes' WHEN n = '\"NULL\"' THEN 'null' ELSE 'other' END"
)


def _day_part(place: int) -> str:
    part = f"regexp_extract(s, '^[+]?{_DAY}', {place})"
    return f"lpad(CASE WHEN {part} = '' THEN '1' ELSE {part} END, 2, '0')"


def _clock_part(place: int) -> str:
    part = f"regexp_extract(s, '[ T]{_CLOCK}', {place})"
    return f"lpad(CASE WHEN {part} = '' THEN '0' ELSE {part} END, 2, '0')"


_DAY_TEXT = (
    f"lpad(regexp_extract(s, '^[+]?{_DAY}', 1), 4, '0') || '-' || {_day_part(2)} || '-' || "
    + _day_part(3)
)
_CLOCK_TEXT = (
    f"CASE WHEN regexp_matches(s, '[ T]{_CLOCK}') THEN "
    + " || ':' || ".join(_clock_part(place) for place in (1, 2, 3))
    + f" || '.' || left(regexp_extract(s, '[ T]{_CLOCK}', 4) || '000000', 6) ELSE '00:00:00' END"
)
_MOMENT = f"[+]?{_DAY}(?:[ T]{_CLOCK} ?{_ZONE}?)?"
_WALL_TEXT = f"{_DAY_TEXT} || ' ' || {_CLOCK_TEXT}"

MACROS: dict[str, str] = {
    "lk_kind": f"(x) AS {_letting('n', 'typeof(x)', _KIND)}",
    "lk_number_or": (
        f"(name, other) AS {_letting('n', 'name', f'CASE WHEN {_NUMBER} THEN n ELSE other END')}"
    ),
    "lk_as": (
        "(x, name) AS cast_to_type(cast_to_type(x, lk_null_of(CASE WHEN typeof(x) = name "
        "THEN name ELSE 'VARCHAR' END)), lk_null_of(name))"
    ),
    "lk_as_number": (
        "(x) AS cast_to_type(cast_to_type(x, lk_null_of(lk_number_or(typeof(x), 'VARCHAR'))), "
        "lk_null_of(lk_number_or(typeof(x), 'DOUBLE')))"
    ),
    "lk_trim": f"(x) AS {_TRIM.format('x')}",
    # Whole numbers: a fraction is cut off, text must be a whole number.
    **_cast(
        "whole",
        "",
        {
            "number": "TRY_CAST(trunc(x) AS HUGEINT)",
            "text": "CASE WHEN regexp_full_match(lk_trim(x), '[+-]?[0-9]+') "
            "THEN TRY_CAST(lk_trim(x) AS HUGEINT) END",
            "boolean": "CAST(x AS HUGEINT)",
            "instant": "CAST(floor(epoch_us(x) / 1000000) AS HUGEINT)",
        },
        named=True,
        fails="'text', 'number'",
    ),
    "lk_number_text": f"(s) AS regexp_full_match(s, '{_REAL}')",
    "lk_float_of_text": "(t) AS "
    + _letting(
        "s",
        "lk_trim(t)",
        f"CASE WHEN regexp_full_match(s, '{_REAL}') THEN TRY_CAST(s AS DOUBLE) "
        f"WHEN regexp_full_match(s, '{_REAL}[dDfF]') THEN TRY_CAST(s[:-2] AS DOUBLE) "
        "WHEN lower(s) = 'nan' THEN CAST('nan' AS DOUBLE) "
        "WHEN lower(s) IN ('inf', '+inf', 'infinity', '+infinity') THEN CAST('inf' AS DOUBLE) "
        "WHEN lower(s) IN ('-inf', '-infinity') THEN CAST('-inf' AS DOUBLE) END",
    ),
    **_cast(
        "double",
        "DOUBLE",
        {
            "number": "CAST(x AS DOUBLE)",
            "text": "lk_float_of_text(x)",
            "boolean": "CAST(CAST(x AS INTEGER) AS DOUBLE)",
            "instant": "epoch_us(x) / 1000000",
        },
    ),
    "lk_narrow": (
        "(d) AS CAST(CASE WHEN abs(d) > CAST(3.4028235677973366e38 AS DOUBLE) "
        "THEN sign(d) * CAST('inf' AS DOUBLE) ELSE d END AS FLOAT)"
    ),
    **_cast(
        "float",
        "FLOAT",
        {
            "number": "lk_narrow(CAST(x AS DOUBLE))",
            "text": "lk_narrow(lk_float_of_text(x))",
            "boolean": "CAST(CAST(x AS INTEGER) AS FLOAT)",
        },
    ),
    # By way of text, so that 2.675 is what it reads as and not its binary neighbour.
    **_cast(
        "decimal",
        "",
        {
            "number": "lk_try_to(CAST(x AS VARCHAR), target)",
            "text": "CASE WHEN lk_number_text(lk_trim(x)) THEN lk_try_to(lk_trim(x), target) END",
            "boolean": "cast_to_type(CAST(x AS INTEGER), target)",
        },
        typed=True,
        fails="'text', 'number'",
    ),
    # TRY takes no aggregate; one that is handed to a lambda is not inside it any more.
    "lk_try_to": "(x, target) AS " + _letting("v", "x", "TRY(cast_to_type(v, target))"),
    **_cast(
        "boolean",
        "BOOLEAN",
        {
            "number": "x <> 0",
            "text": "CASE WHEN lower(lk_trim(x)) IN ('t', 'true', 'y', 'yes', '1') THEN TRUE "
            "WHEN lower(lk_trim(x)) IN ('f', 'false', 'n', 'no', '0') THEN FALSE END",
            "boolean": "x",
        },
    ),
    # DOUBLE as text the way Java writes it: 1.0E10, not 10000000000.0.
    "lk_java_float": "(x) AS "
    + _letting(
        "t",
        "x",
        "CASE WHEN t = 'nan' THEN 'NaN' WHEN t = 'inf' THEN 'Infinity' WHEN t = '-inf' "
        "THEN '-Infinity' WHEN t[1] = '-' THEN '-' || lk_java_number(t[2:]) "
        "ELSE lk_java_number(t) END",
    ),
    "lk_java_number": "(x) AS "
    + _letting(
        "j",
        "{'t': x, 'd': ltrim(replace(split_part(x, 'e', 1), '.', ''), '0'), 'e': lk_exponent(x)}",
        "CASE WHEN j.t IN ('0.0', '0') THEN '0.0' WHEN j.e BETWEEN -3 AND 6 THEN "
        "CASE WHEN contains(j.t, '.') THEN j.t ELSE j.t || '.0' END ELSE j.d[1] || '.' || "
        "coalesce(nullif(rtrim(j.d[2:], '0'), ''), '0') || 'E' || j.e::VARCHAR END",
    ),
    "lk_exponent": (  # of the first digit that is not zero
        "(t) AS coalesce(TRY_CAST(split_part(t, 'e', 2) AS INTEGER), 0) + CASE "
        "WHEN regexp_matches(t, '^0?[.]') THEN -1 - length(regexp_extract(t, '[.](0*)', 1)) "
        "ELSE length(split_part(split_part(t, 'e', 1), '.', 1)) - 1 END"
    ),
    **_cast(
        "text",
        "STRING",
        {
            "number": "CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT') "
            "THEN lk_java_float(CAST(x AS VARCHAR)) ELSE CAST(x AS VARCHAR) END",
            "text": "x",
            "boolean": "CAST(x AS VARCHAR)",
            "date": "CAST(x AS VARCHAR)",
            "instant": "CAST(CAST(x AS TIMESTAMP) AS VARCHAR)",
            "wall": "CAST(x AS VARCHAR)",
            "bytes": "decode(x)",
        },
        fails="",
    ),
    **_cast("binary", "BINARY", {"text": "encode(x)", "bytes": "x"}, fails=""),
    "lk_day_of_text": "(t) AS "
    + _letting(
        "s",
        "lk_trim(t)",
        f"CASE WHEN regexp_full_match(s, '[+]?{_DAY}([ T].*)?') "
        f"THEN TRY_CAST({_DAY_TEXT} AS DATE) END",
    ),
    **_cast(
        "date",
        "DATE",
        {
            "text": "lk_day_of_text(x)",
            "date": "x",
            "instant": "CAST(x AS DATE)",
            "wall": "CAST(x AS DATE)",
        },
    ),
    "lk_wall_of_text": "(t) AS "
    + _letting(
        "s",
        "lk_trim(t)",
        f"CASE WHEN regexp_full_match(s, '{_MOMENT}') THEN TRY_CAST({_WALL_TEXT} AS TIMESTAMP) END",
    ),
    # Text without a zone is read on the session's clock.
    "lk_instant_of_text": "(t) AS "
    + _letting(
        "s",
        "lk_trim(t)",
        f"CASE WHEN NOT regexp_full_match(s, '{_MOMENT}') THEN NULL "
        f"WHEN regexp_full_match(s, '.*{_ZONE}') THEN TRY_CAST({_WALL_TEXT} || regexp_replace("
        f"replace(' ' || regexp_extract(s, '{_ZONE}$', 1), ' Z', ' UTC'), '^ ([+-])', '\\1') "
        "AS TIMESTAMPTZ) "
        f"ELSE CAST(TRY_CAST({_WALL_TEXT} AS TIMESTAMP) AS TIMESTAMPTZ) END",
    ),
    **_cast(
        "timestamp",
        "TIMESTAMP",
        {
            "number": "to_timestamp(CAST(x AS DOUBLE))",
            "text": "lk_instant_of_text(x)",
            "date": "CAST(x AS TIMESTAMPTZ)",
            "instant": "x",
            "wall": "CAST(x AS TIMESTAMPTZ)",
        },
    ),
    **_cast(
        "wall",
        "TIMESTAMP_NTZ",
        {
            "text": "lk_wall_of_text(x)",
            "date": "CAST(x AS TIMESTAMP)",
            "instant": "CAST(x AS TIMESTAMP)",
            "wall": "x",
        },
    ),
    # A literal beside a value of another type takes that type.
    "lk_text_as": "(s, x) AS "
    + _choice(
        {
            "whole": "CAST(lk_cast_whole_text(s, 'BIGINT') AS BIGINT)",
            "float": "lk_cast_double_text(s)",
            "decimal": "lk_cast_decimal_text(s, NULL::DECIMAL(38, 18))",
            "date": "lk_cast_date_text(s)",
            "instant": "lk_cast_timestamp_text(s)",
            "wall": "lk_cast_wall_text(s)",
            "boolean": "lk_cast_boolean_text(s)",
            "text": "s",
        },
        _letting(
            "n",
            "typeof(x)",
            "CASE WHEN n IN ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT') THEN 'whole' "
            "WHEN n IN ('FLOAT', 'DOUBLE') THEN 'float' WHEN n LIKE 'DECIMAL(%' THEN 'decimal' "
            f"WHEN n = 'DATE' THEN 'date' WHEN n = {_INSTANT} THEN 'instant' "
            "WHEN n = 'TIMESTAMP' THEN 'wall' WHEN n = 'BOOLEAN' THEN 'boolean' ELSE 'text' END",
        ),
    ),
    "lk_number_beside": (
        "(n, x) AS struct_extract({'number': n, 'null': n, 'float': CAST(n AS DOUBLE), 'other': "
        "lk_fail('[DATATYPE_MISMATCH] a number is compared with a value of type ' || typeof(x) "
        "|| '; cast one of them.')}, CASE WHEN typeof(x) = 'FLOAT' THEN 'float' "
        "WHEN lk_kind(x) IN ('number', 'null') THEN lk_kind(x) ELSE 'other' END)"
    ),
    "lk_mixed": (
        "(types) AS list_contains(types, 'VARCHAR') "
        "AND len(list_filter(types, lambda t: t NOT IN ('VARCHAR', '\"NULL\"'))) > 0"
    ),
    "lk_mixed_error": (
        "() AS lk_fail('[DATATYPE_MISMATCH.DATA_DIFF_TYPES] text and another type are mixed among "
        "the results here; cast them to one type.')"
    ),
}
