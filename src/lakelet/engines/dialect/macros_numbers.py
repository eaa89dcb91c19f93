"""Macros for arithmetic (pages "Arithmetic operators", "DECIMAL type", "ANSI compliance")."""

from __future__ import annotations

__all__ = ("MACROS",)

_ZERO = "lk_fail('[DIVIDE_BY_ZERO] Division by zero. Use try_divide to get NULL instead.')"

# DecimalType.adjustPrecisionScale: beyond 38 digits the scale gives way, down to six.
_ADJUSTED = (
    "CASE WHEN {p} <= 38 THEN ({p}) * 100 + ({s}) "
    "ELSE 3800 + greatest(38 - (({p}) - ({s})), least({s}, 6)) END"
)
_SAME_FOR_ALL = (
    "WHEN a = 0 OR b = 0 THEN 0 WHEN a = 1 AND b = 1 THEN 1 WHEN a IN (1, 2) OR b IN (1, 2) THEN 2 "
)


_WIDER = (
    "least(CASE WHEN a < -100 THEN -((-a) // 100) ELSE a END, "
    "CASE WHEN b < -100 THEN -((-b) // 100) ELSE b END)"
)


def _tried(operator: str) -> str:
    # TRY takes no aggregate; what is handed to a lambda is not inside it any more.
    result = f"list_transform([{{'a': a, 'b': b}}], lambda v: TRY(v.a {operator} v.b))[1]"
    return f"(a, b) AS lk_tried(a, b, {result})"


def _combined(precision: str, scale: str, integers: str = _WIDER) -> str:
    # Codes of decimals and of integers taken as decimals, as p and s.
    names = {
        "pa": "(CASE WHEN a < 0 THEN (-a) % 100 ELSE a // 100 END)",
        "sa": "(CASE WHEN a < 0 THEN 0 ELSE a % 100 END)",
        "pb": "(CASE WHEN b < 0 THEN (-b) % 100 ELSE b // 100 END)",
        "sb": "(CASE WHEN b < 0 THEN 0 ELSE b % 100 END)",
    }
    p, s = precision, scale
    p = p.replace("{s}", s)
    for name, text in names.items():
        p, s = p.replace(name, text), s.replace(name, text)
    adjusted = _ADJUSTED.format(p=p, s=s)
    return (
        "(codes) AS list_reduce(codes, lambda a, b: CASE "
        f"{_SAME_FOR_ALL} WHEN a < 0 AND b < 0 THEN {integers} ELSE {adjusted} END)"
    )


