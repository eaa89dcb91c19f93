"""Functions that take a regular expression or a JSON path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lakelet.engines.dialect.functions.special import literal_text, literal_whole
from lakelet.engines.dialect.literals import string_literal
from lakelet.engines.dialect.patterns import pattern_for_search, pattern_text, translated_pattern
from lakelet.engines.dialect.renderer import refuse
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = ("count", "extract", "extract_all", "json_path", "matches", "replace", "split", "substr")


def matches(r: Renderer, node: exp.Expr) -> str:
    """Whether the pattern is found."""
    text, pattern = node.expressions
    return f"regexp_matches({r.sql(text)}, {pattern_for_search(r, pattern)})"


def _pattern(r: Renderer, node: exp.Expr, *, never_empty: bool = False) -> tuple[str, int]:
    """The pattern for RE2 and its number of groups."""
    java = pattern_text(r, node)
    text = translated_pattern(java)
    try:
        python = re.compile(
            re.sub(r"\\x\{([0-9A-Fa-f]+)\}", _python_code, text).replace(r"\z", r"\Z")
        )
    except re.error as error:
        raise SqlError(
            f"[INVALID_PARAMETER_VALUE.PATTERN] the regular expression {text!r} cannot be read: "
            f"{error}.",
            hint="a character with a meaning of its own takes a backslash: '\\\\('.",
        ) from None
    if never_empty and any(not found.group() for s in ("", "a 1-") for found in python.finditer(s)):
        raise SqlError(
            f"the regular expression {java!r} can match nothing at all, which is refused here.",
            hint="make it match at least one character, for example with + in place of *.",
        )
    return text, python.groups


def _python_code(found: re.Match[str]) -> str:
    return re.escape(chr(int(found.group(1), 16)))


def _group(node: exp.Expr, groups: int) -> int:
    default = 1
    index = (
        literal_whole(node.expressions[2], "the group") if len(node.expressions) > 2 else default
    )
    if not 0 <= index <= groups:
        raise SqlError(
            f"[INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX] the regular expression has {groups} "
            f"groups, and group {index} was asked for.",
            hint="use 0 for the whole match.",
        )
    return index


def extract(r: Renderer, node: exp.Expr) -> str:
    """One group of the first match; empty text if there is none."""
    pattern, groups = _pattern(r, node.expressions[1])
    group = _group(node, groups)
    return f"regexp_extract({r.sql(node.expressions[0])}, {string_literal(pattern)}, {group})"


def extract_all(r: Renderer, node: exp.Expr) -> str:
    """One group of every match."""
    pattern, groups = _pattern(r, node.expressions[1], never_empty=True)
    group = _group(node, groups)
    return f"regexp_extract_all({r.sql(node.expressions[0])}, {string_literal(pattern)}, {group})"


def substr(r: Renderer, node: exp.Expr) -> str:
    """The first match, NULL if there is none."""
    pattern, _ = _pattern(r, node.expressions[1], never_empty=True)
    text = r.sql(node.expressions[0])
    return f"nullif(regexp_extract({text}, {string_literal(pattern)}, 0), '')"


def count(r: Renderer, node: exp.Expr) -> str:
    """How often the pattern matches."""
    pattern, _ = _pattern(r, node.expressions[1], never_empty=True)
    text = r.sql(node.expressions[0])
    return f"CAST(len(regexp_extract_all({text}, {string_literal(pattern)}, 0)) AS INTEGER)"


def replace(r: Renderer, node: exp.Expr) -> str:
    """Every match replaced; ``$1`` in the replacement is a group."""
    text, pattern_node, replacement_node = node.expressions
    pattern, groups = _pattern(r, pattern_node, never_empty=True)
    replacement = literal_text(r, replacement_node, "the replacement")
    pieces = []
    for escaped, group, plain in re.findall(r"\\(.)|\$(\d)|(.)", replacement, re.DOTALL):
        if group:
            if int(group) > groups:
                raise SqlError(f"the replacement names group {group} of {groups}.")
            pieces.append(f"\\{group}")
        elif plain == "$":
            raise SqlError("a lone $ in a replacement is refused.", hint="write \\$ for a dollar.")
        else:
            character = escaped or plain
            pieces.append("\\\\" if character == "\\" else character)
    wanted = string_literal("".join(pieces))
    return f"regexp_replace({r.sql(text)}, {string_literal(pattern)}, {wanted}, 'g')"


def split(r: Renderer, node: exp.Expr) -> str:
    """Parts between matches; a positive limit leaves the rest whole in the last part."""
    text, pattern_node = node.expressions[:2]
    limit = literal_whole(node.expressions[2], "the limit") if len(node.expressions) > 2 else -1
    if limit > 0:
        raise refuse("split with a limit", hint="split without it, and slice the array.")
    pattern, _ = _pattern(r, pattern_node, never_empty=True)
    return f"string_split_regex({r.sql(text)}, {string_literal(pattern)})"


def json_path(r: Renderer, node: exp.Expr) -> str:
    """``get_json_object``: a path of names and places."""
    text, path_node = node.expressions
    path = literal_text(r, path_node, "the JSON path")
    if not re.fullmatch(r"\$(\.[\w -]+|\['[^'\]]+'\]|\[\d+\])*", path):
        raise refuse(f"the JSON path {path!r}", hint="use names and places: $.a.b[0].")
    parts = re.findall(r"\.([\w -]+)|\['([^'\]]+)'\]|\[(\d+)\]", path)
    pieces = [f"[{index}]" if index else f'."{name or quoted}"' for name, quoted, index in parts]
    return f"lk_json_text({r.sql(text)}, {string_literal('$' + ''.join(pieces))})"
