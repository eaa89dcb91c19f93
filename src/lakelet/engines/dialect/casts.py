"""cast, try_cast, ``::`` and typed literals (page "cast function")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.kinds import kind_of, without_parentheses
from lakelet.engines.dialect.literals import is_plain_date, is_plain_moment, text_as
from lakelet.engines.dialect.renderer import Node, Renderer, refuse

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ("CASTS", "as_text", "cast_to", "type_name")

# Macro suffix and DuckDB type of each Databricks type that can be cast to.
_TARGETS = {
    "TINYINT": ("whole", "TINYINT"), "SMALLINT": ("whole", "SMALLINT"),
    "INT": ("whole", "INTEGER"), "BIGINT": ("whole", "BIGINT"),
    "DOUBLE": ("double", "DOUBLE"), "FLOAT": ("float", "FLOAT"),
    "DECIMAL": ("decimal", "DECIMAL"), "BOOLEAN": ("boolean", "BOOLEAN"),
    "TEXT": ("text", "VARCHAR"), "VARCHAR": ("text", "VARCHAR"), "BINARY": ("binary", "BLOB"),
    "DATE": ("date", "DATE"), "TIMESTAMPTZ": ("timestamp", "TIMESTAMPTZ"),
    "TIMESTAMPLTZ": ("timestamp", "TIMESTAMPTZ"), "TIMESTAMPNTZ": ("wall", "TIMESTAMP"),
}  # fmt: skip
# Our macros' word for each kind an expression can be known to have.
_SOURCES = {
    "string": "text", "number": "number", "boolean": "boolean", "date": "date",
    "timestamp": "instant", "wall": "wall",
}  # fmt: skip
_TEXT = "CAST({} AS VARCHAR)"
_FLOATS = frozenset({"DOUBLE", "FLOAT"})
_CONVERTS = {
    "whole": {"number", "text", "boolean", "instant"},
    "double": {"number", "text", "boolean", "instant"},
    "float": {"number", "text", "boolean"},
    "decimal": {"number", "text", "boolean"},
    "boolean": {"number", "text", "boolean"},
    "text": {"number", "text", "boolean", "date", "instant", "wall"},
    "binary": {"text"},
    "date": {"text", "date", "instant", "wall"},
    "timestamp": {"number", "text", "date", "instant", "wall"},
    "wall": {"text", "date", "instant", "wall"},
}


# Casts from what is known to be of a kind, where DuckDB's own are the same.
_DIRECT = {
    ("double", "number"): "CAST({} AS DOUBLE)", ("boolean", "number"): "({} <> 0)",
    ("boolean", "boolean"): "{}", ("text", "text"): "{}",
    **dict.fromkeys((("text", "boolean"), ("text", "date"), ("text", "wall")), _TEXT),
    ("text", "instant"): "CAST(CAST({} AS TIMESTAMP) AS VARCHAR)",
    ("date", "date"): "{}", ("date", "instant"): "CAST({} AS DATE)",
    ("date", "wall"): "CAST({} AS DATE)",
    ("timestamp", "instant"): "{}", ("timestamp", "date"): "CAST({} AS TIMESTAMPTZ)",
    ("timestamp", "wall"): "CAST({} AS TIMESTAMPTZ)",
    ("wall", "wall"): "{}", ("wall", "date"): "CAST({} AS TIMESTAMP)",
    ("wall", "instant"): "CAST({} AS TIMESTAMP)",
}  # fmt: skip


def type_name(node: exp.Expr) -> tuple[str, str]:
    """The macro suffix and the DuckDB type of a type written in a query.

    Raises:
        SqlError: the type is not one that can be cast to.
    """
    kind = node.this.name if hasattr(node.this, "name") else ""
    found = _TARGETS.get(kind)
    if found is None:
        raise refuse(
            f"a cast to {node.sql('databricks')}",
            hint="cast to a plain type: STRING, BIGINT, DOUBLE, DECIMAL(p,s), DATE, TIMESTAMP, ….",
        )
    if kind != "DECIMAL":
        return found
    sizes = [int(parameter.this.name) for parameter in node.expressions] or [10, 0]
    precision, scale = sizes[0], sizes[1] if len(sizes) > 1 else 0
    if not 1 <= precision <= 38 or scale > precision:
        raise refuse(f"DECIMAL({precision},{scale})", hint="use 1 to 38 digits.")
    return "decimal", f"DECIMAL({precision}, {scale})"


def cast_to(
    sql: str, suffix: str, target: str, *, kind: str | None = None, of: str | None = None,
    trying: bool = False,
) -> str:  # fmt: skip
    """``sql`` cast to a target as ``type_name`` gives it.

    Args:
        sql: the value.
        suffix: the target's word among the macros.
        target: the target's type.
        kind: the value's kind, where known.
        of: the value's type, where known.
        trying: whether what does not convert becomes NULL.
    """
    verb = "try" if trying else "cast"
    known = _SOURCES.get(kind or "")
    if (direct := _DIRECT.get((suffix, known or ""))) is not None:
        return direct.format(sql)
    if suffix == "text" and known == "number" and of is not None:
        return f"lk_java_float({_TEXT.format(sql)})" if of in _FLOATS else _TEXT.format(sql)
    if known is not None and known in _CONVERTS[suffix]:
        suffix, target = f"{suffix}_{known}", target
    if suffix.startswith("whole"):
        way = "TRY_CAST" if trying else "CAST"
        named = "" if trying else f", '{'INT' if target == 'INTEGER' else target}'"
        return f"{way}(lk_{verb}_{suffix}({sql}{named}) AS {target})"
    if suffix.startswith("decimal"):
        return f"lk_{verb}_{suffix}({sql}, NULL::{target})"
    return f"lk_{verb}_{suffix}({sql})"


def as_text(r: Renderer, node: exp.Expr) -> str:
    """``node`` where text is wanted: what is known to be something plain else becomes text.

    So does Databricks (page "Data type rules", implicit crosscasting); what only DuckDB knows the
    type of stays as it is.
    """
    kind, text = kind_of(r, node), r.sql(node)
    if kind in _SOURCES and kind != "string":
        return cast_to(text, "text", "VARCHAR", kind=kind, of=r.type_of(node))
    return text


def _cast(r: Renderer, node: exp.Expr) -> str:
    suffix, target = type_name(node.args["to"])
    trying = type(node).__name__ == "TryCast"
    inner = without_parentheses(node.this)
    name, text, kind = type(inner).__name__, r.sql(node.this), kind_of(r, inner)
    whole = name == "Literal" and inner.name.isdigit() and not inner.args.get("is_string")
    if whole and suffix == "whole" and not trying:  # 5L and the like
        return f"CAST({inner.name} AS {target})"
    if name == "Literal" and kind == "string":
        known = "TIMESTAMP WITH TIME ZONE" if target == "TIMESTAMPTZ" else target
        value = r.prepared.string(inner.name)
        plain = is_plain_date(value) if target == "DATE" else is_plain_moment(value)
        if plain and suffix in {"date", "timestamp", "wall"}:
            return text_as(value, known) or text
    if name == "Null" or (kind == "string" and suffix == "text"):
        return f"CAST({text} AS {target})"
    return cast_to(text, suffix, target, kind=kind, of=r.type_of(inner), trying=trying)


_PARTS = frozenset({"this", "to"})
CASTS: dict[str, Node] = {"Cast": Node(_cast, _PARTS), "TryCast": Node(_cast, _PARTS)}
