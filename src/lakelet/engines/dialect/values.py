"""Columns, fields, subscripts, CASE and the other forms a value can take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.kinds import kind_of
from lakelet.engines.dialect.literals import string_literal
from lakelet.engines.dialect.renderer import Node, Renderer, refuse
from lakelet.engines.dialect.translation import METADATA, schema_name, without_catalog
from lakelet.errors import SqlError
from lakelet.lake.names import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlglot import exp

__all__ = ("VALUES", "case_text", "unmixed")


def unmixed(r: Renderer, nodes: Iterable[exp.Expr]) -> str:
    """SQL that stops the query when text is mixed with another type among ``nodes``, else ''.

    Databricks would convert the text to the other type (page "Data type rules", least common
    type), DuckDB the other type to text.
    """
    nodes = [node for node in nodes if kind_of(r, node) != "null"]
    # Beside these DuckDB takes a literal for one of them, unless the check stands there.
    small = any(r.type_of(node) in {"TINYINT", "SMALLINT"} for node in nodes)
    kinds = {kind_of(r, node, typed=not small) for node in nodes}
    if len(nodes) < 2 or (len(kinds) == 1 and kinds != {None}):
        return ""
    if None not in kinds and "string" not in kinds:
        return ""
    types = ", ".join(f"typeof({r.sql(node)})" for node in nodes)
    return f"lk_mixed([{types}])"


def _column(r: Renderer, node: exp.Expr) -> str:
    parts = [node.args.get(key) for key in ("catalog", "db", "table")]
    *before, last = without_catalog(tuple(part.name for part in parts if part)) or ("",)
    names = [*(quote(schema_name(name)) for name in before), *([quote(last)] if last else [])]
    if type(node.this).__name__ == "Star":
        return ".".join([*names, r.sql(node.this)])
    if not names and node.name in r.locals:
        return _local(r, node.name)
    return ".".join([*names, quote(node.name)])


def _local(r: Renderer, name: str) -> str:
    return f"CAST({quote(name)} - 1 AS INTEGER)" if name in r.places else quote(name)


def _star(r: Renderer, node: exp.Expr) -> str:
    excluded = [column.name for column in node.args.get("except_") or []]
    names = [quote(name) for name in excluded]
    if METADATA not in map(str.lower, excluded):
        names += _hidden(r, node)
    return f"* EXCLUDE ({', '.join(names)})" if names else "*"


def _hidden(r: Renderer, star: exp.Expr) -> list[str]:
    """The columns that * leaves out unless a query names them (page "File metadata column")."""
    hidden = r.scopes[-1].hidden if r.scopes else []
    column = star.parent if type(star.parent).__name__ == "Column" else None
    if type((column or star).parent).__name__ != "Select":
        return []
    source = column.args.get("table") if column is not None else None
    if source is None:
        return [f"{quote(name)}.{quote(METADATA)}" for name in hidden]
    of_files = source.name.lower() in map(str.lower, hidden)
    return [quote(METADATA)] if of_files else []


def case_text(r: Renderer, node: exp.Expr, write: Callable[[exp.Expr], str]) -> str:
    """CASE, its results written by ``write``."""
    subject, default = node.this, node.args.get("default")
    branches = node.args["ifs"]
    results = [branch.args["true"] for branch in branches] + ([default] if default else [])
    pieces = ["CASE"]
    check = unmixed(r, results)
    if check:
        pieces.append(f"WHEN {check} THEN lk_mixed_error()")
    from lakelet.engines.dialect.conditions import beside, condition

    for branch in branches:
        if subject is None:
            when = condition(r, branch.this, "WHEN")
        else:
            when = f"{r.sql(subject)} = {beside(r, branch.this, subject)}"
        pieces.append(f"WHEN {when} THEN {write(branch.args['true'])}")
    if default is not None:
        pieces.append(f"ELSE {write(default)}")
    return " ".join([*pieces, "END"])


def _case(r: Renderer, node: exp.Expr) -> str:
    return case_text(r, node, r.sql)


def _if(r: Renderer, node: exp.Expr) -> str:
    results = [node.args["true"]] + ([node.args["false"]] if node.args.get("false") else [])
    check = unmixed(r, results)
    first = f"WHEN {check} THEN lk_mixed_error() " if check else ""
    second = f" ELSE {r.sql(results[1])}" if len(results) > 1 else ""
    from lakelet.engines.dialect.conditions import condition

    when = condition(r, node.this, "if()")
    return f"CASE {first}WHEN {when} THEN {r.sql(results[0])}{second} END"


def _identifier(r: Renderer, node: exp.Expr) -> str:
    if node.name not in r.locals:
        raise SqlError(f"the name {node.name} is not known in this lambda.")
    return _local(r, node.name)


def _bracket(r: Renderer, node: exp.Expr) -> str:
    if len(node.expressions) != 1:
        raise refuse("a subscript of several values")
    index = node.expressions[0]
    if type(index).__name__ in {"Literal", "Neg"} and kind_of(r, index, typed=False) == "number":
        known = "list_" if (r.type_of(node.this) or "").endswith("[]") else ""
        return f"lk_{known}item({r.sql(node.this)}, {r.sql(index)})"
    if (r.type_of(node.this) or "").startswith("MAP("):
        return f"{r.sql(node.this)}[{r.sql(index)}]"
    return f"lk_subscript({r.sql(node.this)}, {r.sql(index)})"


def _dot(r: Renderer, node: exp.Expr) -> str:
    if type(node.expression).__name__ != "Identifier":
        raise refuse("this field access")
    return f"struct_extract({r.sql(node.this)}, {string_literal(node.expression.name)})"


def _exists(r: Renderer, node: exp.Expr) -> str:
    return f"EXISTS ({r.sql(node.this)})"


VALUES: dict[str, Node] = {
    "Column": Node(_column, frozenset({"this", "table", "db", "catalog"})),
    "Star": Node(_star, frozenset({"except_"})),
    "Paren": Node(lambda r, node: f"({r.sql(node.this)})", frozenset({"this"})),
    "Tuple": Node(lambda r, node: f"({r.list(node.expressions)})", frozenset({"expressions"})),
    "Case": Node(_case, frozenset({"this", "ifs", "default"})),
    "If": Node(_if, frozenset({"this", "true", "false"})),
    "Identifier": Node(_identifier, frozenset({"this", "quoted"})),
    "Bracket": Node(_bracket, frozenset({"this", "expressions"})),
    "Dot": Node(_dot, frozenset({"this", "expression"})),
    "Exists": Node(_exists, frozenset({"this"})),
}
