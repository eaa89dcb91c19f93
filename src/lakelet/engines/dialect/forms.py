"""Functions with a grammar of their own: extract, trim, substring … FROM, WITHIN GROUP, x:path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.calls import call_text
from lakelet.engines.dialect.casts import as_text
from lakelet.engines.dialect.functions.aggregated import ONE_OF_MANY
from lakelet.engines.dialect.functions.collections import transform
from lakelet.engines.dialect.functions.dated import field_of
from lakelet.engines.dialect.functions.special import numeric
from lakelet.engines.dialect.literals import string_literal
from lakelet.engines.dialect.queries import order_items
from lakelet.engines.dialect.renderer import Node, NodeRenderer, Renderer, refuse

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ("FORMS",)


def _extract(r: Renderer, node: exp.Expr) -> str:
    return field_of(r, node.this.name, node.expression)


def _trim(r: Renderer, node: exp.Expr) -> str:
    name = {"": "trim", "BOTH": "trim", "LEADING": "ltrim", "TRAILING": "rtrim"}
    characters = r.sql(node.expression) if node.args.get("expression") else "' '"
    position = (node.args.get("position") or "").upper()
    return f"{name[position]}({as_text(r, node.this)}, {characters})"


def _substring(r: Renderer, node: exp.Expr) -> str:
    length = r.sql(node.args["length"]) if node.args.get("length") else "2147483647"
    start = r.sql(node.args["start"]) if node.args.get("start") else "1"
    return f"lk_substring({as_text(r, node.this)}, {start}, {length})"


def _position(r: Renderer, node: exp.Expr) -> str:
    text, part = as_text(r, node.this), as_text(r, node.args["substr"])
    if node.args.get("position"):
        return f"lk_locate({part}, {text}, {r.sql(node.args['position'])})"
    return f"CAST(strpos({text}, {part}) AS INTEGER)"


def _within_group(r: Renderer, node: exp.Expr) -> str:
    call, order = node.this, node.expression
    name = call.name.lower() if type(call).__name__ == "Anonymous" else ""
    if name in {"listagg", "string_agg"}:
        return call_text(r, call, inner=f" {order_items(r, order)}")
    kinds = {"percentile_cont": "quantile_cont", "percentile_disc": "quantile_disc"}
    if name not in kinds or len(order.expressions) != 1 or order.expressions[0].args.get("desc"):
        raise refuse(f"{name or 'this'} WITHIN GROUP", (*kinds, "listagg"))
    from lakelet.engines.dialect.functions.aggregated import fractions

    value = f"lk_cast_double({r.sql(order.expressions[0].this)})"
    return f"{kinds[name]}({value}, {fractions(call.expressions[0])})"


def _nulls(mode: str) -> NodeRenderer:
    def render(r: Renderer, node: exp.Expr) -> str:
        call = node.this
        if type(call).__name__ == "Anonymous" and call.name.lower() in ONE_OF_MANY and mode:
            call = call.copy()
            call.append("expressions", type(call)(this="ignore_nulls"))
            return call_text(r, call)
        return call_text(r, call, inner=mode)

    return render


def _path(r: Renderer, node: exp.Expr) -> str:
    """``column:path`` over JSON text (page ": operator")."""
    if not node.args.get("variant_extract"):
        raise refuse("the operator ->", hint="write column:field.")
    steps = []
    for step in node.expression.expressions:
        kind = type(step).__name__
        if kind == "JSONPathKey" and isinstance(step.this, str):
            name = r.prepared.string(step.this)
            steps.append('."' + name.replace('"', '\\"') + '"')
        elif kind == "JSONPathSubscript" and isinstance(step.this, int):
            steps.append(f"[{step.this}]")
        elif kind != "JSONPathRoot":
            raise refuse("this JSON path", hint="use names and places: column:a.b[0].")
    return f"lk_json_text({r.sql(node.this)}, {string_literal('$' + ''.join(steps))})"


def _transform(r: Renderer, node: exp.Expr) -> str:
    return transform(r, type(node)(expressions=[node.this, node.expression]))


FORMS: dict[str, Node] = {
    "Extract": Node(_extract, frozenset({"this", "expression"})),
    "Trim": Node(_trim, frozenset({"this", "expression", "position"})),
    "Substring": Node(_substring, frozenset({"this", "start", "length"})),
    "StrPosition": Node(_position, frozenset({"this", "substr", "position"})),
    "Ceil": Node(numeric("lk_ceil"), frozenset({"this"})),
    "Floor": Node(numeric("lk_floor"), frozenset({"this"})),
    "CurrentDate": Node(lambda r, node: "lk_today()", frozenset()),
    "CurrentTimestamp": Node(lambda r, node: "now()", frozenset()),
    "WithinGroup": Node(_within_group, frozenset({"this", "expression"})),
    "IgnoreNulls": Node(_nulls(" IGNORE NULLS"), frozenset({"this"})),
    "RespectNulls": Node(_nulls(""), frozenset({"this"})),
    "Transform": Node(_transform, frozenset({"this", "expression"})),
    "JSONExtract": Node(
        _path, frozenset({"this", "expression", "variant_extract", "only_json_types"})
    ),
}
