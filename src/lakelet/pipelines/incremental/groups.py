"""What becomes of the groups of a grouped view whose input rows changed.

The view itself is what is known of a group: a count or sum goes on from its column there, by what
the same query makes of the rows that came and of those that went; a least or greatest value too, as
long as no row of the group went. Where that does not tell (whether a sum has become NULL, or a
group is gone), and for all other aggregates, the group is computed anew from all of its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lakelet.lake.names import quote
from lakelet.lake.types import DataType, Decimal, Primitive
from lakelet.pipelines.datasets.swapping import same_values
from lakelet.pipelines.incremental.asking import WORK, Asking, FellThroughError, Limits
from lakelet.pipelines.incremental.edits import key_name, keys_only, of_affected
from lakelet.pipelines.incremental.moved import MovedRows
from lakelet.pipelines.incremental.shape import Item
from lakelet.pipelines.incremental.sources import Held

__all__ = ("can_add", "find_groups", "fresh_groups")

_INTEGERS = ("TINYINT", "SMALLINT", "INT", "BIGINT")
_HERE = '"lakelet here"'


def can_add(asking: Asking) -> bool:
    """Whether every column of the view can be kept by adding or comparing."""
    if asking.shape.having or "other" in asking.shape.items:
        return False
    pairs = list(zip(asking.columns, asking.shape.items, strict=True))
    numbers = [column.type for column, item in pairs if item == "sum"]
    compared = [column.type for column, item in pairs if item in ("least", "greatest")]
    return all(isinstance(kind, Decimal) or kind.sql in _INTEGERS for kind in numbers) and all(
        isinstance(kind, Primitive | Decimal) for kind in compared
    )


def find_groups(asking: Asking, moved: MovedRows, *, adding: bool) -> None:
    """Make the table ``affected`` of the keys whose rows changed, by the view's names.

    When adding, the tables ``came`` and ``went`` hold what the query makes of the rows.
    """
    engine, keys = asking.engine, _keys(asking)
    sides = {"came": moved.came} | ({"went": moved.went} if moved.went is not None else {})
    for table, rows in sides.items():
        if adding:
            select = asking.select(rows)
            engine.execute(
                f"CREATE TABLE {WORK}.{table} AS SELECT *, true AS {_HERE} FROM ({select})"
            )
        else:
            bound = asking.bind(rows, lambda tree: keys_only(tree, asking.shape.keys))
            named = ", ".join(
                f"CAST({quote(key_name(place))} AS {asking.columns[place].type.duckdb}) AS {key}"
                for place, key in zip(asking.shape.keys, keys, strict=True)
            )
            engine.execute(
                f"CREATE TABLE {WORK}.{table} AS SELECT DISTINCT {named} FROM ({bound.sql})"
            )
    if "went" not in sides:
        engine.execute(f"CREATE TABLE {WORK}.went AS SELECT * FROM {WORK}.came WHERE false")
    listed = ", ".join(keys) or "1 AS one"
    union = f"SELECT {listed} FROM {WORK}.came UNION SELECT {listed} FROM {WORK}.went"
    engine.execute(f"CREATE TABLE {WORK}.affected AS {union}")


def fresh_groups(asking: Asking, *, adding: bool, limits: Limits) -> None:
    """Make the table ``fresh`` of the affected groups as they are now; ``old`` has them before.

    Args:
        asking: the refresh.
        adding: whether `find_groups` has prepared for adding.
        limits: what computing groups anew may cost.

    Raises:
        FellThroughError: computing all of the view is cheaper.
    """
    engine, names = asking.engine, ", ".join(asking.names)
    again = f"{WORK}.affected"
    if adding:
        _add(asking)
        engine.execute(
            f"CREATE TABLE {WORK}.fresh AS SELECT {names} FROM {WORK}.added WHERE state = 1"
        )
        listed = ", ".join(_keys(asking)) or "1 AS one"
        engine.execute(
            f"CREATE TABLE {WORK}.again AS SELECT {listed} FROM {WORK}.added WHERE state = 2"
        )
        again = f"{WORK}.again"
    else:
        engine.execute(f"CREATE TABLE {WORK}.fresh AS SELECT {names} FROM {WORK}.old WHERE false")
    count = asking.count(again)
    if not count:
        return
    if not asking.shape.keys:
        raise FellThroughError("makes one value of all rows, which adding does not tell")
    limits.refuse_dearer(count, "would compute groups:")
    keys = _keys(asking)
    typed = tuple(
        (key_name(place), asking.columns[place].type.duckdb) for place in asking.shape.keys
    )
    listed = ", ".join(
        f"{key} AS {quote(name)}" for key, (name, _) in zip(keys, typed, strict=True)
    )
    select = asking.select(
        None,
        lambda tree: of_affected(tree, asking.shape.keys),
        Held(typed, f"SELECT {listed} FROM {again}"),
    )
    engine.execute(f"INSERT INTO {WORK}.fresh BY NAME SELECT * FROM ({select})")


def _keys(asking: Asking) -> list[str]:
    return [asking.names[place] for place in asking.shape.keys]


def _add(asking: Asking) -> None:
    """Make the table ``added``: the new rows, and in ``state`` whether that is the whole truth.

    1: it is. 0: the group is gone. 2: the group must be computed anew.
    """
    keys = _keys(asking)
    items = asking.shape.items
    values = []
    for column, item, name in zip(asking.columns, items, asking.names, strict=True):
        values.append(f"CAST({_VALUES[item](name, _wide(column.type))} AS {column.type.duckdb})")
    listed = ", ".join(f"{v} AS {n}" for v, n in zip(values, asking.names, strict=True))
    doubts = [f"o.{_HERE} IS NULL"]
    doubts += ["true" for item in items if item in ("least", "greatest")]
    doubts += [
        f"(w.{name} IS NOT NULL AND c.{name} IS NULL)"
        for item, name in zip(items, asking.names, strict=True)
        if item == "sum"
    ]
    counted = next((n for i, n in zip(items, asking.names, strict=True) if i == "rows"), None)
    gone = "false"
    if keys and counted is not None:
        gone = f"coalesce(o.{counted}, 0) + coalesce(c.{counted}, 0) - w.{counted} = 0"
    elif keys:
        doubts.append(f"c.{_HERE} IS NULL")
    on = {side: same_values("a", side, keys) for side in ("o", "c", "w")}
    asking.engine.execute(
        f"CREATE TABLE {WORK}.added AS SELECT {listed}, CASE WHEN w.{_HERE} IS NULL THEN 1 "
        f"WHEN o.{_HERE} IS NOT NULL AND {gone} THEN 0 "
        f"WHEN {' OR '.join(doubts)} THEN 2 ELSE 1 END AS state "
        f"FROM {WORK}.affected AS a "
        f"LEFT JOIN (SELECT *, true AS {_HERE} FROM {WORK}.old) AS o ON {on['o']} "
        f"LEFT JOIN {WORK}.came AS c ON {on['c']} LEFT JOIN {WORK}.went AS w ON {on['w']}"
    )


def _wide(kind: DataType) -> str:
    """A type in which sums of a type do not overflow on the way."""
    return f"DECIMAL(38, {kind.scale})" if isinstance(kind, Decimal) else "HUGEINT"


def _sum(name: str, wide: str) -> str:
    o, c, w = (f"CAST({side}.{name} AS {wide})" for side in "ocw")
    return (
        f"CASE WHEN o.{name} IS NULL AND c.{name} IS NULL THEN NULL "
        f"ELSE coalesce({o}, 0) + coalesce({c}, 0) - coalesce({w}, 0) END"
    )


def _count(name: str, _wide: str) -> str:
    return f"coalesce(o.{name}, 0) + coalesce(c.{name}, 0) - coalesce(w.{name}, 0)"


# DuckDB's least and greatest pass over NULL, and take NaN for the greatest, as the aggregates do.
_VALUES: Mapping[Item, Callable[[str, str], str]] = {
    "key": lambda name, _wide: f"a.{name}",
    "of keys": lambda name, _wide: f"CASE WHEN c.{_HERE} THEN c.{name} ELSE o.{name} END",
    "rows": _count,
    "count": _count,
    "sum": _sum,
    "least": lambda name, _wide: f"least(o.{name}, c.{name})",
    "greatest": lambda name, _wide: f"greatest(o.{name}, c.{name})",
}
