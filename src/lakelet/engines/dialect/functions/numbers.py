"""Functions over numbers (pages "Built-in functions", mathematical section)."""

from __future__ import annotations

from lakelet.engines.dialect.functions import special
from lakelet.engines.dialect.functions.entry import Function

__all__ = ("NUMBERS",)


def _double(name: str, doc: str) -> Function:
    return Function(f"{name}(lk_cast_double({{0}}))", 1, 1, doc, "number")


def _within(
    name: str, condition: str, doc: str, otherwise: str = "CAST('nan' AS DOUBLE)"
) -> Function:
    """A function that DuckDB fails outside of its domain, where Databricks gives a value."""
    x = "lk_cast_double({0})"
    otherwise = f"WHEN {x} IS NOT NULL THEN {otherwise} END"
    text = f"CASE WHEN {condition.format(x)} THEN {name}({x}) {otherwise}"
    return Function(text, 1, 1, doc, "number")


_POWER = Function(
    "power(lk_cast_double({0}), lk_cast_double({1}))", 2, 2, "the first to the power of the second",
    "number",
)  # fmt: skip
_SIGN = Function(
    "CAST(sign(lk_cast_double({0})) AS DOUBLE)", 1, 1, "-1, 0 or 1 as DOUBLE", "number"
)
_CEIL = Function(special.numeric("lk_ceil"), 1, 1, "the next whole number up", "number")
_NONE = "CAST(NULL AS DOUBLE)"
_RANDOM = Function(
    "random()", 0, 0, "a random DOUBLE from 0 to under 1 (another sequence than Spark's)", "number"
)
_MOD = Function(special.modulo, 2, 2, "the remainder, with the sign of the first", "number")

NUMBERS: dict[str, Function] = {
    "abs": Function(special.numeric("lk_abs"), 1, 1, "the absolute value", "number"),
    "sign": _SIGN,
    "signum": _SIGN,
    "negative": Function("(-({0}))", 1, 1, "the negated value", "number"),
    "positive": Function("{0}", 1, 1, "the value itself", "number"),
    "ceil": _CEIL,
    "ceiling": _CEIL,
    "floor": Function(special.numeric("lk_floor"), 1, 1, "the next whole number down", "number"),
    "round": Function(special.rounded, 1, 2, "rounded, halves away from zero", "number"),
    "bround": Function(special.rounded_even, 1, 2, "rounded, halves to the even digit", "number"),
    "mod": _MOD,
    "pmod": Function(special.positive_modulo, 2, 2, "the remainder made positive", "number"),
    "power": _POWER,
    "pow": _POWER,
    "sqrt": _within("sqrt", "{0} >= 0", "the square root, NaN of a negative number"),
    "cbrt": _double("lk_cbrt", "the cube root"),
    "exp": _double("exp", "e to the power of the argument"),
    "expm1": Function("(exp(lk_cast_double({0})) - 1)", 1, 1, "exp(x) - 1", "number"),
    "ln": _within("ln", "{0} > 0", "the natural logarithm, NULL unless positive", _NONE),
    "log": Function(
        {
            1: "CASE WHEN lk_cast_double({0}) > 0 THEN ln(lk_cast_double({0})) END",
            2: "CASE WHEN lk_cast_double({0}) > 0 AND lk_cast_double({1}) > 0 "
            "THEN ln(lk_cast_double({1})) / ln(lk_cast_double({0})) END",
        },
        1,
        2,
        "the natural logarithm, or that of the second to the base of the first",
        "number",
    ),
    "log2": _within("log2", "{0} > 0", "the logarithm to the base 2", _NONE),
    "log10": _within("log10", "{0} > 0", "the logarithm to the base 10", _NONE),
    "log1p": Function(
        "CASE WHEN lk_cast_double({0}) > -1 THEN ln(1 + lk_cast_double({0})) END",
        1,
        1,
        "ln(1 + x)",
        "number",
    ),
    "sin": _double("sin", "the sine"),
    "cos": _double("cos", "the cosine"),
    "tan": _double("tan", "the tangent"),
    "cot": _double("cot", "the cotangent"),
    "asin": _within("asin", "{0} BETWEEN -1 AND 1", "the arc sine"),
    "acos": _within("acos", "{0} BETWEEN -1 AND 1", "the arc cosine"),
    "atan": _double("atan", "the arc tangent"),
    "atan2": Function(
        "atan2(lk_cast_double({0}), lk_cast_double({1}))", 2, 2, "the angle of a point", "number"
    ),
    "sinh": _double("sinh", "the hyperbolic sine"),
    "cosh": _double("cosh", "the hyperbolic cosine"),
    "tanh": _double("tanh", "the hyperbolic tangent"),
    "degrees": _double("degrees", "radians as degrees"),
    "radians": _double("radians", "degrees as radians"),
    "hypot": Function(
        "sqrt(lk_cast_double({0}) * lk_cast_double({0}) + lk_cast_double({1}) * "
        "lk_cast_double({1}))",
        2,
        2,
        "the length of the hypotenuse",
        "number",
    ),
    "pi": Function("pi()", 0, 0, "the number pi", "number"),
    "e": Function("exp(CAST(1 AS DOUBLE))", 0, 0, "the number e", "number"),
    "factorial": Function("lk_factorial({0})", 1, 1, "n! for n from 0 to 20, else NULL", "number"),
    "greatest": Function(special.greatest, 2, None, "the greatest value, NULLs left out"),
    "least": Function(special.least, 2, None, "the least value, NULLs left out"),
    "isnan": Function(
        "coalesce(isnan(lk_cast_double({0})), FALSE)", 1, 1, "whether it is NaN", "boolean"
    ),
    "nanvl": Function(
        "CASE WHEN isnan(lk_cast_double({0})) THEN lk_cast_double({1}) "
        "ELSE lk_cast_double({0}) END",
        2,
        2,
        "the first, or the second where the first is NaN",
        "number",
    ),
    "shiftleft": Function("lk_shift_left({0}, {1})", 2, 2, "bits shifted left", "number"),
    "shiftright": Function("lk_shift_right({0}, {1})", 2, 2, "bits shifted right", "number"),
    "bit_count": Function("lk_bit_count({0})", 1, 1, "the number of bits set", "number"),
    "bin": Function("lk_bin({0})", 1, 1, "a whole number in base 2", "string"),
    "rand": _RANDOM,
    "random": _RANDOM,
    "try_add": Function("lk_try_add({0}, {1})", 2, 2, "the sum, NULL on overflow", "number"),
    "try_subtract": Function(
        "lk_try_subtract({0}, {1})", 2, 2, "the difference, NULL on overflow", "number"
    ),
    "try_multiply": Function(
        "lk_try_multiply({0}, {1})", 2, 2, "the product, NULL on overflow", "number"
    ),
    "try_divide": Function(
        special.try_divide, 2, 2, "the quotient, NULL if divided by 0", "number"
    ),
    "try_mod": Function(special.try_modulo, 2, 2, "the remainder, NULL if divided by 0", "number"),
}
