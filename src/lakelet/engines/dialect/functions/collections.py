"""Calls over arrays, maps and structs whose text depends on more than the arguments' text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lakelet.engines.dialect.functions.special import literal_text
from lakelet.engines.dialect.kinds import kind_of, without_parentheses
from lakelet.engines.dialect.renderer import refuse
from lakelet.engines.dialect.values import unmixed
from lakelet.errors import SqlError
from lakelet.lake.names import quote
from lakelet.workspace.quantities import counted

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = (
    "array", "element", "exists", "forall", "generator", "keep", "map_of", "named_struct", "reduce",
    "sort_array", "struct", "transform",
)  # fmt: skip


def _checked(r: Renderer, nodes: list[exp.Expr], text: str) -> str:
    check = unmixed(r, nodes)
    return f"CASE WHEN {check} THEN lk_mixed_error() ELSE {text} END" if check else text


def array(r: Renderer, node: exp.Expr) -> str:
    """An array of values of one type."""
    return _checked(r, node.expressions, f"[{r.list(node.expressions)}]")


def sort_array(r: Renderer, node: exp.Expr) -> str:
    """Upwards with NULLs first, or downwards with NULLs last."""
    down = False
    if len(node.expressions) == 2:
        flag = node.expressions[1]
        if type(flag).__name__ != "Boolean":
            raise refuse("sort_array with anything but true or false")
        down = not flag.this
    order = "'DESC', 'NULLS LAST'" if down else "'ASC', 'NULLS FIRST'"
    return f"list_sort({r.sql(node.expressions[0])}, {order})"


def _range(low: int, high: int) -> str:
    return counted(high, "parameter") if low == high else f"{low} to {high} parameters"


def _lambda(
    r: Renderer, node: exp.Expr, low: int, high: int, *, placed: bool = False
) -> tuple[list[str], str]:
    """The parameters and the body of a lambda; ``placed`` if a second one is the place."""
    if type(node).__name__ != "Lambda":
        raise SqlError("a lambda such as x -> x + 1 is expected here.")
    names = [parameter.name for parameter in node.expressions]
    if not low <= len(names) <= high:
        raise SqlError(f"this lambda takes {_range(low, high)}, not {len(names)}.")
    known = r.places
    r.locals.extend(names)
    r.places = known - set(names) | (set(names[1:]) if placed else set())
    try:
        return names, r.sql(node.this)
    finally:
        r.places = known
        del r.locals[len(r.locals) - len(names) :]


def _per_element(r: Renderer, node: exp.Expr) -> tuple[str, str]:
    """The array's text and DuckDB's lambda; a second parameter is the place from 0."""
    values, function = node.expressions
    names, body = _lambda(r, function, 1, 2, placed=True)
    return r.sql(values), f"lambda {', '.join(quote(name) for name in names)}: {body}"


def sequence(r: Renderer, node: exp.Expr) -> str:
    """Whole numbers, or days, from the first to the second, by one or by the third."""
    items = node.expressions
    kinds = {kind_of(r, item) for item in items[:2]}
    if kinds == {"date"}:
        return _days(r, items)
    dated = kinds & {"date", "timestamp", "wall"}
    if dated or any(type(item).__name__ == "Interval" for item in items):
        raise refuse("sequence() of this", hint="it takes whole numbers, or two values of DATE.")
    return f"lk_sequence{'_by' if len(items) > 2 else ''}({r.list(items)})"


def _days(r: Renderer, items: list[exp.Expr]) -> str:
    first, last = r.sql(items[0]), r.sql(items[1])

    def series(step: str) -> str:
        ends = f"CAST({first} AS TIMESTAMP), CAST({last} AS TIMESTAMP)"
        return f"list_transform(generate_series({ends}, {step}), lambda d: CAST(d AS DATE))"

    if len(items) == 2:
        up, down = series("INTERVAL '1 day'"), series("INTERVAL '-1 day'")
    else:
        if not re.fullmatch(r"INTERVAL '[1-9]\d* (day|week)'", step := r.sql(items[2])):
            raise refuse("sequence() of dates by this step", hint="use INTERVAL n DAY or n WEEK.")
        up = series(step)
        down = "lk_fail('[ILLEGAL_ARGUMENT] sequence(): the step leads away from the end.')"
    return f"CASE WHEN {first} <= {last} THEN {up} WHEN {first} > {last} THEN {down} END"


def transform(r: Renderer, node: exp.Expr) -> str:
    """``transform(array, x -> …)``."""
    values, function = _per_element(r, node)
    return f"list_transform({values}, {function})"


def keep(r: Renderer, node: exp.Expr) -> str:
    """``filter(array, x -> …)``."""
    values, function = _per_element(r, node)
    return f"list_filter({values}, {function})"


def exists(r: Renderer, node: exp.Expr) -> str:
    """Whether it holds for one; unknown if it holds for none and is NULL for some."""
    values, function = _per_element(r, node)
    return f"lk_exists(list_transform({values}, {function}))"


def forall(r: Renderer, node: exp.Expr) -> str:
    """Whether it holds for all."""
    values, function = _per_element(r, node)
    return f"lk_for_all(list_transform({values}, {function}))"


def reduce(r: Renderer, node: exp.Expr) -> str:
    """A fold from a start value, and a last step."""
    values, start, merge, *finish = node.expressions
    names, body = _lambda(r, merge, 2, 2)
    head = ", ".join(quote(name) for name in names)
    text = f"list_reduce({r.sql(values)}, lambda {head}: {body}, {r.sql(start)})"
    if finish:
        (name,), last = _lambda(r, finish[0], 1, 1)
        text = f"list_transform([{text}], lambda {quote(name)}: {last})[1]"
    return f"CASE WHEN {r.sql(values)} IS NOT NULL THEN {text} END"


def element(r: Renderer, node: exp.Expr) -> str:
    """An array's element, counted from 1, or the value of a map's key.

    Which of them it is, only DuckDB knows, and not within a lambda: there the kind of key decides.
    """
    name, (values, key) = node.name.lower(), node.expressions
    trying = "try_" if name.startswith("try") else ""
    texts = r.list([values, key])
    if not r.locals:
        return f"lk_{trying}element_at({texts})"
    if kind_of(r, key) == "string":
        return f"map_extract_value({texts})"
    return f"lk_{trying}in_list({texts})"


def map_of(r: Renderer, node: exp.Expr) -> str:
    """A map of keys and values in turn."""
    items = node.expressions
    if len(items) % 2:
        raise SqlError("map() takes keys and values in turn.", hint="map('a', 1, 'b', 2).")
    keys, values = items[::2], items[1::2]
    return _checked(r, values, _checked(r, keys, f"map([{r.list(keys)}], [{r.list(values)}])"))


def struct(r: Renderer, node: exp.Expr) -> str:
    """A struct; a column keeps its name, other values are called col1, col2 …."""
    fields = []
    for number, item in enumerate(node.expressions, 1):
        if type(item).__name__ == "Alias":
            name, value = item.alias, item.this
        else:
            value = without_parentheses(item)
            name = value.name if type(value).__name__ == "Column" else f"col{number}"
        fields.append(f"{quote(name)} := {r.sql(value)}")
    return f"struct_pack({', '.join(fields)})"


def named_struct(r: Renderer, node: exp.Expr) -> str:
    """A struct of names and values in turn."""
    items = node.expressions
    if len(items) % 2:
        raise SqlError("named_struct() takes names and values in turn.")
    names = [literal_text(r, item, "a field's name") for item in items[::2]]
    pairs = zip(names, items[1::2], strict=True)
    return f"struct_pack({', '.join(f'{quote(name)} := {r.sql(value)}' for name, value in pairs)})"


def generator(r: Renderer, node: exp.Expr) -> str:
    """Generators are written by the clause they stand in, never as a value."""
    raise refuse(
        f"{node.name}() inside another expression",
        hint=f"let {node.name}(…) stand alone in SELECT, or use LATERAL VIEW.",
    )
