"""A cursor over the tokens of a statement: words are taken, whole expressions are cut out."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal

from lakelet.engines.dialect.tokens import Token, name_of, text_of, tokenize
from lakelet.engines.dialect.translation import without_catalog
from lakelet.errors import SqlError
from lakelet.lake import TableName

__all__ = ("Cursor",)

_OPENING, _CLOSING = "([{", ")]}"


class Cursor:
    """Reads one statement from left to right.

    Attributes:
        text: the statement.
        dialect: whose strings and quoted names it has.
    """

    def __init__(self, text: str, dialect: Literal["databricks", "duckdb"]) -> None:
        self.text = text
        self.dialect = dialect
        self._solid = [token for token in tokenize(text, dialect) if token.kind != "space"]
        while self._solid and self._solid[-1].text == ";":
            self._solid.pop()
        self._at = 0

    def peek(self, ahead: int = 0) -> Token | None:
        """The token some places ahead, or None at the end."""
        at = self._at + ahead
        return self._solid[at] if at < len(self._solid) else None

    @property
    def word(self) -> str:
        """The next token in upper case if it is a bare word, else ''."""
        token = self.peek()
        return token.word if token else ""

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        return self._at >= len(self._solid)

    def solid(self) -> Iterator[Token]:
        """All tokens of the statement that are not blanks or comments."""
        return iter(self._solid)

    def wrong(self, expected: str) -> SqlError:
        """The error for a place where something else was expected."""
        token = self.peek()
        found = "the statement ends" if token is None else f"it says {token.text!r}"
        before = self._solid[max(0, self._at - 4) : self._at]
        end = before[-1].start + len(before[-1].text) if before else 0
        said = " ".join(self.text[before[0].start : end].split()) if before else ""
        where = f" after {said!r}" if said else ""
        return SqlError(f"{expected} is expected{where}, but {found}; nothing was run.")

    def accept(self, *words: str) -> bool:
        """Take words that follow one another, all or none; marks such as ``(`` count as words."""
        for ahead, word in enumerate(words):
            token = self.peek(ahead)
            if token is None or (token.word or token.text) != word or token.kind == "name":
                return False
        self._at += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Take words that must follow.

        Raises:
            SqlError: something else follows.
        """
        if not self.accept(*words):
            raise self.wrong(" ".join(words))

    def take(self) -> None:
        """Go past the next token, whatever it is."""
        self._at += 1

    def end(self) -> None:
        """Make sure that nothing follows."""
        if not self.ended:
            raise self.wrong("the end of the statement")

    def name(self, what: str = "a name") -> str:
        """An identifier, its case kept."""
        token = self.peek()
        if token is None or token.kind not in ("word", "name"):
            raise self.wrong(what)
        self._at += 1
        return name_of(token)

    def names(self, what: str = "a name") -> tuple[str, ...]:
        """Identifiers separated by points."""
        found = [self.name(what)]
        while self.accept("."):
            found.append(self.name(what))
        return tuple(found)

    def table(self) -> TableName:
        """The name of a table of the lake.

        Raises:
            SqlError: not ``schema.table``.
            InvalidNameError: a part that cannot be a folder's name.
        """
        parts = self.names("the name of a table")
        parts = without_catalog(parts)
        if parts[0].lower() == "delta" and len(parts) == 2 and "/" in parts[1]:
            raise SqlError(
                f"delta.`{parts[1]}` is refused here: a table named by its path is only read.",
                hint=f"`lakelet attach {parts[1]} --name schema.table` gives it a name.",
            )
        if len(parts) != 2:
            raise SqlError(
                f"{'.'.join(parts)} is not the full name of a table; nothing was run.",
                hint=f"write schema.table, such as bronze.{parts[-1]}.",
            )
        return TableName.of(*parts)

    def string(self, what: str = "a string") -> str:
        """The value of a string literal."""
        token = self.peek()
        if token is None or token.kind != "string":
            raise self.wrong(what)
        self._at += 1
        if self.dialect == "databricks":
            return text_of(token)
        return token.text[1:-1].replace("''", "'")

    def number(self, what: str = "a whole number") -> int:
        """The value of a whole number."""
        token = self.peek()
        if token is None or token.kind != "number" or not token.text.isdecimal():
            raise self.wrong(what)
        self._at += 1
        return int(token.text)

    def parenthesised(self) -> str:
        """The text between a parenthesis and the one that closes it."""
        self.expect("(")
        return self._cut(")", (), closing=True)

    def until(self, *stops: str) -> str:
        """The text up to one of some words (or a comma) outside of parentheses, or to the end."""
        return self._cut("", stops)

    def rest(self) -> str:
        """The text from here to the end."""
        return self.until()

    def _cut(self, close: str, stops: Collection[str], *, closing: bool = False) -> str:
        depth, cases, first = 0, 0, self._at
        while (token := self.peek()) is not None:
            mark = token.text if token.kind == "operator" else ""
            if depth == 0 and closing and mark == close:
                break
            if depth == 0 and cases == 0 and not closing and (token.word or mark) in stops:
                break
            # WHEN and THEN inside CASE … END are not the statement's own.
            cases += (
                {"CASE": 1, "END": -1}.get(token.word, 0) if cases or token.word != "END" else 0
            )
            depth += (mark in _OPENING) - (mark in _CLOSING) if mark else 0
            if depth < 0:
                break
            self._at += 1
        text = self._between(first, self._at)
        if closing:
            self.expect(close)
        return text

    def _between(self, first: int, last: int) -> str:
        if first >= last:
            return ""
        end = self._solid[last - 1]
        return self.text[self._solid[first].start : end.start + len(end.text)]
