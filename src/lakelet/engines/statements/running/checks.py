"""Expressions kept in a table: CHECK constraints and generated columns.

delta-rs evaluates them with DataFusion whenever rows are written, other writers with engines of
their own. So only what means the same in all of them is accepted, and stored as plain text that
all of them read. What is not provably the same is refused by name.

One difference is left: DataFusion puts -0.0 below 0.0, so ``x >= 0`` refuses it, loudly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lakelet.engines.dialect.parsing import Prepared, parse_expression, prepare
from lakelet.errors import SchemaError, SqlError, nearest
from lakelet.lake.types import Column, DataType, Decimal, Primitive

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ("CONSTRAINT", "mentions", "stored_expression")

CONSTRAINT = "delta.constraints."
"""Begins the name of the table property that holds a CHECK constraint."""

_KINDS = {
    "BIGINT": "whole", "INT": "whole", "SMALLINT": "whole", "TINYINT": "whole", "DOUBLE": "float",
    "FLOAT": "float", "STRING": "text", "BOOLEAN": "boolean", "DATE": "date",
    "TIMESTAMP": "timestamp", "TIMESTAMP_NTZ": "wall",
}  # fmt: skip
_COMPARED = {"EQ": "=", "NEQ": "<>", "GT": ">", "GTE": ">=", "LT": "<", "LTE": "<="}
_COUNTED = {"Add": "+", "Sub": "-", "Mul": "*"}
_FUNCTIONS = {"length": "whole", "char_length": "whole", "lower": "text", "upper": "text"}
_SIMPLE = re.compile(r"[A-Za-z_]\w*")


class _Said(NamedTuple):
    """Text of a part, and the kind of value it gives."""

    text: str
    kind: str


def stored_expression(text: str, columns: Sequence[Column], *, of: DataType) -> str:
    """An expression as it is stored, if it means the same to every writer.

    Args:
        text: the expression in Databricks SQL.
        columns: what it may name.
        of: the type it must give.

    Raises:
        SqlError: a part that may mean something else to delta-rs.
        SchemaError: a column that is not there.
    """
    prepared = prepare(text)
    said = _Writer(prepared, columns).write(parse_expression(prepared))
    kind = "decimal" if isinstance(of, Decimal) else _KINDS.get(getattr(of, "name", ""))
    if said.kind != kind:
        raise SqlError(
            f"the expression {text.strip()} gives {said.kind}, not {of.sql}; nothing was changed."
        )
    return said.text


def mentions(expression: str, column: str) -> bool:
    """Whether a stored expression names a column."""
    found = re.findall(r"`((?:[^`]|``)+)`|([A-Za-z_]\w*)", re.sub(r"'[^']*'", "", expression))
    return any((quoted or bare).lower() == column.lower() for quoted, bare in found)


def _refuse(what: str) -> SqlError:
    return SqlError(
        f"{what} is refused in CHECK and generated columns: other writers of the table may read "
        "it differently; nothing was changed.",
        hint="comparisons, AND, OR, NOT, IS NULL, IN, BETWEEN, LIKE, + - *, length, lower and "
        "upper work; compute anything else in the statement that writes the rows.",
    )


class _Writer:
    """Writes the accepted nodes back as text."""

    def __init__(self, prepared: Prepared, columns: Sequence[Column]) -> None:
        self.prepared = prepared
        self.columns = {column.name.lower(): column for column in columns}
        self.nodes: dict[str, Callable[[Any], _Said]] = {
            "Column": self.column, "Literal": self.literal, "Neg": self.negative,
            "Boolean": lambda node: _Said("true" if node.this else "false", "boolean"),
            "Paren": lambda node: _Said(f"({self.write(node.this).text})", self.kind(node.this)),
            "And": self.both, "Or": self.both, "Not": self.negated, "Is": self.missing,
            "In": self.among, "Between": self.between, "Like": self.like, "Cast": self.day,
            "Anonymous": self.function, "DPipe": self.joined,
            **dict.fromkeys(_COMPARED, self.compared), **dict.fromkeys(_COUNTED, self.counted),
        }  # fmt: skip

    def write(self, node: exp.Expr) -> _Said:
        name = type(node).__name__
        if name not in self.nodes:
            raise _refuse(node.sql("databricks")[:60])
        return self.nodes[name](node)

    def kind(self, node: exp.Expr) -> str:
        return self.write(node).kind

    def column(self, node: Any) -> _Said:
        if any(node.args.get(part) for part in ("table", "db", "catalog")):
            raise _refuse(f"the qualified name {node.sql('databricks')}")
        found = self.columns.get(node.name.lower())
        if found is None:
            close = nearest(node.name.lower(), self.columns)
            raise SchemaError(
                f"there is no column {node.name!r} to check; nothing was changed.",
                hint=f"did you mean {close!r}?" if close else None,
            )
        kind = "decimal" if isinstance(found.type, Decimal) else None
        kind = kind or (_KINDS.get(found.type.name) if isinstance(found.type, Primitive) else None)
        if kind is None or not _SIMPLE.fullmatch(found.name):
            raise _refuse(f"the column {found.name} of type {found.type.sql}")
        return _Said(f"`{found.name}`", kind)

    def literal(self, node: Any) -> _Said:
        if node.args.get("is_string"):
            value = self.prepared.string(node.name)
            if re.search(r"['\\\x00-\x1f]", value):
                raise _refuse("a string with quotes, backslashes or control characters")
            return _Said(f"'{value}'", "text")
        if node.name.isdecimal():
            return _Said(node.name, "whole")
        if re.fullmatch(r"\d*\.\d*", node.name):
            return _Said(node.name, "fraction")
        raise _refuse(f"the number {node.name}")

    def negative(self, node: Any) -> _Said:
        inner = self.write(node.this)
        if type(node.this).__name__ != "Literal" or inner.kind == "text":
            raise _refuse("a minus before anything but a number")
        return _Said(f"-{inner.text}", inner.kind)

    def both(self, node: Any) -> _Said:
        word = type(node).__name__.upper()
        sides = [self.truth(node.this), self.truth(node.expression)]
        return _Said(f"({sides[0]}) {word} ({sides[1]})", "boolean")

    def truth(self, node: Any) -> str:
        said = self.write(node)
        if said.kind != "boolean":
            raise _refuse(f"{said.text} as a condition")
        return said.text

    def negated(self, node: Any) -> _Said:
        return _Said(f"NOT ({self.truth(node.this)})", "boolean")

    def missing(self, node: Any) -> _Said:
        if type(node.this).__name__ != "Column" or type(node.expression).__name__ != "Null":
            raise _refuse("IS with anything but a column and NULL")
        return _Said(f"{self.write(node.this).text} IS NULL", "boolean")

    def alike(self, *parts: _Said) -> None:
        """Sides of a comparison must be of one kind, whatever rules an engine has for mixing."""
        kinds = {part.kind for part in parts}
        if kinds <= {"whole", "float"} or kinds <= {"whole", "decimal"}:
            return
        if kinds <= {"fraction", "float"} or (len(kinds) == 1 and "fraction" not in kinds):
            return
        raise _refuse(f"{parts[0].text} compared or joined with {parts[-1].text}")

    def compared(self, node: Any) -> _Said:
        left, right = self.write(node.this), self.write(node.expression)
        self.alike(left, right)
        plain = ("Column", "Boolean")
        if left.kind == "boolean" and type(node.this).__name__ not in plain:
            raise _refuse("a condition compared with another")
        return _Said(f"{left.text} {_COMPARED[type(node).__name__]} {right.text}", "boolean")

    def counted(self, node: Any) -> _Said:
        left, right = self.write(node.this), self.write(node.expression)
        self.alike(left, right)
        if not {left.kind, right.kind} <= {"whole", "float", "fraction"}:
            raise _refuse(f"arithmetic with {left.text}")
        kind = left.kind if left.kind == right.kind else "float"
        return _Said(f"({left.text} {_COUNTED[type(node).__name__]} {right.text})", kind)

    def among(self, node: Any) -> _Said:
        if node.args.get("query") or not node.expressions:
            raise _refuse("IN with a query")
        parts = [self.write(node.this), *(self.write(one) for one in node.expressions)]
        self.alike(*parts)
        return _Said(f"{parts[0].text} IN ({', '.join(p.text for p in parts[1:])})", "boolean")

    def between(self, node: Any) -> _Said:
        value, low, high = (self.write(node.args[key]) for key in ("this", "low", "high"))
        self.alike(value, low, high)
        return _Said(f"{value.text} BETWEEN {low.text} AND {high.text}", "boolean")

    def like(self, node: Any) -> _Said:
        value, pattern = self.write(node.this), self.write(node.expression)
        if value.kind != "text" or type(node.expression).__name__ != "Literal":
            raise _refuse("LIKE with anything but text and a pattern in quotes")
        return _Said(f"{value.text} LIKE {pattern.text}", "boolean")

    def day(self, node: Any) -> _Said:
        value = self.prepared.string(node.this.name) if hasattr(node.this, "name") else ""
        is_date = node.args["to"].this.name == "DATE" if node.args["to"].this else False
        if not is_date or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise _refuse(node.sql("databricks")[:60])
        return _Said(f"DATE '{value}'", "date")

    def function(self, node: Any) -> _Said:
        name = node.name.lower()
        if name not in _FUNCTIONS or len(node.expressions) != 1:
            raise _refuse(f"{name}()")
        inner = self.write(node.expressions[0])
        if inner.kind != "text":
            raise _refuse(f"{name}({inner.text})")
        return _Said(f"{name}({inner.text})", _FUNCTIONS[name])

    def joined(self, node: Any) -> _Said:
        left, right = self.write(node.this), self.write(node.expression)
        if {left.kind, right.kind} != {"text"}:
            raise _refuse(f"{left.text} || {right.text}")
        return _Said(f"({left.text} || {right.text})", "text")
