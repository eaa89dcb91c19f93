"""The walk over a syntax tree: every node must stand in a table, or the query is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from lakelet.engines.dialect.letting import once, operands_of
from lakelet.engines.dialect.translation import TableFunctionCall, TableReference
from lakelet.errors import SqlError, nearest

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.parsing import Prepared
    from lakelet.engines.dialect.scopes import Columns, Scope

__all__ = ("Node", "NodeRenderer", "Renderer", "refuse", "words_of")

# Kept by the parser for its own use; they carry no meaning of the query.
_SILENT = frozenset({"comments", "_type", "nested", "safe", "requires_json"})


NodeRenderer: TypeAlias = "Callable[[Renderer, exp.Expr], str]"


class Node(NamedTuple):
    """How one class of syntax node is written for DuckDB, and which of its parts are understood."""

    render: NodeRenderer
    parts: frozenset[str]


def words_of(class_name: str) -> str:
    """The name of a node class as words a person reads: ``NullSafeEQ`` gives ``null safe eq``."""
    spaced = "".join(f" {c}" if c.isupper() and i else c for i, c in enumerate(class_name))
    return spaced.lower()


def refuse(what: str, known: Iterable[str] = (), *, hint: str | None = None) -> SqlError:
    """The error for something outside the tables, naming the nearest thing that works."""
    name = what.split("(")[0].strip().lower()
    close = nearest(name, known)
    if hint is None:
        hint = f"the nearest that works is {close}." if close else None
    return SqlError(
        f"{what} is refused: it is not among the translations tested to mean the same here.",
        hint=hint
        or "docs/sql-functions.md lists what works; --dialect duckdb passes text as it is.",
        word=name,
    )


class Renderer:
    """Writes one query for DuckDB and collects what it reads and needs.

    Attributes:
        prepared: the text as parsed, for the strings and moments taken out of it.
        tables: references by view name, in order of first use.
        calls: table functions of higher layers, in order of use.
        parameters: parameter markers in order of first use.
        locals: names bound by enclosing lambdas.
        places: those of them that count an array's elements; DuckDB counts from 1.
        over: whether the aggregate being written has an OVER clause.
        columns: tells a table's columns, or None where they are not known.
        scopes: what names mean in the queries around this place, the innermost last.
        metadata: whether the query names ``_metadata``, which files have besides their columns.

    What stands for nodes whose text is known already is given with `knowing`.
    """

    def __init__(self, prepared: Prepared, nodes: dict[str, Node]) -> None:
        self.prepared = prepared
        self.nodes = nodes
        self.tables: dict[str, TableReference] = {}
        self.calls: list[TableFunctionCall] = []
        self.parameters: list[str] = []
        self.common_names: list[dict[str, Columns | None]] = []
        self.columns: Callable[[TableReference], Columns | None] = lambda _table: None
        self.scopes: list[Scope] = []
        self.metadata = False
        self._types: dict[int, tuple[exp.Expr, str | None]] = {}
        self._given: dict[int, tuple[exp.Expr, Columns | None]] = {}
        self.locals: list[str] = []
        self.places: set[str] = set()
        self.over = False
        self.windows: dict[str, exp.Expr] = {}
        self._known: dict[int, str] = {}
        self._named: frozenset[int] = frozenset()
        self._lets = 0

    def sql(self, node: exp.Expr) -> str:
        """``node`` for DuckDB.

        Raises:
            SqlError: the node, or a part of it, is not in the tables.
        """
        if (known := self._known.get(id(node))) is not None:
            return known
        name = type(node).__name__
        entry = self.nodes.get(name)
        if entry is None and name == "Array":
            # The parser loses the elements of array(…)[i].
            raise refuse("array(…)[i]", hint="write (array(…))[i], or element_at(array(…), i + 1).")
        if entry is None:
            raise refuse(words_of(name).upper())
        unknown = [
            part
            for part, value in node.args.items()
            if value and part not in entry.parts and part not in _SILENT
        ]
        if unknown and name == "Substring":
            raise SqlError(
                "substring() takes 2 to 3 arguments.", hint="substring(text, from 1, length)."
            )
        if unknown:
            part = unknown[0].strip("_").replace("_", " ").upper()
            raise refuse(f"{part} in {words_of(name).upper()}")
        if operands := operands_of(node):
            return once(self, operands, lambda: entry.render(self, node))
        return entry.render(self, node)

    @contextmanager
    def knowing(self, texts: dict[int, str], named: Iterable[int] = ()) -> Iterator[None]:
        """In the body, the text of nodes is known, by their ids; of some it is a name."""
        before = self._known, self._named
        self._known, self._named = self._known | texts, self._named | frozenset(named)
        try:
            yield
        finally:
            self._known, self._named = before

    def name_of(self, node: exp.Expr) -> str | None:
        """The name that stands for a node here, in any parentheses; None where none does."""
        while id(node) not in self._named:
            if type(node).__name__ != "Paren":
                return None
            node = node.this
        return self._known[id(node)]

    @contextmanager
    def letting(self) -> Iterator[str]:
        """In the body, a name that stands for a value; another one in each body inside it."""
        self._lets += 1
        try:
            yield f"once {self._lets}"
        finally:
            self._lets -= 1

    def list(self, nodes: Iterable[exp.Expr]) -> str:
        """Several nodes, separated by commas."""
        return ", ".join(self.sql(node) for node in nodes)

    def is_common_name(self, name: str) -> bool:
        """Whether a WITH clause around this place gives ``name`` a meaning."""
        return any(name in names for names in self.common_names)

    def common_columns(self, name: str) -> Columns | None:
        """The columns of the nearest WITH query of that name."""
        return next((names[name] for names in reversed(self.common_names) if name in names), None)

    def add_source(self, name: str, columns: Columns | None) -> None:
        """Note a source of the SELECT being written."""
        if self.scopes:
            self.scopes[-1].add(name, columns)

    def type_of(self, node: exp.Expr) -> str | None:
        """The DuckDB type that ``node`` will have, or None where it is not certain."""
        found = self._types.get(id(node))
        if found is None:
            from lakelet.engines.dialect.known_types import type_known

            # The node is kept, since another could get its id.
            found = self._types[id(node)] = (node, type_known(self, node))
        return found[1]

    def gives(self, query: exp.Expr, columns: Columns | None) -> None:
        """Note the columns of a query that has been written."""
        self._given[id(query)] = (query, columns)

    def columns_given(self, query: exp.Expr) -> Columns | None:
        """The columns of a query, if it has been written and they are known."""
        return self._given.get(id(query), (query, None))[1]
