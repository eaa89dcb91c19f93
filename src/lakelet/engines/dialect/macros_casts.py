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


def _failing(name: str, target: str, *, typed: bool = False) -> str:
    """The failing twin of a trying macro."""
    parameters, arguments = ("(x, target)", "x, target") if typed else ("(x)", "x")
    shown = "typeof(target)" if typed else f"'{target}'"
    unsure = "'text', 'number'" if typed else "'text'"
    return (
        f"{parameters} AS struct_extract({{'sure': lk_try_{name}({arguments}), "
        f"'checked': coalesce(lk_try_{name}({arguments}), CASE WHEN x IS NOT NULL THEN "
        f"error('[CAST_INVALID_INPUT] the value ' || CAST(x AS VARCHAR) || ' of type ' "
        f"|| typeof(x) "
        f"|| ' cannot be cast to ' || {shown} || '. Use try_cast to get NULL instead.') END)}}, "
        f"CASE WHEN lk_kind(x) IN ({unsure}) THEN 'checked' ELSE 'sure' END)"
    )


def _choice(branches: dict[str, str], key: str) -> str:
    fields = ", ".join(f"'{name}': {sql}" for name, sql in branches.items())
    return f"struct_extract({{{fields}}}, {key})"


_KEY = (
    "CASE WHEN lk_code(typeof(x)) <> 0 THEN 'number' WHEN typeof(x) = 'VARCHAR' THEN 'text' "
    "WHEN typeof(x) = 'BOOLEAN' THEN 'boolean' WHEN typeof(x) = 'DATE' THEN 'date' "
    f"WHEN typeof(x) = {_INSTANT} THEN 'instant' WHEN typeof(x) = 'TIMESTAMP' THEN 'wall' "
    "WHEN typeof(x) = 'BLOB' THEN 'bytes' WHEN typeof(x) = '\"NULL\"' THEN 'null' "
    "ELSE 'other' END"
)
_OTHERS = ("number", "text", "boolean", "date", "instant", "wall", "bytes", "null", "other")


def _by_type(target: str, branches: dict[str, str]) -> str:
    """A choice over the type of ``x``; types not named are refused when the query runs."""
    refusal = (
        "error('[DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION] a value of type ' || typeof(x) || "
        f"' cannot be cast to {target}.')"
    )
    branches = {"null": "NULL", **branches}
    return _choice({name: branches.get(name, refusal) for name in _OTHERS}, "lk_kind(x)")


