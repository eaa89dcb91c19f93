"""Functions over arrays, maps and structs (page "Built-in functions", collections)."""

from __future__ import annotations

from lakelet.engines.dialect.functions import collections
from lakelet.engines.dialect.functions.entry import Function

__all__ = ("ARRAYS",)

_SIZE = Function("lk_size({0})", 1, 1, "the number of elements or entries", "number")
_REDUCE = Function(collections.reduce, 3, 4, "the elements folded into one value")


def _generator(doc: str) -> Function:
    return Function(collections.generator, 1, 1, doc, None, "generator")


ARRAYS: dict[str, Function] = {
    "array": Function(collections.array, 0, None, "an array of its arguments"),
    "array_append": Function("list_append({0}, {1})", 2, 2, "an element added at the end"),
    "array_prepend": Function("list_prepend({1}, {0})", 2, 2, "an element added in front"),
    "array_compact": Function(
        "list_filter({0}, lambda lk_e: lk_e IS NOT NULL)", 1, 1, "without the NULLs"
    ),
    "array_contains": Function(
        "lk_array_contains({0}, {1})", 2, 2, "whether an element is equal", "boolean"
    ),
    "array_distinct": Function("lk_array_distinct({0})", 1, 1, "without repeated elements"),
    "array_except": Function("lk_array_except({0}, {1})", 2, 2, "what only the first has"),
    "array_intersect": Function("lk_array_intersect({0}, {1})", 2, 2, "what both have"),
    "array_union": Function("lk_array_distinct(list_concat({0}, {1}))", 2, 2, "what either has"),
    "array_join": Function(
        {2: "lk_array_join({0}, {1})", 3: "lk_array_join_all({0}, {1}, {2})"},
        2,
        3,
        "the texts joined; NULLs are left out or replaced",
        "string",
    ),
    "array_max": Function("list_max({0})", 1, 1, "the greatest element, NULLs left out"),
    "array_min": Function("list_min({0})", 1, 1, "the least element, NULLs left out"),
    "array_position": Function(
        "lk_array_position({0}, {1})", 2, 2, "the place of an element, 0 if absent", "number"
    ),
    "array_remove": Function("lk_array_remove({0}, {1})", 2, 2, "without the equal elements"),
    "array_repeat": Function("lk_array_repeat({0}, {1})", 2, 2, "an element several times"),
    "array_size": Function("CAST(len({0}) AS INTEGER)", 1, 1, "the number of elements", "number"),
    "array_sort": Function(
        "list_sort({0}, 'ASC', 'NULLS LAST')", 1, 1, "sorted upwards, NULLs last"
    ),
    "sort_array": Function(collections.sort_array, 1, 2, "sorted; NULLs are least"),
    "arrays_overlap": Function(
        "lk_arrays_overlap({0}, {1})", 2, 2, "whether both share an element", "boolean"
    ),
    "size": _SIZE,
    "cardinality": _SIZE,
    "element_at": Function(
        collections.element, 2, 2, "an element from 1, or a map's value, NULL where it has none"
    ),
    "try_element_at": Function(collections.element, 2, 2, "the same, NULL where there is none"),
    "get": Function("lk_get({0}, {1})", 2, 2, "an element from 0, NULL where there is none"),
    "flatten": Function("lk_flatten({0})", 1, 1, "an array of arrays as one"),
    "slice": Function("lk_slice({0}, {1}, {2})", 3, 3, "elements from a place on, by number"),
    "sequence": Function(
        collections.sequence,
        2,
        3,
        "whole numbers, or days, from the first to the second",
    ),
    "transform": Function(collections.transform, 2, 2, "a function applied to each element"),
    "filter": Function(collections.keep, 2, 2, "the elements for which a condition holds"),
    "exists": Function(collections.exists, 2, 2, "whether it holds for an element", "boolean"),
    "forall": Function(collections.forall, 2, 2, "whether it holds for all elements", "boolean"),
    "aggregate": _REDUCE,
    "reduce": _REDUCE,
    "map": Function(collections.map_of, 2, None, "a map of keys and values in turn"),
    "map_keys": Function("map_keys({0})", 1, 1, "the keys of a map"),
    "map_values": Function("map_values({0})", 1, 1, "the values of a map"),
    "map_entries": Function("map_entries({0})", 1, 1, "keys and values as structs"),
    "map_from_arrays": Function("map({0}, {1})", 2, 2, "a map of two arrays"),
    "map_contains_key": Function(
        "map_contains({0}, {1})", 2, 2, "whether a map has a key", "boolean"
    ),
    "struct": Function(collections.struct, 1, None, "a struct of its arguments"),
    "named_struct": Function(collections.named_struct, 2, None, "a struct of names and values"),
    "explode": _generator("a row for each element of an array"),
    "explode_outer": _generator("the same, and a row of NULL for an empty array or NULL"),
    "posexplode": _generator("a row for each element of an array, with its place from 0"),
    "inline": _generator("a row for each struct of an array"),
}
