"""The shape of a query, as far as it decides how its rows follow from changes of its inputs.

Three shapes are kept up to date from changes. *Rows*: SELECT and WHERE over one source, and UNION
ALL of such; what such a query makes of some rows of its input does not depend on the others.
*Distinct*: the same with DISTINCT, or joined by UNION. *Groups*: GROUP BY over such a source; what
it makes of a group depends on that group's rows alone. Sources are tables, and views, subqueries
and WITH queries of the first shape. (The rules are those of bag relational algebra: T. Griffin and
L. Libkin, "Incremental maintenance of views with duplicates", SIGMOD 1995.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lakelet.engines.dialect.parsing import parse_query, prepare
from lakelet.lake import TableName
from lakelet.lake.table import columns_of
from lakelet.pipelines.incremental.functions import STEADY, is_aggregate, is_unsteady
from lakelet.pipelines.planning.graph import resolve
from lakelet.pipelines.planning.world import World

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ("Item", "Shape", "Whole", "group_items", "item_value", "shape_of")

Item = Literal["key", "of keys", "rows", "count", "sum", "least", "greatest", "other"]
"""What a column of a grouped query is: a key; a value of the keys; the number of rows; another
aggregate that can be kept by adding, or by comparing; or one computed anew for each group."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A query whose rows follow from changes of its inputs.

    Attributes:
        kind: ``rows``, ``distinct`` or ``groups``.
        tables: the tables it reads.
        names: lower-case names it uses anywhere; None where a star may mean every column.
        items: of a grouped query, what each of its columns is.
        keys: of a grouped query, the places of its keys among the columns.
        having: whether a grouped query leaves out groups.
    """

    kind: Literal["rows", "distinct", "groups"]
    tables: frozenset[TableName]
    names: frozenset[str] | None
    items: tuple[Item, ...] = ()
    keys: tuple[int, ...] = ()
    having: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """A query that is computed as a whole, and why: a sentence that goes on after "since it"."""

    reason: str


class _WholeError(Exception):
    pass


def shape_of(world: World, query: str) -> Shape | Whole:
    """The shape of a query, or why it has none that helps.

    Raises:
        SqlError: the text cannot be read.
        PipelineError: it names a table that is not there.
    """
    reading = _Reading(world)
    try:
        return reading.root(parse_query(prepare(query)))
    except _WholeError as reason:
        return Whole(str(reason))


def item_value(item: exp.Expr) -> exp.Expr:
    """An item of SELECT without its alias."""
    value: exp.Expr = item.this if type(item).__name__ == "Alias" else item
    return value


def group_items(select: exp.Expr, keys: Sequence[int]) -> list[exp.Expr]:
    """The expressions of a grouped query's keys."""
    return [item_value(select.expressions[place]) for place in keys]


