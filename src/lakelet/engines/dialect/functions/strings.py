"""Functions over text and bytes (pages "Built-in functions", string section)."""

from __future__ import annotations

from lakelet.engines.dialect.functions import patterned, special
from lakelet.engines.dialect.functions.entry import Function

__all__ = ("STRINGS", "TEXTS")

_LENGTH = Function("CAST(length({0}) AS INTEGER)", 1, 1, "the number of characters", "number")
_FIND = {2: "CAST(strpos({1}, {0}) AS INTEGER)", 3: "lk_locate({0}, {1}, {2})"}
_LOCATE = Function(_FIND, 2, 3, "the place of the first text in the second, 0 if absent", "number")
_SUBSTRING = Function(
    {2: "lk_substring({0}, {1}, 2147483647)", 3: "lk_substring({0}, {1}, {2})"},
    2, 3, "the part from a place on; 0 counts as 1, negative places from the end", "string",
)  # fmt: skip
_MATCHES = Function(patterned.matches, 2, 2, "whether a regular expression is found", "boolean")
_SHA1 = Function("sha1(lk_bytes({0}))", 1, 1, "the SHA-1 digest in hexadecimal", "string")

_FIRST, _BOTH = frozenset({0}), frozenset({0, 1})
TEXTS: dict[str, frozenset[int]] = {
    **dict.fromkeys(("upper", "ucase", "lower", "lcase", "initcap"), _FIRST),
    **dict.fromkeys(("length", "len", "char_length", "character_length"), _FIRST),
    **dict.fromkeys(("octet_length", "bit_length", "substring", "substr", "mid"), _FIRST),
    **dict.fromkeys(("left", "right", "lpad", "rpad", "repeat", "trim", "btrim"), _FIRST),
    **dict.fromkeys(("substring_index", "split_part"), _FIRST),
    **dict.fromkeys(("ltrim", "rtrim", "instr", "locate", "position", "charindex"), _BOTH),
    **dict.fromkeys(("startswith", "endswith", "contains"), _BOTH),
    **dict.fromkeys(("replace", "translate"), frozenset({0, 1, 2})),
}
"""Which arguments of which functions become text where they are something else."""

