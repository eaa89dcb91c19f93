"""Macros for arrays and maps (pages of the functions of the same name)."""

from __future__ import annotations

__all__ = ("MACROS",)

_BOUNDS = (
    "lk_fail('[INVALID_ARRAY_INDEX] there is no element ' || i::VARCHAR || ' in an array of ' || "
    "len(lk_as_list(a))::VARCHAR || '. Use try_element_at or get to get NULL instead.')"
)
_IS_MAP = "typeof(a) LIKE 'MAP(%'"
_HAS = "(coalesce(list_contains({0}, {1}), FALSE) OR ({1} IS NULL AND len({0}) <> list_count({0})))"

MACROS: dict[str, str] = {
    "lk_size": "(a) AS CAST(cardinality(lk_as_map(a)) AS INTEGER)",
    "lk_array_contains": (
        "(a, x) AS CASE WHEN a IS NULL OR x IS NULL THEN NULL WHEN list_contains(a, x) THEN TRUE "
        "WHEN list_count(a) < len(a) THEN NULL ELSE FALSE END"
    ),
    "lk_array_distinct": (
        f"(a) AS list_filter(a, lambda lk_e, lk_i: NOT {_HAS.format('a[1:lk_i - 1]', 'lk_e')})"
    ),
    "lk_array_except": (
        "(a, b) AS CASE WHEN b IS NOT NULL THEN lk_array_distinct(list_filter(a, lambda lk_e: "
        f"NOT {_HAS.format('b', 'lk_e')})) END"
    ),
    "lk_array_intersect": (
        "(a, b) AS CASE WHEN b IS NOT NULL THEN lk_array_distinct(list_filter(a, lambda lk_e: "
        f"{_HAS.format('b', 'lk_e')})) END"
    ),
    "lk_not_texts": (
        "(name) AS name NOT IN ('VARCHAR[]', '\"NULL\"[]', '\"NULL\"', 'INTEGER[]', 'BIGINT[]')"
    ),
    "lk_array_join": (
        "(a, mark) AS CASE WHEN lk_not_texts(typeof(a)) THEN lk_fail('[DATATYPE_MISMATCH] "
        "array_join() takes an array of STRING; cast its elements.') "
        "WHEN a IS NOT NULL AND mark IS NOT NULL THEN coalesce(array_to_string("
        "list_filter(a, lambda lk_e: lk_e IS NOT NULL), mark), '') END"
    ),
    "lk_array_join_all": (
        "(a, mark, nothing) AS CASE WHEN lk_not_texts(typeof(a)) THEN lk_fail('[DATATYPE_MISMATCH] "
        "array_join() takes an array of STRING; cast its elements.') "
        "WHEN a IS NOT NULL AND mark IS NOT NULL THEN coalesce("
        "array_to_string(list_transform(a, lambda lk_e: coalesce(lk_e, nothing)), mark), '') END"
    ),
    "lk_array_position": (
        "(a, x) AS CAST(CASE WHEN a IS NULL OR x IS NULL THEN NULL "
        "ELSE coalesce(list_position(a, x), 0) END AS BIGINT)"
    ),
    "lk_array_remove": (
        "(a, x) AS CASE WHEN x IS NOT NULL THEN list_filter(a, lambda lk_e: "
        "lk_e IS DISTINCT FROM x) END"
    ),
    "lk_array_repeat": (
        "(x, n) AS CASE WHEN n IS NOT NULL THEN list_transform(range(greatest(n, 0)), "
        "lambda lk_i: x) END"
    ),
    "lk_arrays_overlap": (
        "(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN list_has_any("
        "list_filter(a, lambda lk_e: lk_e IS NOT NULL), list_filter(b, lambda lk_e: "
        "lk_e IS NOT NULL)) THEN TRUE WHEN len(a) > 0 AND len(b) > 0 AND (list_count(a) < len(a) "
        "OR list_count(b) < len(b)) THEN NULL ELSE FALSE END"
    ),
    "lk_flatten": ("(a) AS CASE WHEN list_count(a) = len(a) THEN flatten(a) END"),
    "lk_slice": (
        "(a, start, n) AS CASE WHEN start = 0 THEN lk_fail('[INVALID_PARAMETER_VALUE.START] "
        "slice(): places count from 1 or, from the end, from -1.') WHEN n < 0 THEN "
        "lk_fail('[INVALID_PARAMETER_VALUE.LENGTH] slice(): the length is negative.') "
        "WHEN a IS NULL OR start IS NULL OR n IS NULL THEN NULL "
        "WHEN start > 0 THEN a[start:start + n - 1] WHEN len(a) + start < 0 THEN a[1:0] "
        "ELSE a[len(a) + start + 1:len(a) + start + n] END"
    ),
    "lk_sequence": (
        "(a, b) AS CASE WHEN typeof(a) NOT IN ('INTEGER', 'BIGINT', 'SMALLINT', 'TINYINT', "
        "'\"NULL\"') THEN "
        "lk_fail('[UNSUPPORTED] sequence() takes whole numbers here.') "
        "WHEN a <= b THEN generate_series(a, b) ELSE generate_series(a, b, -1) END"
    ),
    "lk_sequence_by": (
        "(a, b, step) AS CASE WHEN (step > 0 AND a > b) OR (step < 0 AND a < b) "
        "OR (step = 0 AND a <> b) THEN lk_fail('[ILLEGAL_ARGUMENT] sequence(): the step leads away "
        "from the end.') WHEN step = 0 THEN [a] ELSE generate_series(a, b, step) END"
    ),
    "lk_as_map": (
        "(a) AS cast_to_type(cast_to_type(a, lk_null_of(CASE WHEN lk_is_collection(typeof(a)) "
        "THEN typeof(a) ELSE 'VARCHAR' END)), lk_null_of(CASE WHEN lk_is_collection(typeof(a)) "
        "THEN typeof(a) ELSE 'INTEGER[]' END))"
    ),
    "lk_is_collection": "(name) AS name LIKE '%[]' OR name LIKE 'MAP(%'",
    "lk_in_list": (
        "(a, i) AS CASE WHEN i = 0 THEN lk_fail('[INVALID_INDEX_OF_ZERO] element_at(): places "
        f"count from 1.') WHEN abs(i) > len(a) THEN {_BOUNDS.replace('lk_as_list(a)', 'a')} "
        "ELSE a[i] END"
    ),
    # An element counted from 1, or the value of a map's key, NULL where the map lacks it.
    "lk_element_at": (
        "(a, i) AS struct_extract({'list': lk_in_list(lk_as_list(a), lk_place(i)), 'map': "
        f"lk_map_value(a, i)}}, CASE WHEN {_IS_MAP} THEN 'map' ELSE 'list' END)"
    ),
    "lk_try_in_list": (
        "(a, i) AS CASE WHEN i = 0 THEN lk_fail('[INVALID_INDEX_OF_ZERO] try_element_at(): places "
        "count from 1.') ELSE a[i] END"
    ),
    "lk_try_element_at": (
        "(a, i) AS struct_extract({'list': lk_try_in_list(lk_as_list(a), lk_place(i)), 'map': "
        f"lk_map_value(a, i)}}, CASE WHEN {_IS_MAP} THEN 'map' ELSE 'list' END)"
    ),
    "lk_get": "(a, i) AS CASE WHEN i >= 0 THEN a[i + 1] END",
    "lk_list_item": (
        "(a, i) AS CASE WHEN i < 0 OR i >= len(a) "
        f"THEN {_BOUNDS.replace('lk_as_list(a)', 'a')} ELSE a[i + 1] END"
    ),
    # x[i]: an element counted from 0, or the value of a map's key.
    "lk_item": (
        "(a, i) AS struct_extract({'list': CASE WHEN i IS NULL THEN NULL WHEN i < 0 OR i >= len("
        f"lk_as_list(a)) THEN {_BOUNDS} ELSE lk_as_list(a)[i + 1] END, 'map': "
        f"lk_map_value(a, i)}}, CASE WHEN {_IS_MAP} THEN 'map' ELSE 'list' END)"
    ),
    "lk_subscript": (
        "(a, i) AS struct_extract({'list': CASE WHEN lk_place(i) IS NULL THEN NULL WHEN "
        "lk_place(i) < 0 OR lk_place(i) >= len(lk_as_list(a)) THEN lk_fail('[INVALID_ARRAY_INDEX] "
        "there is no such element in the array. Use get to get NULL instead.') "
        "ELSE lk_as_list(a)[lk_place(i) + 1] END, 'map': "
        f"lk_map_value(a, i)}}, CASE WHEN {_IS_MAP} THEN 'map' ELSE 'list' END)"
    ),
    "lk_place": (
        "(i) AS CAST(cast_to_type(i, lk_null_of(CASE WHEN lk_code(typeof(i)) < 0 THEN typeof(i) "
        "ELSE 'VARCHAR' END)) AS BIGINT)"
    ),
    "lk_map_value": (
        f"(a, k) AS cast_to_type(a, lk_null_of(CASE WHEN {_IS_MAP} THEN typeof(a) ELSE "
        "'VARCHAR' END))[k]"
    ),
    "lk_exists": (
        "(flags) AS CASE WHEN flags IS NULL THEN NULL WHEN list_contains(flags, TRUE) THEN TRUE "
        "WHEN list_count(flags) < len(flags) THEN NULL ELSE FALSE END"
    ),
    "lk_for_all": (
        "(flags) AS CASE WHEN flags IS NULL THEN NULL WHEN list_contains(flags, FALSE) THEN FALSE "
        "WHEN list_count(flags) < len(flags) THEN NULL ELSE TRUE END"
    ),
    "lk_or_null": "(a) AS CASE WHEN a IS NULL OR len(a) = 0 THEN [NULL] ELSE a END",
    "lk_collected": "(a) AS list_filter(coalesce(a, []), lambda lk_e: lk_e IS NOT NULL)",
}