class _Reading:
    """One walk over a query and the views it reads."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tables: set[TableName] = set()
        self.names: set[str] = set()
        self.all_names = False

    def root(self, tree: exp.Expr) -> Shape:
        self._note(tree)
        tree = _inside(tree)
        _without_limit(tree)
        if type(tree).__name__ == "Union":
            kind: Literal["rows", "distinct"] = "distinct" if tree.args.get("distinct") else "rows"
            self._union(tree, {}, distinct=kind == "distinct")
            return self._shape(kind)
        if type(tree).__name__ != "Select":
            raise _WholeError(f"is {type(tree).__name__.upper()}")
        if tree.args.get("group") or any(map(_has_aggregate, tree.expressions)):
            return self._groups(tree)
        self._select(tree, {}, distinct=True)
        return self._shape("distinct" if tree.args.get("distinct") else "rows")

    def _shape(
        self,
        kind: Literal["rows", "distinct", "groups"],
        items: tuple[Item, ...] = (),
        keys: tuple[int, ...] = (),
        *,
        having: bool = False,
    ) -> Shape:
        names = None if self.all_names else frozenset(self.names)
        return Shape(kind, frozenset(self.tables), names, items, keys, having)

    def _note(self, tree: exp.Expr) -> None:
        """Note the names a text uses; a few too many do no harm."""
        for node in tree.walk():
            kind = type(node).__name__
            if kind == "Identifier":
                self.names.add(node.name.lower())
            elif (kind == "Star" and not _counts_rows(node)) or (
                kind == "TableAlias" and node.args.get("columns")
            ):
                self.all_names = True

    def _union(self, tree: exp.Expr, common: _Common, *, distinct: bool) -> None:
        common = self._with(tree, common)
        for side in (tree.this, tree.expression):
            self._rows(side, common, distinct=distinct)

    def _rows(self, tree: exp.Expr, common: _Common, *, distinct: bool = False) -> None:
        """Make sure that a query is of the shape *rows*; with ``distinct``, leave DISTINCT be."""
        tree = _inside(tree)
        _without_limit(tree)
        if type(tree).__name__ == "Union":
            if tree.args.get("distinct") and not distinct:
                raise _WholeError("has UNION inside; UNION ALL would do")
            self._union(tree, common, distinct=distinct)
        elif type(tree).__name__ == "Select":
            self._select(tree, common, distinct=distinct)
        else:
            raise _WholeError(f"has {type(tree).__name__.upper()}")

    def _select(self, tree: exp.Expr, common: _Common, *, distinct: bool = False) -> None:
        if tree.args.get("group") or any(map(_has_aggregate, tree.expressions)):
            raise _WholeError("has GROUP BY inside")
        if tree.args.get("distinct") and not distinct:
            raise _WholeError("has DISTINCT inside")
        self._source(tree, self._with(tree, common))
        self._plain(tree)

    def _with(self, tree: exp.Expr, common: _Common) -> _Common:
        clause = tree.args.get("with_")
        for one in clause.expressions if clause is not None else ():
            common = {**common, one.alias.lower(): (one.this, common)}
        return common

    def _source(self, tree: exp.Expr, common: _Common) -> None:
        if tree.args.get("joins"):
            raise _WholeError("joins tables")
        clause = tree.args.get("from_")
        if clause is None:
            raise _WholeError("has a SELECT without FROM")
        source = clause.this
        if type(source).__name__ == "Subquery":
            self._rows(source, common)
            return
        if type(source).__name__ != "Table" or type(source.this).__name__ != "Identifier":
            raise _WholeError(f"reads {_called(source)}")
        if source.args.get("joins"):
            raise _WholeError("joins tables")
        parts = tuple(part.name for part in source.parts)
        if len(parts) == 1 and parts[0].lower() in common:
            self._rows(*common[parts[0].lower()])
            return
        if parts[0].lower() == "delta" and "/" in parts[-1]:
            raise _WholeError("reads a table by its path")
        self._table(resolve(self.world.pipeline, self.world.lake, parts))

    def _table(self, name: TableName) -> None:
        view = self.world.pipeline.datasets.get(name)
        if view is None or view.stored:
            self.tables.add(name)
            return
        query = view.flows[0].query
        if query is None:
            raise _WholeError(f"reads {name}, which is a Python function")
        tree = parse_query(prepare(query))
        self._note(tree)
        self._rows(tree, {})

    def _plain(self, tree: exp.Expr) -> None:
        """Make sure that nothing in a SELECT's clauses depends on more than one row."""
        if tree.args.get("qualify") or tree.args.get("windows"):
            raise _WholeError("uses a window")
        clauses = [*tree.expressions, *(tree.args.get("laterals") or [])]
        clauses += [tree.args[name] for name in ("where", "having", "group") if tree.args.get(name)]
        for clause in clauses:
            for node in clause.walk():
                _refuse_node(node)

    def _groups(self, tree: exp.Expr) -> Shape:
        if tree.args.get("distinct"):
            raise _WholeError("has DISTINCT beside GROUP BY")
        if tree.args.get("laterals"):
            raise _WholeError("has LATERAL VIEW beside GROUP BY")
        if any(map(_is_star, tree.expressions)):
            raise _WholeError("has a star beside GROUP BY")
        common = self._with(tree, {})
        self._source(tree, common)
        self._plain(tree)
        keys = self._keys(tree, common)
        items = tuple(
            "key" if place in keys else _item(item) for place, item in enumerate(tree.expressions)
        )
        if not keys and "other" in items:
            raise _WholeError("makes one value of all rows, not by adding alone")
        return self._shape("groups", items, keys, having=bool(tree.args.get("having")))

    def _keys(self, tree: exp.Expr, common: _Common) -> tuple[int, ...]:
        group = tree.args.get("group")
        if group is None:
            return ()
        if any(group.args.get(kind) for kind in ("grouping_sets", "cube", "rollup")):
            raise _WholeError("groups in several ways at once")
        if group.args.get("all"):
            return tuple(
                place for place, item in enumerate(tree.expressions) if not _has_aggregate(item)
            )
        found = [self._key(tree, one, common) for one in group.expressions]
        return tuple(dict.fromkeys(found))

    def _key(self, tree: exp.Expr, key: exp.Expr, common: _Common) -> int:
        """The place of a GROUP BY key among the columns."""
        items = list(tree.expressions)
        source = tree.args["from_"].this.alias_or_name.lower()
        if type(key).__name__ == "Literal" and key.name.isdecimal():
            return int(key.name) - 1
        for place, item in enumerate(items):
            if _same(item_value(item), key, source):
                return place
        if type(key).__name__ == "Column" and not key.args.get("table"):
            named = [i for i, item in enumerate(items) if item.alias.lower() == key.name.lower()]
            given = self._given(tree.args["from_"].this, common)
            if named and given is not None and key.name.lower() not in given:
                return named[0]
        raise _WholeError(f"groups by {key.sql()}, which is not among its columns")

    def _given(self, source: exp.Expr, common: _Common) -> set[str] | None:
        """The names of a source's columns, None where they are not known for certain."""
        if type(source).__name__ == "Subquery":
            return self._named(_inside(source), common)
        parts = tuple(part.name for part in source.parts)  # type: ignore[attr-defined]
        if len(parts) == 1 and parts[0].lower() in common:
            query, around = common[parts[0].lower()]
            return self._named(_inside(query), around)
        name = resolve(self.world.pipeline, self.world.lake, parts)
        view = self.world.pipeline.datasets.get(name)
        if view is not None and not view.stored and view.flows[0].query is not None:
            return self._named(_inside(parse_query(prepare(view.flows[0].query))), {})
        result = self.world.results.get(name)
        if view is not None and result is None and self.world.published(name) is None:
            return None
        columns = result.columns if result is not None else columns_of(self.world.snapshot(name))
        return {column.name.lower() for column in columns}

    def _named(self, tree: exp.Expr, common: _Common) -> set[str] | None:
        if type(tree).__name__ != "Select" or tree.args.get("laterals"):
            return None
        found: set[str] = set()
        for item in tree.expressions:
            if _is_star(item):
                given = self._given(tree.args["from_"].this, self._with(tree, common))
                if given is None:
                    return None
                found |= given
            else:
                found.add(item.alias_or_name.lower())
        return found