MACROS: dict[str, str] = {
    # DuckDB's root of 27 is 3.0000000000000004.
    "lk_cbrt": (
        "(x) AS list_transform([cbrt(x)], lambda c: "
        "CASE WHEN round(c) * round(c) * round(c) = x THEN round(c) ELSE c END)[1]"
    ),
    # error() counts as random, which would keep types from being known while a query is bound; a
    # cast that cannot succeed does not. Messages start with [, so they are never numbers.
    "lk_fail": "(message) AS from_json(CAST(CAST(message AS INTEGER) AS VARCHAR), '\"NULL\"')",
    # The type's name is named once, or nested calls would grow without bound.
    "lk_code": (
        "(name) AS list_transform([name], lambda n: CASE WHEN n LIKE 'DECIMAL(%' "
        "THEN regexp_extract(n, '[(]([0-9]+)', 1)::INTEGER * 100 "
        "+ regexp_extract(n, ',([0-9]+)', 1)::INTEGER "
        "WHEN n = 'DOUBLE' THEN 2 WHEN n = 'FLOAT' THEN 1 WHEN n = 'TINYINT' THEN -3 "
        "WHEN n = 'SMALLINT' THEN -5 WHEN n = 'INTEGER' THEN -10 "
        "WHEN n = 'BIGINT' THEN -20 ELSE 0 END)[1]"
    ),
    # An integer literal counts as INT beside integers and by its own digits beside decimals.
    "lk_code_sum": _combined("greatest(pa - sa, pb - sb) + ({s}) + 1", "greatest(sa, sb)"),
    "lk_code_product": _combined("pa + pb + 1", "sa + sb"),
    "lk_code_quotient": _combined("pa - sa + sb + ({s})", "greatest(6, sa + pb + 1)", integers="2"),
    "lk_code_remainder": _combined("least(pa - sa, pb - sb) + ({s})", "greatest(sa, sb)"),
    "lk_type_of_code": (
        "(code, other) AS coalesce(list_transform([code], lambda c: CASE WHEN c >= 100 "
        "THEN 'DECIMAL(' || (c // 100)::VARCHAR || ',' || (c % 100)::VARCHAR || ')' "
        "WHEN c < -100 THEN CASE WHEN c > -1100 THEN 'INTEGER' ELSE 'BIGINT' END "
        "WHEN c = -3 THEN 'TINYINT' WHEN c = -5 THEN 'SMALLINT' "
        "WHEN c = -10 THEN 'INTEGER' WHEN c = -20 THEN 'BIGINT' "
        "WHEN c = 1 THEN 'FLOAT' WHEN c = 2 THEN 'DOUBLE' END)[1], other)"
    ),
    "lk_null_of": "(type) AS from_json('null', lk_quoted(type))",
    "lk_quoted": (
        "(type) AS list_transform([type], lambda t: '\"' || replace(replace(t, '\"NULL\"', "
        "'INTEGER'), '\"', '\\\"') || '\"')[1]"
    ),
    # The value of + - * as DuckDB computes it, given the type Databricks gives it. A refusal
    # becomes the name of a type there is not, so that the query fails while it is bound.
    "lk_number": (
        "(v, code) AS cast_to_type(v, lk_null_of(list_transform([{'c': code, 'n': typeof(v)}], "
        "lambda p: CASE WHEN p.c = 2 AND p.n = 'FLOAT' THEN '[DATATYPE_MISMATCH] FLOAT is mixed "
        "with another kind of number; cast the FLOAT to DOUBLE, as Databricks does' "
        "WHEN p.c = 0 AND p.n = 'BIGINT' THEN '[UNSUPPORTED] a date minus a date is an interval "
        "in Databricks; use datediff(end, start)' "
        "WHEN p.c >= 100 AND (p.c % 100) <> lk_scale(p.n) THEN '[UNSUPPORTED] this decimal "
        "arithmetic needs more than 38 digits, where Databricks rounds on the way; cast the "
        "operands to fewer digits or to DOUBLE' "
        "ELSE lk_type_of_code(p.c, p.n) END)[1]))"
    ),
    "lk_scale": (
        "(name) AS CASE WHEN name LIKE 'DECIMAL(%' "
        "THEN regexp_extract(name, ',([0-9]+)', 1)::INTEGER ELSE 0 END"
    ),
    "lk_unscaled": "(x) AS CAST(replace(CAST(x AS VARCHAR), '.', '') AS HUGEINT)",
    "lk_point": (  # a whole number of units as text with a decimal point
        "(q, s) AS CASE WHEN q < 0 THEN '-' ELSE '' END || CASE WHEN s = 0 THEN "
        "CAST(abs(q) AS VARCHAR) ELSE lpad(CAST(abs(q) AS VARCHAR), greatest(s + 1, "
        "length(CAST(abs(q) AS VARCHAR)))::INTEGER, '0')[:-s - 1] || '.' || "
        "right(lpad(CAST(abs(q) AS VARCHAR), greatest(s + 1, length(CAST(abs(q) AS "
        "VARCHAR)))::INTEGER, '0'), s) END"
    ),
    "lk_half_up": (  # n / d to the nearest whole, halves away from zero
        "(n, d) AS (CASE WHEN (n < 0) = (d < 0) THEN 1 ELSE -1 END) "
        "* ((abs(n) + abs(d) // 2) // abs(d))"
    ),
    "lk_decimal_quotient": (
        "(a, b, code) AS cast_to_type(list_transform([{'n': lk_unscaled(a), 'd': lk_unscaled(b), "
        "'sa': lk_scale(typeof(a)), 'sb': lk_scale(typeof(b)), 's': code % 100}], lambda p: "
        "lk_point(lk_half_up(p.n * CAST('1' || repeat('0', greatest(p.s - p.sa + p.sb, "
        "0)::BIGINT) AS HUGEINT), p.d), p.s))[1], lk_null_of(lk_type_of_code(code, 'DOUBLE')))"
    ),
    "lk_unless_zero": (
        f"(a, b, value) AS CASE WHEN b = 0 AND a IS NOT NULL THEN {_ZERO} ELSE value END"
    ),
    "lk_divide": "(a, b, code) AS lk_unless_zero(a, b, lk_quotient(a, b, code))",
    # Numerator and denominator are named once, or nested divisions would grow without bound.
    "lk_half_up_once": (
        "(n, d) AS list_transform([{'n': n, 'd': d}], lambda p: lk_half_up(p.n, p.d))[1]"
    ),
    "lk_quotient": (
        "(a, b, code) AS struct_extract({'float': CAST(a AS DOUBLE) / CAST(b AS DOUBLE), "
        "'decimal': lk_decimal_quotient(a, b, code)}, "
        "CASE WHEN code >= 100 THEN 'decimal' ELSE 'float' END)"
    ),
    # Integers add up to BIGINT, DECIMAL(p,s) to DECIMAL(p + 10, s).
    "lk_summand": (
        "(x) AS struct_extract({'text': lk_cast_double(x), 'other': x}, CASE WHEN typeof(x) = "
        "'VARCHAR' THEN 'text' ELSE 'other' END)"
    ),
    "lk_sum": (
        "(total, one) AS cast_to_type(total, lk_null_of(lk_type_of_code(lk_code_total(lk_code("
        "typeof(one))), CASE WHEN typeof(total) = 'HUGEINT' THEN '[DATATYPE_MISMATCH] sum() of "
        "BOOLEAN; use count_if()' ELSE typeof(total) END)))"
    ),
    "lk_code_total": (
        "(code) AS list_transform([code], lambda c: CASE WHEN c >= 100 THEN least(c // 100 + 10, "
        "38) * 100 + c % 100 WHEN c < 0 THEN -20 ELSE 0 END)[1]"
    ),
    "lk_div": (
        "(a, b) AS CASE WHEN b = 0 AND a IS NOT NULL THEN "
        f"{_ZERO} ELSE CAST(struct_extract({{'whole': a // b, 'other': lk_fail('[UNSUPPORTED] div "
        "of DECIMAL or DOUBLE; cast both to BIGINT.')}, CASE WHEN lk_code(typeof(a)) < 0 "
        "AND lk_code(typeof(b)) < 0 THEN 'whole' ELSE 'other' END) AS BIGINT) END"
    ),
    "lk_remainder": (
        "(a, b, code) AS CASE WHEN b = 0 AND a IS NOT NULL THEN "
        "lk_fail('[REMAINDER_BY_ZERO] Remainder by zero. Use try_mod to get NULL instead.') "
        "ELSE lk_number(a % b, code) END"
    ),
    "lk_try_remainder": (
        "(a, b, code) AS CASE WHEN b = 0 THEN NULL ELSE lk_number(a % b, code) END"
    ),
    "lk_positive_remainder": (
        "(a, b, code) AS CASE WHEN b = 0 AND a IS NOT NULL THEN "
        "lk_fail('[REMAINDER_BY_ZERO] Remainder by zero. Use try_mod to get NULL instead.') "
        "WHEN a % b < 0 THEN lk_number((a % b + b) % b, code) ELSE lk_number(a % b, code) END"
    ),
    "lk_try_divide": ("(a, b, code) AS CASE WHEN b = 0 THEN NULL ELSE lk_quotient(a, b, code) END"),
    "lk_try_add": _tried("+"),
    "lk_try_subtract": _tried("-"),
    "lk_try_multiply": _tried("*"),
    "lk_tried": (
        "(a, b, v) AS CASE WHEN '\"NULL\"' IN (typeof(a), typeof(b)) "
        "OR lk_code(typeof(a)) < 0 AND lk_code(typeof(b)) < 0 "
        "OR lk_code(typeof(a)) = 2 AND lk_code(typeof(b)) = 2 THEN v ELSE lk_fail('[UNSUPPORTED] "
        "try_add, try_subtract and try_multiply take whole numbers or DOUBLE here.') END"
    ),
    "lk_abs_of": "(x) AS abs(x)",
    "lk_abs": "(x) AS abs(lk_as_number(x))",
    # ceil and floor give BIGINT, of DECIMAL(p,s) DECIMAL(p - s + 1, 0).
    "lk_ceil_of": (
        "(x) AS struct_extract({'decimal': lk_to_whole_decimal(ceil(x), lk_code(typeof(x))), "
        "'float': lk_float_to_long(ceil(CAST(x AS DOUBLE))), 'whole': CAST(x AS BIGINT)}, "
        "lk_number_kind(x))"
    ),
    "lk_ceil": "(x) AS lk_ceil_of(lk_as_number(x))",
    "lk_floor_of": (
        "(x) AS struct_extract({'decimal': lk_to_whole_decimal(floor(x), lk_code(typeof(x))), "
        "'float': lk_float_to_long(floor(CAST(x AS DOUBLE))), 'whole': CAST(x AS BIGINT)}, "
        "lk_number_kind(x))"
    ),
    "lk_floor": "(x) AS lk_floor_of(lk_as_number(x))",
    "lk_number_kind": (
        "(x) AS CASE WHEN lk_code(typeof(x)) < 0 THEN 'whole' WHEN lk_code(typeof(x)) >= 100 "
        "THEN 'decimal' ELSE 'float' END"
    ),
    "lk_to_whole_decimal": (
        "(v, code) AS cast_to_type(v, lk_null_of(CASE WHEN code >= 100 THEN 'DECIMAL(' || "
        "(least(code // 100 - code % 100 + 1, 38))::VARCHAR || ',0)' ELSE typeof(v) END))"
    ),
    "lk_float_to_long": (  # as Java converts: NaN to 0, the rest to the nearest there is
        "(x) AS list_transform([x], lambda d: CASE WHEN isnan(d) THEN 0 "
        "WHEN d >= 9223372036854775807 THEN 9223372036854775807 "
        "WHEN d <= -9223372036854775808 THEN -9223372036854775808 "
        "ELSE CAST(d AS BIGINT) END)[1]"
    ),
    "lk_round_of": (
        "(x, places) AS struct_extract({'decimal': cast_to_type(round(x, places), lk_null_of("
        "lk_rounded_type(lk_code(typeof(x)), places))), 'whole': cast_to_type(CASE WHEN "
        "places >= 0 THEN CAST(x AS HUGEINT) ELSE CAST(round(CAST(CAST(x AS HUGEINT) AS "
        "DECIMAL(38, 0)), places) AS HUGEINT) END, x), "
        "'float': lk_round_float(CAST(x AS DOUBLE), places)}, lk_number_kind(x))"
    ),
    "lk_round": "(x, places) AS lk_round_of(lk_as_number(x), places)",
    "lk_rounded_type": (
        "(code, places) AS CASE WHEN code < 100 THEN 'DOUBLE' WHEN places < 0 THEN "
        "lk_type_of_code(least(greatest(code // 100 - code % 100 + 1, 1 - places), 38) * 100, '') "
        "ELSE lk_type_of_code(least(code // 100 - code % 100 + 1 + least(code % 100, places), 38) "
        "* 100 + least(code % 100, places), '') END"
    ),
    # By way of text: 2.675 rounds as it reads, not as its binary neighbour below.
    "lk_round_float": (
        "(x, places) AS list_transform([x], lambda d: CASE WHEN isnan(d) OR isinf(d) OR "
        "(abs(d) >= 1e15::DOUBLE AND places >= 0) OR abs(d) >= 1e19::DOUBLE THEN d ELSE "
        "CAST(round(CAST(CAST(d AS VARCHAR) AS DECIMAL(38, 18)), places) AS DOUBLE) END)[1]"
    ),
    "lk_round_even_of": (
        "(x, places) AS struct_extract({'decimal': cast_to_type(lk_half_even(CAST(x AS "
        "VARCHAR), places), lk_null_of(lk_rounded_type(lk_code(typeof(x)), places))), "
        "'whole': cast_to_type(lk_half_even(CAST(x AS VARCHAR), places), x), "
        "'float': list_transform([CAST(x AS DOUBLE)], lambda d: CASE WHEN abs(d) >= "
        "1e15::DOUBLE OR isnan(d) THEN d ELSE CAST(lk_half_even(CAST(d AS VARCHAR), places) AS "
        "DOUBLE) END)[1]}, lk_number_kind(x))"
    ),
    "lk_round_even": "(x, places) AS lk_round_even_of(lk_as_number(x), places)",
    "lk_half_even": (
        "(x, places) AS list_transform([CAST(x AS DECIMAL(38, 18))], lambda v: CAST(CASE WHEN "
        "abs(v - trunc(v, places)) * 2 = CAST('1' AS DECIMAL(38, 18)) * "
        "lk_power_of_ten(-places) AND CAST(trunc(v, places) / lk_power_of_ten(-places) AS "
        "HUGEINT) % 2 = 0 THEN trunc(v, places) ELSE round(v, places) END AS DECIMAL(38, "
        "18)))[1]"
    ),
    "lk_power_of_ten": (
        "(n) AS CASE WHEN n < 0 THEN CAST('0.' || repeat('0', (-n - 1)::BIGINT) || '1' AS "
        "DECIMAL(38, 18)) ELSE CAST('1' || repeat('0', (n)::BIGINT) AS DECIMAL(38, 18)) END"
    ),
    "lk_factorial": (
        "(n) AS CASE WHEN n BETWEEN 0 AND 20 THEN CAST(factorial((n)::INTEGER) AS BIGINT) END"
    ),
    # Java shifts by the low five or six bits of the distance, and lets high bits fall off.
    "lk_shift_left": (
        "(x, n) AS struct_extract({'long': lk_wrap_long(CAST(x AS HUGEINT) * "
        "(CAST(1 AS HUGEINT) << ((n) & 63))), 'int': lk_wrap_int(CAST(x AS HUGEINT) * "
        "(CAST(1 AS HUGEINT) << ((n) & 31)))}, "
        "CASE WHEN typeof(x) = 'BIGINT' THEN 'long' ELSE 'int' END)"
    ),
    "lk_shift_right": (
        "(x, n) AS struct_extract({'long': CAST(lk_floor_div(CAST(x AS HUGEINT), "
        "CAST(1 AS HUGEINT) << ((n) & 63)) AS BIGINT), 'int': CAST(lk_floor_div(CAST(x AS "
        "HUGEINT), CAST(1 AS HUGEINT) << ((n) & 31)) AS INTEGER)}, "
        "CASE WHEN typeof(x) = 'BIGINT' THEN 'long' ELSE 'int' END)"
    ),
    "lk_floor_div": "(a, b) AS a // b - CASE WHEN a % b < 0 THEN 1 ELSE 0 END",
    "lk_wrap_long": (
        "(v) AS CAST(((v % 18446744073709551616 + 18446744073709551616 + 9223372036854775808) "
        "% 18446744073709551616) - 9223372036854775808 AS BIGINT)"
    ),
    "lk_wrap_int": (
        "(v) AS CAST(((v % 4294967296 + 4294967296 + 2147483648) % 4294967296) - 2147483648 "
        "AS INTEGER)"
    ),
    "lk_bit_count": "(x) AS CAST(bit_count(CAST(x AS BIGINT)) AS INTEGER)",
    "lk_bin": (
        "(x) AS CASE WHEN x = 0 THEN '0' ELSE ltrim(CAST(CAST(CAST(x AS BIGINT) AS BIT) AS "
        "VARCHAR), '0') END"
    ),
    "lk_average": (  # of DECIMAL(p,s) DECIMAL(p + 4, s + 4), of other numbers DOUBLE
        "(total, n, one, mean) AS struct_extract({'float': CAST(mean AS DOUBLE), 'decimal': "
        "CASE WHEN n > 0 THEN lk_decimal_quotient(total, CAST(n AS DECIMAL(20, 0)), "
        "lk_average_code(lk_code(typeof(one)))) END}, "
        "CASE WHEN lk_code(typeof(one)) >= 100 THEN 'decimal' ELSE 'float' END)"
    ),
    "lk_average_code": (
        "(code) AS CASE WHEN code >= 100 THEN least(code // 100 + 4, 38) * 100 "
        "+ least(code % 100 + 4, 38) ELSE 2 END"
    ),
}
