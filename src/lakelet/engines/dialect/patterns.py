"""Java regular expressions written for DuckDB's RE2, where both mean the same.

Databricks matches with Java's engine (page "rlike operator"). A pattern must be a literal, so that
it can be read; what RE2 lacks (lookaround, back-references) or reads otherwise is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lakelet.engines.dialect.kinds import without_parentheses
from lakelet.engines.dialect.literals import string_literal
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = ("pattern_for_search", "pattern_text", "translated_pattern")

_LINE_ENDS = r"\n\r\x{85}\x{2028}\x{2029}"
_BLANKS = r" \t\n\x0B\f\r"  # Java's \s; RE2's leaves the vertical tab out
_SAME_ESCAPES = frozenset("dDwWbBAzntrfae\\.*+?()[]{}|^$/-\"' ,:;=<>!@#%&~_`")


def _refused(pattern: str, what: str) -> SqlError:
    return SqlError(
        f"the regular expression {pattern!r} is refused: {what} is not read here as Java reads it.",
        hint="write it with plain groups, classes and repetitions.",
    )


class _Reader:
    """Copies a Java pattern, replacing what RE2 spells otherwise."""

    def __init__(self, pattern: str, *, searching: bool) -> None:
        self.pattern = pattern
        self.searching = searching
        self.at = 0
        self.out: list[str] = []

    def read(self) -> str:
        while self.at < len(self.pattern):
            character = self.pattern[self.at]
            if character == "\\":
                self.escape(in_class=False)
            elif character == "[":
                self.character_class()
            elif character == "(":
                self.group()
            elif character in "*+?}":
                self.repetition(character)
            elif character == ".":
                self.put(f"[^{_LINE_ENDS}]", 1)
            elif character == "$":
                self.end()
            else:
                self.put(character, 1)
        return "".join(self.out)

    def put(self, text: str, consumed: int) -> None:
        self.out.append(text)
        self.at += consumed

    def end(self) -> None:
        # Java's $ also stands before a line end that closes the text.
        if not self.searching:
            raise _refused(self.pattern, "$ (use \\z)")
        self.put(r"(?:\r\n|[" + _LINE_ENDS + r"])?\z", 1)

    def repetition(self, character: str) -> None:
        if self.pattern[self.at + 1 : self.at + 2] == "+":
            raise _refused(self.pattern, "a possessive repetition")
        self.put(character, 1)

    def group(self) -> None:
        opened = re.match(r"\(\?(.)", self.pattern[self.at :], re.DOTALL)
        if opened and not self.pattern.startswith(("(?:", "(?i)"), self.at):
            raise _refused(self.pattern, f"(?{opened.group(1)}")
        width = 4 if self.pattern.startswith("(?i)", self.at) else 3 if opened else 1
        self.put(self.pattern[self.at : self.at + width], width)

    def escape(self, *, in_class: bool) -> None:
        character = self.pattern[self.at + 1 : self.at + 2]
        if character == "s":
            return self.put(_BLANKS if in_class else f"[{_BLANKS}]", 2)
        if character == "S" and not in_class:
            return self.put(f"[^{_BLANKS}]", 2)
        category = re.match(
            r"\\[pP](?:\{L[ultmo]?\}|\{N[dlo]?\}|\{P\}|L|N|P)", self.pattern[self.at :]
        )
        if category:
            return self.put(category.group(), len(category.group()))
        code = re.match(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))", self.pattern[self.at :])
        if code:
            return self.put(rf"\x{{{code.group(1) or code.group(2)}}}", len(code.group()))
        if not character or character not in _SAME_ESCAPES or (in_class and character in "bBAz"):
            raise _refused(self.pattern, f"\\{character}")
        if character == "e":
            return self.put(r"\x1B", 2)
        return self.put("\\" + character, 2)

    def character_class(self) -> None:
        self.put("[", 1)
        if self.pattern.startswith("^", self.at):
            self.put("^", 1)
        if self.pattern.startswith("]", self.at):
            raise _refused(self.pattern, "] first in a class (write \\])")
        while not self.pattern.startswith("]", self.at):
            character = self.pattern[self.at : self.at + 1]
            if not character:
                raise _refused(self.pattern, "a class without an end")
            if character == "[" or self.pattern.startswith("&&", self.at):
                raise _refused(self.pattern, "a class within a class")
            if character == "\\":
                self.escape(in_class=True)
            else:
                self.put(character, 1)
        self.put("]", 1)


def translated_pattern(pattern: str, *, searching: bool = False) -> str:
    """A Java pattern for RE2; ``searching`` if only whether it matches is asked.

    Raises:
        SqlError: the pattern holds something the two engines do not share.
    """
    return _Reader(pattern, searching=searching).read()


def pattern_text(r: Renderer, node: exp.Expr) -> str:
    """The text of a pattern argument.

    Raises:
        SqlError: it is not a literal.
    """
    literal = without_parentheses(node)
    if type(literal).__name__ != "Literal" or not literal.args.get("is_string"):
        raise SqlError(
            "a regular expression that is not a literal is refused.",
            hint="write the pattern out as text, so that it can be checked.",
        )
    return r.prepared.string(literal.name)


def pattern_for_search(r: Renderer, node: exp.Expr) -> str:
    """A pattern argument as SQL, for asking whether it matches."""
    return string_literal(translated_pattern(pattern_text(r, node), searching=True))