MACROS: dict[str, str] = {
    "lk_kind": f"(x) AS {_KEY}",
    "lk_as": (
        "(x, name) AS cast_to_type(cast_to_type(x, lk_null_of(CASE WHEN typeof(x) = name "
        "THEN name ELSE 'VARCHAR' END)), lk_null_of(name))"
    ),
    "lk_as_number": (
        "(x) AS cast_to_type(cast_to_type(x, lk_null_of(CASE WHEN lk_code(typeof(x)) <> 0 "
        "THEN typeof(x) ELSE 'VARCHAR' END)), lk_null_of(CASE WHEN lk_code(typeof(x)) <> 0 "
        "THEN typeof(x) ELSE 'DOUBLE' END))"
    ),
    "lk_trim": f"(x) AS {_TRIM.format('x')}",
    # Whole numbers: a fraction is cut off, text must be a whole number.
    "lk_try_whole": "(x, target) AS "
    + _by_type(
        "a whole number",
        {
            "number": "try_cast(trunc(lk_as_number(x)) AS HUGEINT)",
            "text": "CASE WHEN regexp_full_match(lk_trim(CAST(x AS VARCHAR)), '[+-]?[0-9]+') "
            "THEN try_cast(lk_trim(CAST(x AS VARCHAR)) AS HUGEINT) END",
            "boolean": "CAST(lk_as(x, 'BOOLEAN') AS HUGEINT)",
            "instant": f"CAST(floor(epoch_us(lk_as(x, {_INSTANT})) / 1000000) AS HUGEINT)",
        },
    ),
    "lk_cast_whole": (
        "(x, target) AS cast_to_type(coalesce(lk_try_whole(x, target), CASE WHEN x IS NOT NULL "
        "THEN error('[CAST_INVALID_INPUT] the value ' || CAST(x AS VARCHAR) || ' of type ' || "
        "typeof(x) || ' cannot be cast to a whole number. Use try_cast to get NULL instead.') "
        "END), target)"
    ),
    "lk_number_text": (
        "(s) AS regexp_full_match(s, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?')"
    ),
    "lk_float_of_text": (
        "(s) AS CASE WHEN lk_number_text(s) THEN try_cast(s AS DOUBLE) "
        "WHEN regexp_full_match(s, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[dDfF]') "
        "THEN try_cast(s[:-2] AS DOUBLE) "
        "WHEN lower(s) = 'nan' THEN CAST('nan' AS DOUBLE) "
        "WHEN lower(s) IN ('inf', '+inf', 'infinity', '+infinity') THEN CAST('inf' AS DOUBLE) "
        "WHEN lower(s) IN ('-inf', '-infinity') THEN CAST('-inf' AS DOUBLE) END"
    ),
    "lk_try_double": "(x) AS "
    + _by_type(
        "DOUBLE",
        {
            "number": "CAST(lk_as_number(x) AS DOUBLE)",
            "text": "lk_float_of_text(lk_trim(CAST(x AS VARCHAR)))",
            "boolean": "CAST(CAST(lk_as(x, 'BOOLEAN') AS INTEGER) AS DOUBLE)",
            "instant": f"epoch_us(lk_as(x, {_INSTANT})) / 1000000",
        },
    ),
    "lk_cast_double": _failing("double", "DOUBLE"),
    "lk_try_float": (
        "(x) AS CAST(CASE WHEN abs(lk_try_double(x)) > 3.4028235677973366e38::DOUBLE "
        "THEN sign(lk_try_double(x)) * CAST('inf' AS DOUBLE) ELSE lk_try_double(x) END AS FLOAT)"
    ),
    "lk_cast_float": _failing("float", "FLOAT"),
    "lk_try_decimal": "(x, target) AS "
    + _by_type(
        "DECIMAL",
        {
            # By way of text, so that 2.675 is what it reads as and not its binary neighbour.
            "number": "lk_try_to(CAST(lk_as_number(x) AS VARCHAR), target)",
            "text": "CASE WHEN lk_number_text(lk_trim(CAST(x AS VARCHAR))) "
            "THEN lk_try_to(lk_trim(CAST(x AS VARCHAR)), target) END",
            "boolean": "cast_to_type(CAST(lk_as(x, 'BOOLEAN') AS INTEGER), target)",
        },
    ),
    "lk_try_to": "(x, target) AS TRY(cast_to_type(x, target))",
    "lk_cast_decimal": _failing("decimal", "", typed=True),
    "lk_try_boolean": "(x) AS "
    + _by_type(
        "BOOLEAN",
        {
            "number": "lk_as_number(x) <> 0",
            "text": "CASE WHEN lower(lk_trim(CAST(x AS VARCHAR))) IN ('t', 'true', 'y', 'yes', '1')"
            " THEN TRUE WHEN lower(lk_trim(CAST(x AS VARCHAR))) IN ('f', 'false', 'n', 'no', '0')"
            " THEN FALSE END",
            "boolean": "CAST(lk_as(x, 'BOOLEAN') AS BOOLEAN)",
        },
    ),
    "lk_cast_boolean": _failing("boolean", "BOOLEAN"),
    # DOUBLE as text the way Java writes it: 1.0E10, not 10000000000.0.
    "lk_digits": "(t) AS ltrim(replace(split_part(t, 'e', 1), '.', ''), '0')",
    "lk_exponent": (  # of the first digit that is not zero
        "(t) AS coalesce(try_cast(split_part(t, 'e', 2) AS INTEGER), 0) + CASE "
        "WHEN regexp_matches(t, '^0?[.]') THEN -1 - length(regexp_extract(t, '[.](0*)', 1)) "
        "ELSE length(split_part(split_part(t, 'e', 1), '.', 1)) - 1 END"
    ),
    "lk_java_number": (
        "(t) AS CASE WHEN t IN ('0.0', '0') THEN '0.0' WHEN lk_exponent(t) BETWEEN -3 AND 6 THEN "
        "CASE WHEN contains(t, '.') THEN t ELSE t || '.0' END ELSE lk_digits(t)[1] || '.' || "
        "CASE WHEN rtrim(lk_digits(t)[2:], '0') = '' THEN '0' "
        "ELSE rtrim(lk_digits(t)[2:], '0') END || 'E' || lk_exponent(t)::VARCHAR END"
    ),
    "lk_java_float": (
        "(t) AS CASE WHEN t = 'nan' THEN 'NaN' WHEN t = 'inf' THEN 'Infinity' "
        "WHEN t = '-inf' THEN '-Infinity' WHEN t[1] = '-' THEN '-' || lk_java_number(t[2:]) "
        "ELSE lk_java_number(t) END"
    ),
    "lk_cast_text": "(x) AS "
    + _by_type(
        "STRING",
        {
            "number": "CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT') "
            "THEN lk_java_float(CAST(x AS VARCHAR)) ELSE CAST(x AS VARCHAR) END",
            "text": "CAST(x AS VARCHAR)",
            "boolean": "CAST(x AS VARCHAR)",
            "date": "CAST(x AS VARCHAR)",
            "instant": f"CAST(CAST(lk_as(x, {_INSTANT}) AS TIMESTAMP) AS VARCHAR)",
            "wall": "CAST(x AS VARCHAR)",
            "bytes": "decode(lk_as(x, 'BLOB'))",
        },
    ),
    "lk_cast_binary": "(x) AS "
    + _by_type("BINARY", {"text": "encode(CAST(x AS VARCHAR))", "bytes": "lk_as(x, 'BLOB')"}),
    "lk_day_of_text": (
        f"(s) AS CASE WHEN regexp_full_match(s, '[+]?{_DAY}([ T].*)?') THEN try_cast("
        f"lpad(regexp_extract(s, '^[+]?{_DAY}', 1), 4, '0') || '-' || "
        f"lpad(CASE WHEN regexp_extract(s, '^[+]?{_DAY}', 2) = '' THEN '1' "
        f"ELSE regexp_extract(s, '^[+]?{_DAY}', 2) END, 2, '0') || '-' || "
        f"lpad(CASE WHEN regexp_extract(s, '^[+]?{_DAY}', 3) = '' THEN '1' "
        f"ELSE regexp_extract(s, '^[+]?{_DAY}', 3) END, 2, '0') AS DATE) END"
    ),
    "lk_try_date": "(x) AS "
    + _by_type(
        "DATE",
        {
            "text": "lk_day_of_text(lk_trim(CAST(x AS VARCHAR)))",
            "date": "lk_as(x, 'DATE')",
            "instant": f"CAST(lk_as(x, {_INSTANT}) AS DATE)",
            "wall": "CAST(lk_as(x, 'TIMESTAMP') AS DATE)",
        },
    ),
    "lk_cast_date": _failing("date", "DATE"),
    "lk_wall_of_text": (
        f"(s) AS CASE WHEN regexp_full_match(s, '[+]?{_DAY}(?:[ T]{_CLOCK} ?{_ZONE}?)?') "
        "THEN try_cast(lk_day_of_text(s)::VARCHAR || ' ' || CASE "
        f"WHEN regexp_matches(s, '[ T]{_CLOCK}') THEN "
        + " || ':' || ".join(
            f"lpad(CASE WHEN regexp_extract(s, '[ T]{_CLOCK}', {i}) = '' THEN '0' "
            f"ELSE regexp_extract(s, '[ T]{_CLOCK}', {i}) END, 2, '0')"
            for i in (1, 2, 3)
        )
        + f" || '.' || left(regexp_extract(s, '[ T]{_CLOCK}', 4) || '000000', 6) "
        "ELSE '00:00:00' END AS TIMESTAMP) END"
    ),
    "lk_zone_of_text": f"(s) AS regexp_extract(s, '[ T]{_CLOCK} ?{_ZONE}$', 5)",
    "lk_instant_of_text": (
        "(s) AS CASE WHEN lk_wall_of_text(s) IS NULL THEN NULL WHEN lk_zone_of_text(s) = '' "
        "THEN CAST(lk_wall_of_text(s) AS TIMESTAMPTZ) ELSE try_cast(lk_wall_of_text(s)::VARCHAR "
        "|| ' ' || CASE WHEN lk_zone_of_text(s) = 'Z' THEN 'UTC' ELSE lk_zone_of_text(s) END "
        "AS TIMESTAMPTZ) END"
    ),
    "lk_try_timestamp": "(x) AS "
    + _by_type(
        "TIMESTAMP",
        {
            "number": "to_timestamp(CAST(lk_as_number(x) AS DOUBLE))",
            "text": "lk_instant_of_text(lk_trim(CAST(x AS VARCHAR)))",
            "date": "CAST(lk_as(x, 'DATE') AS TIMESTAMPTZ)",
            "instant": f"lk_as(x, {_INSTANT})",
            "wall": "CAST(lk_as(x, 'TIMESTAMP') AS TIMESTAMPTZ)",
        },
    ),
    "lk_cast_timestamp": _failing("timestamp", "TIMESTAMP"),
    "lk_try_wall": "(x) AS "
    + _by_type(
        "TIMESTAMP_NTZ",
        {
            "text": "lk_wall_of_text(lk_trim(CAST(x AS VARCHAR)))",
            "date": "CAST(lk_as(x, 'DATE') AS TIMESTAMP)",
            "instant": f"CAST(lk_as(x, {_INSTANT}) AS TIMESTAMP)",
            "wall": "lk_as(x, 'TIMESTAMP')",
        },
    ),
    "lk_cast_wall": _failing("wall", "TIMESTAMP_NTZ"),
    # A literal beside a value of another type takes that type.
    "lk_text_as": "(s, x) AS "
    + _choice(
        {
            "whole": "cast_to_type(lk_cast_whole(s, 0::BIGINT), 0::BIGINT)",
            "float": "lk_cast_double(s)",
            "decimal": "lk_cast_decimal(s, lk_null_of(CASE WHEN typeof(x) LIKE 'DECIMAL(%' "
            "THEN 'DECIMAL(38,18)' ELSE 'DECIMAL(1,0)' END))",
            "date": "lk_cast_date(s)",
            "instant": "lk_cast_timestamp(s)",
            "wall": "lk_cast_wall(s)",
            "boolean": "lk_cast_boolean(s)",
            "text": "CAST(s AS VARCHAR)",
        },
        "CASE WHEN lk_code(typeof(x)) < 0 THEN 'whole' WHEN lk_code(typeof(x)) IN (1, 2) "
        "THEN 'float' WHEN lk_code(typeof(x)) > 0 THEN 'decimal' WHEN lk_kind(x) IN ('date', "
        "'instant', 'wall', 'boolean') THEN lk_kind(x) ELSE 'text' END",
    ),
    "lk_number_beside": (
        "(n, x) AS struct_extract({'number': CASE WHEN lk_kind(x) IN ('number', 'null') THEN n "
        "ELSE error('[DATATYPE_MISMATCH] a number is compared with a value of type ' || typeof(x)"
        " || '; cast one of them.') END, 'float': CAST(n AS DOUBLE)}, "
        "CASE WHEN typeof(x) = 'FLOAT' THEN 'float' ELSE 'number' END)"
    ),
    "lk_mixed": (
        "(types) AS list_contains(types, 'VARCHAR') "
        "AND len(list_filter(types, lambda t: t NOT IN ('VARCHAR', '\"NULL\"'))) > 0"
    ),
    "lk_mixed_error": (
        "() AS error('[DATATYPE_MISMATCH.DATA_DIFF_TYPES] text and another type are mixed among "
        "the results here; cast them to one type.')"
    ),
}
