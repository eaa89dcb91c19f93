"""Macros for arithmetic (pages "Arithmetic operators", "DECIMAL type", "ANSI compliance")."""

from __future__ import annotations

__all__ = ("MACROS",)

_ZERO = "error('[DIVIDE_BY_ZERO] Division by zero. Use try_divide to get NULL instead.')"

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
    "lk_code": (
        "(name) AS CASE WHEN name LIKE 'DECIMAL(%' "
        "THEN regexp_extract(name, '[(]([0-9]+)', 1)::INTEGER * 100 "
        "+ regexp_extract(name, ',([0-9]+)', 1)::INTEGER "
        "WHEN name = 'DOUBLE' THEN 2 WHEN name = 'FLOAT' THEN 1 WHEN name = 'TINYINT' THEN -3 "
        "WHEN name = 'SMALLINT' THEN -5 WHEN name = 'INTEGER' THEN -10 "
        "WHEN name = 'BIGINT' THEN -20 ELSE 0 END"
    ),
    # An integer literal counts as INT beside integers and by its own digits beside decimals.
    "lk_code_sum": _combined("greatest(pa - sa, pb - sb) + ({s}) + 1", "greatest(sa, sb)"),
    "lk_code_product": _combined("pa + pb + 1", "sa + sb"),
    "lk_code_quotient": _combined("pa - sa + sb + ({s})", "greatest(6, sa + pb + 1)", integers="2"),
    "lk_code_remainder": _combined("least(pa - sa, pb - sb) + ({s})", "greatest(sa, sb)"),
    "lk_type_of_code": (
        "(code, other) AS CASE WHEN code >= 100 "
        "THEN 'DECIMAL(' || (code // 100)::VARCHAR || ',' || (code % 100)::VARCHAR || ')' "
        "WHEN code < -100 THEN CASE WHEN code > -1100 THEN 'INTEGER' ELSE 'BIGINT' END "
        "WHEN code = -3 THEN 'TINYINT' WHEN code = -5 THEN 'SMALLINT' "
        "WHEN code = -10 THEN 'INTEGER' WHEN code = -20 THEN 'BIGINT' "
        "WHEN code = 1 THEN 'FLOAT' WHEN code = 2 THEN 'DOUBLE' ELSE other END"
    ),
    "lk_null_of": "(type) AS from_json('null', '\"' || type || '\"')",
    # The value of + - * as DuckDB computes it, given the type Databricks gives it.
    "lk_number": (
        "(v, code) AS CASE "
        "WHEN code = 2 AND typeof(v) = 'FLOAT' THEN error('[DATATYPE_MISMATCH] FLOAT is mixed "
        "with another kind of number; cast the FLOAT to DOUBLE, as Databricks does.') "
        "WHEN code = 0 AND typeof(v) = 'BIGINT' THEN error('[UNSUPPORTED] a date minus a date is "
        "an interval in Databricks; use datediff(end, start).') "
        "WHEN code >= 100 AND (code % 100) <> lk_scale(typeof(v)) THEN error('[UNSUPPORTED] this "
        "decimal arithmetic needs more than 38 digits, where Databricks rounds on the way; cast "
        "the operands to fewer digits or to DOUBLE.') "
        "ELSE cast_to_type(v, lk_null_of(lk_type_of_code(code, typeof(v)))) END"
    ),
    "lk_scale": (
        "(name) AS CASE WHEN name LIKE 'DECIMAL(%' "
        "THEN regexp_extract(name, ',([0-9]+)', 1)::INTEGER ELSE 0 END"
    ),
    "lk_if_number": (
        "(x) AS cast_to_type(x, lk_null_of(CASE WHEN lk_code(typeof(x)) <> 0 THEN typeof(x) "
        "ELSE 'DOUBLE' END))"
    ),
    "lk_unscaled": "(x) AS CAST(replace(CAST(x AS VARCHAR), '.', '') AS HUGEINT)",
    "lk_unit": (  # one unit in the last place of DECIMAL(38, scale)
        "(scale) AS cast_to_type(CASE WHEN scale = 0 THEN '1' "
        "ELSE '0.' || repeat('0', scale - 1) || '1' END, "
        "lk_null_of(lk_type_of_code(greatest(scale, 1) * 100 + scale, '')))"
    ),
    "lk_half_up": (  # n / d to the nearest whole, halves away from zero
        "(n, d) AS (CASE WHEN (n < 0) = (d < 0) THEN 1 ELSE -1 END) "
        "* ((abs(n) + abs(d) // 2) // abs(d))"
    ),
    "lk_decimal_quotient": (
        "(a, b, code) AS cast_to_type(CAST(lk_half_up("
        "lk_unscaled(a) * CAST('1' || repeat('0', greatest(code % 100 - lk_scale(typeof(a)) "
        "+ lk_scale(typeof(b)), 0)::BIGINT) AS HUGEINT), lk_unscaled(b)) AS DECIMAL(38, 0)) "
        "* lk_unit(CASE WHEN code >= 100 THEN code % 100 ELSE 0 END), "
        "lk_null_of(lk_type_of_code(code, 'DOUBLE')))"
    ),
    "lk_divide": (
        "(a, b, code) AS CASE WHEN b = 0 AND a IS NOT NULL THEN "
        f"{_ZERO} ELSE lk_quotient(a, b, code) END"
    ),
    "lk_quotient": (
        "(a, b, code) AS struct_extract({'float': CAST(a AS DOUBLE) / CAST(b AS DOUBLE), "
        "'decimal': lk_decimal_quotient(a, b, code)}, "
        "CASE WHEN code >= 100 THEN 'decimal' ELSE 'float' END)"
    ),
    "lk_sum": (  # integers add up to BIGINT, DECIMAL(p,s) to DECIMAL(p + 10, s)
        "(total, one) AS CASE WHEN typeof(one) = 'BOOLEAN' THEN error('[DATATYPE_MISMATCH] sum() "
        "of BOOLEAN; use count_if().') ELSE cast_to_type(total, lk_null_of(CASE "
        "WHEN lk_code(typeof(one)) >= 100 THEN lk_type_of_code("
        "least(lk_code(typeof(one)) // 100 + 10, 38) * 100 + lk_code(typeof(one)) % 100, '') "
        "WHEN lk_code(typeof(one)) < 0 THEN 'BIGINT' ELSE typeof(total) END)) END"
    ),
}