STRINGS: dict[str, Function] = {
    "upper": Function("lk_upper({0})", 1, 1, "text in upper case", "string"),
    "ucase": Function("lk_upper({0})", 1, 1, "text in upper case", "string"),
    "lower": Function("lower({0})", 1, 1, "text in lower case", "string"),
    "lcase": Function("lower({0})", 1, 1, "text in lower case", "string"),
    "initcap": Function("lk_initcap({0})", 1, 1, "each word with a capital", "string"),
    "length": _LENGTH,
    "len": _LENGTH,
    "char_length": _LENGTH,
    "character_length": _LENGTH,
    "octet_length": Function("CAST(strlen({0}) AS INTEGER)", 1, 1, "bytes in UTF-8", "number"),
    "bit_length": Function("CAST(strlen({0}) * 8 AS INTEGER)", 1, 1, "bits in UTF-8", "number"),
    "concat": Function(special.concat, 1, None, "texts, or arrays, joined; NULL if one is NULL"),
    "concat_ws": Function(
        special.concat_ws, 1, None, "texts joined by the first, NULLs left out", "string"
    ),
    "substring": _SUBSTRING,
    "substr": _SUBSTRING,
    "mid": _SUBSTRING,
    "left": Function("left({0}, greatest({1}, 0))", 2, 2, "the first characters", "string"),
    "right": Function("right({0}, greatest({1}, 0))", 2, 2, "the last characters", "string"),
    "instr": Function(
        "CAST(strpos({0}, {1}) AS INTEGER)", 2, 2, "the place of the second in the first", "number"
    ),
    "locate": _LOCATE,
    "position": _LOCATE,
    "charindex": _LOCATE,
    "lpad": Function(
        {2: "lk_lpad({0}, {1}, ' ')", 3: "lk_lpad({0}, {1}, {2})"},
        2,
        3,
        "text filled on the left, or cut, to a length",
        "string",
    ),
    "rpad": Function(
        {2: "lk_rpad({0}, {1}, ' ')", 3: "lk_rpad({0}, {1}, {2})"},
        2,
        3,
        "text filled on the right, or cut, to a length",
        "string",
    ),
    "trim": Function("trim({0}, ' ')", 1, 1, "text without blanks at both ends", "string"),
    "btrim": Function(
        {1: "trim({0}, ' ')", 2: "trim({0}, {1})"},
        1,
        2,
        "text without the given characters at both ends",
        "string",
    ),
    "ltrim": Function(
        {1: "ltrim({0}, ' ')", 2: "ltrim({1}, {0})"},
        1,
        2,
        "text without blanks (or the first argument's characters) in front",
        "string",
    ),
    "rtrim": Function(
        {1: "rtrim({0}, ' ')", 2: "rtrim({1}, {0})"},
        1,
        2,
        "text without blanks (or the first argument's characters) at the end",
        "string",
    ),
    "repeat": Function(
        "repeat({0}, greatest(CAST({1} AS BIGINT), 0))", 2, 2, "text several times", "string"
    ),
    "space": Function(
        "repeat(' ', greatest(CAST({0} AS BIGINT), 0))", 1, 1, "a number of blanks", "string"
    ),
    "reverse": Function(special.reverse, 1, 1, "text or array backwards"),
    "replace": Function(
        {2: "lk_replace({0}, {1}, '')", 3: "lk_replace({0}, {1}, {2})"},
        2,
        3,
        "every occurrence of a text replaced",
        "string",
    ),
    "translate": Function(
        "translate({0}, {1}, {2})", 3, 3, "characters replaced one by one", "string"
    ),
    "substring_index": Function(
        "lk_substring_index({0}, {1}, {2})", 3, 3, "what stands before the n-th delimiter", "string"
    ),
    "split_part": Function(
        "lk_split_part({0}, {1}, {2})", 3, 3, "the n-th part between delimiters", "string"
    ),
    "split": Function(patterned.split, 2, 3, "parts between matches of a regular expression"),
    "startswith": Function("starts_with({0}, {1})", 2, 2, "whether it starts so", "boolean"),
    "endswith": Function("ends_with({0}, {1})", 2, 2, "whether it ends so", "boolean"),
    "contains": Function(
        "contains(CAST({0} AS VARCHAR), {1})", 2, 2, "whether it holds the second", "boolean"
    ),
    "rlike": _MATCHES,
    "regexp": _MATCHES,
    "regexp_like": _MATCHES,
    "regexp_extract": Function(
        patterned.extract, 2, 3, "a group (by default the first) of the first match", "string"
    ),
    "regexp_extract_all": Function(patterned.extract_all, 2, 3, "a group of every match"),
    "regexp_replace": Function(patterned.replace, 3, 3, "every match replaced", "string"),
    "regexp_substr": Function(patterned.substr, 2, 2, "the first match, or NULL", "string"),
    "regexp_count": Function(patterned.count, 2, 2, "the number of matches", "number"),
    "ascii": Function("CAST(ascii({0}) AS INTEGER)", 1, 1, "the first code point", "number"),
    "chr": Function("lk_chr({0})", 1, 1, "the character of a code from 0 to 255", "string"),
    "char": Function("lk_chr({0})", 1, 1, "the character of a code from 0 to 255", "string"),
    "base64": Function("to_base64(lk_bytes({0}))", 1, 1, "bytes in base 64", "string"),
    "unbase64": Function("from_base64({0})", 1, 1, "bytes from base 64"),
    "hex": Function("lk_hex({0})", 1, 1, "a whole number, text or bytes in base 16", "string"),
    "unhex": Function("lk_unhex({0})", 1, 1, "bytes from base 16, NULL if it is not"),
    "md5": Function("md5(lk_bytes({0}))", 1, 1, "the MD5 digest in hexadecimal", "string"),
    "sha": _SHA1,
    "sha1": _SHA1,
    "sha2": Function(special.sha2, 2, 2, "the SHA-256 digest in hexadecimal", "string"),
    "encode": Function(special.encode, 2, 2, "text as bytes in UTF-8"),
    "decode": Function(special.decode, 2, None, "bytes as text, or the value beside a match"),
    "levenshtein": Function(
        "CAST(levenshtein({0}, {1}) AS INTEGER)", 2, 2, "edits between two ASCII texts", "number"
    ),
    "elt": Function(special.elt, 2, None, "the n-th of the texts after the first argument"),
    "find_in_set": Function(
        "lk_find_in_set({0}, {1})", 2, 2, "the place in a list with commas", "number"
    ),
    "uuid": Function("CAST(uuid() AS VARCHAR)", 0, 0, "a random UUID", "string"),
    "get_json_object": Function(
        patterned.json_path, 2, 2, "a value of JSON text as text", "string"
    ),
    "json_array_length": Function(
        "lk_json_array_length({0})", 1, 1, "the length of a JSON array, else NULL", "number"
    ),
}