_Common = Mapping[str, tuple["exp.Expr", "_Common"]]


def _inside(tree: exp.Expr) -> exp.Expr:
    """The query inside parentheses."""
    while type(tree).__name__ == "Subquery":
        _without_limit(tree)
        tree = tree.this
    return tree


def _without_limit(tree: exp.Expr) -> None:
    if tree.args.get("limit") or tree.args.get("offset"):
        raise _WholeError("has LIMIT")


def _refuse_node(node: exp.Expr) -> None:
    kind = type(node).__name__
    if kind in ("Select", "Union", "Except", "Intersect"):
        raise _WholeError("has a subquery in an expression")
    if kind == "Window":
        raise _WholeError("uses a window")
    if kind.startswith(("Current", "Local")):
        raise _WholeError(f"uses {node.sql().lower()}")
    if kind == "Anonymous" and is_unsteady(node.name.lower()):
        raise _WholeError(f"calls {node.name.lower()}()")
    if kind == "Anonymous" and is_aggregate(node.name.lower()) and node.name.lower() not in STEADY:
        raise _WholeError(f"calls {node.name.lower()}(), which depends on the order of rows")


def _called(source: exp.Expr) -> str:
    return f"{source.this.name}()" if type(source).__name__ == "Table" else "a made-up source"


def _calls(node: exp.Expr) -> Iterator[exp.Expr]:
    for one in node.walk():
        if type(one).__name__ == "Anonymous" and is_aggregate(one.name.lower()):
            yield one


def _has_aggregate(node: exp.Expr) -> bool:
    # An aggregate with OVER is told by its window.
    return any(type(call.parent).__name__ != "Window" for call in _calls(node))


def _is_star(item: exp.Expr) -> bool:
    return "Star" in (type(item).__name__, type(item.this).__name__)


def _counts_rows(star: exp.Expr) -> bool:
    parent = star.parent
    return type(parent).__name__ == "Anonymous" and parent.name.lower() == "count"  # type: ignore[union-attr]


def _same(one: exp.Expr, other: exp.Expr, source: str) -> bool:
    """Whether two expressions are the same, with the name of their one source or without."""
    return bool(_bare(one, source) == _bare(other, source))


def _bare(node: exp.Expr, source: str) -> exp.Expr:
    copy = node.copy()
    for one in copy.walk():
        kind = type(one).__name__
        if kind == "Column" and not one.args.get("db"):
            table = one.args.get("table")
            if table is not None and table.name.lower() == source:
                one.set("table", None)
        elif kind == "Identifier":
            one.set("this", one.name.lower())
            one.set("quoted", False)
    return copy


def _is_never_null(node: exp.Expr) -> bool:
    return type(node).__name__ in ("Star", "Literal")


_ADDED: Mapping[str, Item] = {
    "count": "count", "count_if": "count", "sum": "sum", "min": "least", "max": "greatest",
}  # fmt: skip


def _item(item: exp.Expr) -> Item:
    value = item_value(item)
    if not _has_aggregate(value):
        return "of keys"
    call = value.this if type(value).__name__ == "Filter" else value
    if type(call).__name__ != "Anonymous" or call.name.lower() not in _ADDED:
        return "other"
    found = _ADDED[call.name.lower()]
    if value is call and found == "count" and all(map(_is_never_null, call.expressions)):
        return "rows" if call.name.lower() == "count" else found
    distinct = any(type(argument).__name__ == "Distinct" for argument in call.expressions)
    return "other" if distinct and found in ("count", "sum") else found
