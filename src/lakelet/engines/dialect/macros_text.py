"""Macros for text and bytes (pages of the functions of the same name)."""

from __future__ import annotations

__all__ = ("MACROS",)

_LIST = "typeof(x) LIKE '%[]'"

MACROS: dict[str, str] = {
    "lk_upper": "(x) AS replace(upper(replace(x, 'ß', 'SS')), 'ẞ', 'SS')",
    "lk_initcap": (
        "(x) AS array_to_string(list_transform(string_split(lower(x), ' '), "
        "lambda w: upper(w[1]) || w[2:]), ' ')"
    ),
    "lk_text": "(x) AS lk_cast_text(x)",
    # Arrays and bytes stay what they are, everything else becomes text.
    "lk_piece": (
        "(x) AS struct_extract({'kept': x, 'text': lk_cast_text(x)}, "
        f"CASE WHEN {_LIST} OR typeof(x) = 'BLOB' THEN 'kept' ELSE 'text' END)"
    ),
    "lk_joined": (
        "(x, separator) AS struct_extract({'list': CASE WHEN len(lk_as_texts(x)) > 0 "
        "THEN array_to_string(lk_as_texts(x), separator) END, 'text': lk_cast_text(x)}, "
        "CASE WHEN typeof(x) = 'VARCHAR[]' THEN 'list' ELSE 'text' END)"
    ),
    "lk_as_texts": (
        "(x) AS list_filter(CAST(cast_to_type(x, lk_null_of(CASE WHEN typeof(x) = 'VARCHAR[]' "
        "THEN 'VARCHAR[]' ELSE 'VARCHAR' END)) AS VARCHAR[]), lambda e: e IS NOT NULL)"
    ),
    "lk_concat": "(a, b) AS lk_piece(a) || lk_piece(b)",
    "lk_bytes": (
        "(x) AS struct_extract({'text': encode(CAST(x AS VARCHAR)), 'bytes': lk_as(x, 'BLOB')}, "
        "CASE WHEN typeof(x) = 'BLOB' THEN 'bytes' ELSE 'text' END)"
    ),
    "lk_start": "(s, p) AS CASE WHEN p > 0 THEN p - 1 WHEN p < 0 THEN length(s) + p ELSE 0 END",
    "lk_substring": (
        "(s, p, n) AS substring(s, greatest(lk_start(s, p), 0)::BIGINT + 1, "
        "greatest(lk_start(s, p)::BIGINT + n - greatest(lk_start(s, p), 0), 0)::BIGINT)"
    ),
    "lk_locate": (
        "(part, s, p) AS CAST(CASE WHEN part IS NULL OR s IS NULL THEN NULL "
        "WHEN p IS NULL OR p < 1 OR p > length(s) + 1 THEN 0 "
        "WHEN strpos(substring(s, p), part) = 0 THEN 0 "
        "ELSE strpos(substring(s, p), part) + p - 1 END AS INTEGER)"
    ),
    "lk_lpad": (
        "(s, n, fill) AS CASE WHEN n <= 0 THEN CASE WHEN s IS NOT NULL AND fill IS NOT NULL "
        "THEN '' END WHEN fill = '' THEN left(s, n) ELSE lpad(s, n, fill) END"
    ),
    "lk_rpad": (
        "(s, n, fill) AS CASE WHEN n <= 0 THEN CASE WHEN s IS NOT NULL AND fill IS NOT NULL "
        "THEN '' END WHEN fill = '' THEN left(s, n) ELSE rpad(s, n, fill) END"
    ),
    "lk_reverse_text": (
        "(s) AS array_to_string(list_transform(range(length(s), 0, -1), "
        "lambda i: substring(s, i, 1)), '')"
    ),
    "lk_reverse": (
        "(x) AS struct_extract({'list': list_reverse(lk_as_list(x)), "
        "'text': lk_reverse_text(CAST(x AS VARCHAR))}, "
        f"CASE WHEN {_LIST} THEN 'list' ELSE 'text' END)"
    ),
    "lk_as_list": (
        "(x) AS cast_to_type(cast_to_type(x, lk_null_of(CASE WHEN typeof(x) LIKE '%[]' "
        "THEN typeof(x) ELSE 'VARCHAR' END)), lk_null_of(CASE WHEN typeof(x) LIKE '%[]' "
        "THEN typeof(x) ELSE 'VARCHAR[]' END))"
    ),
    "lk_replace": (
        "(s, old, new) AS CASE WHEN old = '' AND new IS NOT NULL THEN s "
        "ELSE replace(s, old, new) END"
    ),
    "lk_substring_index": (
        "(s, mark, n) AS CASE WHEN s IS NULL OR mark IS NULL OR n IS NULL THEN NULL "
        "WHEN n = 0 OR mark = '' THEN '' WHEN n > 0 "
        "THEN array_to_string(string_split(s, mark)[1:n], mark) "
        "ELSE array_to_string(string_split(s, mark)[greatest(len(string_split(s, mark)) + n, 0) "
        "+ 1:], mark) END"
    ),
    "lk_split_part": (
        "(s, mark, n) AS CASE WHEN s IS NULL OR mark IS NULL OR n IS NULL THEN NULL "
        "WHEN n = 0 THEN lk_fail('[INVALID_INDEX_OF_ZERO] split_part(): places count from 1.') "
        "WHEN mark = '' THEN CASE WHEN abs(n) = 1 THEN s ELSE '' END "
        "ELSE coalesce(string_split(s, mark)[n], '') END"
    ),
    "lk_chr": (
        "(n) AS CASE WHEN n < 0 THEN '' WHEN n % 256 = 0 THEN lk_fail('[UNSUPPORTED] chr(0): text "
        "here cannot hold a NUL character.') ELSE chr((n % 256)::INTEGER) END"
    ),
    "lk_hex": (
        "(x) AS struct_extract({'text': hex(lk_bytes(x)), "
        "'whole': hex(CAST(lk_try_whole(x) AS BIGINT))}, "
        "CASE WHEN lk_code(typeof(x)) < 0 THEN 'whole' ELSE 'text' END)"
    ),
    "lk_unhex": (
        "(x) AS CASE WHEN regexp_full_match(x, '[0-9A-Fa-f]*') THEN unhex(CASE WHEN "
        "length(x) % 2 = 1 THEN '0' || x ELSE x END) END"
    ),
    "lk_find_in_set": (
        "(part, list) AS CASE WHEN contains(part, ',') THEN 0 ELSE "
        "CAST(coalesce(list_position(string_split(list, ','), part), CASE WHEN part IS NOT NULL "
        "AND list IS NOT NULL THEN 0 END) AS INTEGER) END"
    ),
    "lk_like_pattern": (
        "(p, mark) AS CASE WHEN regexp_matches(replace(p, mark || mark, ''), "
        "regexp_escape(mark) || '([^%_]|$)') THEN lk_fail('[INVALID_FORMAT.ESC_IN_THE_MIDDLE] the "
        "pattern ' || p || ' has its escape character before something other than %, _ or "
        "itself.') ELSE p END"
    ),
    "lk_json_array_length": (
        "(s) AS CASE WHEN json_valid(s) THEN CASE WHEN json_type(s) = 'ARRAY' "
        "THEN CAST(json_array_length(s) AS INTEGER) END END"
    ),
    "lk_json_text": "(s, path) AS CASE WHEN json_valid(s) THEN json_extract_string(s, path) END",
}
