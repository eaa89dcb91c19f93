"""Time travel taken out of the text before any parser sees it.

Databricks writes ``table VERSION AS OF 3``, ``table TIMESTAMP AS OF '…'``, ``table@v3`` and
``table@yyyyMMddHHmmssSSS`` (page "SELECT", "Work with Delta Lake table history"). A general parser
misreads some of these as aliases and would silently read the newest version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from lakelet.engines.dialect.tokens import Token, name_of, text_of
from lakelet.errors import SqlError

__all__ = ("Moment", "Pinned", "pin_tables")

# Words after which `version AS of` is a column with an alias, not a table's version.
_NOT_A_TABLE = frozenset({
    "SELECT", "DISTINCT", "ALL", "BY", "WHERE", "AND", "OR", "ON", "HAVING", "CASE", "WHEN",
    "THEN", "ELSE", "NOT", "IN", "AS", "FROM", "JOIN",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moment:
    """A version or a timestamp; one of the two is set."""

    version: int | None = None
    timestamp: str | None = None

    @property
    def suffix(self) -> str:
        """What is added to a table's name to name the view of this moment."""
        return f"@v{self.version}" if self.version is not None else f"@{self.timestamp}"


@dataclass(frozen=True, slots=True)
class Pinned:
    """A table name found with a moment, and the tokens (first, last) it spans."""

    parts: tuple[str, ...]
    moment: Moment
    first: int
    last: int


def _moment_of_stamp(digits: str) -> Moment:
    try:
        moment = datetime.strptime(digits + "000", "%Y%m%d%H%M%S%f")
    except ValueError as error:
        raise SqlError(
            f"@{digits} is not a moment: {error}.",
            hint="write @yyyyMMddHHmmssSSS, 17 digits, or @v and a version.",
        ) from None
    return Moment(timestamp=moment.strftime("%Y-%m-%d %H:%M:%S.") + digits[-3:])


def _checked_timestamp(text: str) -> Moment:
    try:
        datetime.fromisoformat(text.strip())
    except ValueError:
        raise SqlError(
            f"TIMESTAMP AS OF {text!r} is not a date or timestamp.",
            hint="write it as 'yyyy-MM-dd' or 'yyyy-MM-dd HH:mm:ss', with a zone if needed.",
        ) from None
    return Moment(timestamp=text.strip())


class _Finder:
    """Walks the tokens that are not blanks and finds table names with a moment."""

    def __init__(self, tokens: list[Token], dialect: str) -> None:
        self.tokens = tokens
        self.dialect = dialect
        self.solid = [i for i, token in enumerate(tokens) if token.kind != "space"]

    def at(self, position: int) -> Token | None:
        return self.tokens[self.solid[position]] if 0 <= position < len(self.solid) else None

    def word(self, position: int) -> str:
        token = self.at(position)
        return token.word if token else ""

    def text(self, token: Token) -> str:
        if self.dialect == "databricks":
            return text_of(token)
        return token.text[1:-1].replace("''", "'")

    def find(self) -> list[Pinned]:
        found = []
        for position in range(len(self.solid)):
            token = self.at(position)
            assert token is not None
            if token.text == "@" and token.kind == "operator":
                found.append(self.stamped(position))
            elif token.word in {"VERSION", "SYSTEM_VERSION", "TIMESTAMP", "SYSTEM_TIME"}:
                pinned = self.as_of(position)
                if pinned:
                    found.append(pinned)
        found.extend(self.stamped_paths(found))
        return sorted(found, key=lambda pinned: pinned.first)

    def stamped(self, position: int) -> Pinned:
        suffix = self.at(position + 1)
        text = suffix.text if suffix else ""
        if re.fullmatch(r"[vV]\d+", text):
            moment = Moment(version=int(text[1:]))
        elif re.fullmatch(r"\d{17}", text):
            moment = _moment_of_stamp(text)
        else:
            raise SqlError(
                f"@{text} after a table is neither a version nor a moment.",
                hint="write table@v3 or table@yyyyMMddHHmmssSSS (17 digits).",
            )
        return self.pinned(position - 1, position + 1, moment)

    def stamped_paths(self, known: list[Pinned]) -> list[Pinned]:
        found = []
        taken = {i for pinned in known for i in range(pinned.first, pinned.last + 1)}
        for position, index in enumerate(self.solid):
            token = self.tokens[index]
            before, dot = self.word(position - 2), self.at(position - 1)
            if token.kind != "name" or before != "DELTA" or not dot or dot.text != ".":
                continue
            match = re.fullmatch(r"(.+)@(?:[vV](\d+)|(\d{17}))", name_of(token), re.DOTALL)
            if match and index not in taken:
                path, version, stamp = match.groups()
                moment = Moment(version=int(version)) if version else _moment_of_stamp(stamp)
                found.append(Pinned(("delta", path), moment, self.solid[position - 2], index))
        return found

    def as_of(self, position: int) -> Pinned | None:
        if self.word(position + 1) != "AS" or self.word(position + 2) != "OF":
            return None
        last_of_name = position - 1
        if self.word(last_of_name) == "FOR":
            last_of_name -= 1
        before = self.at(last_of_name)
        if not before or before.kind not in {"word", "name"} or before.word in _NOT_A_TABLE:
            return None
        if self.word(position).endswith("VERSION"):
            moment, last = self.version(position + 3)
        else:
            moment, last = self.timestamp(position + 3)
        return self.pinned(last_of_name, last, moment)

    def version(self, position: int) -> tuple[Moment, int]:
        token = self.at(position)
        text = token.text if token else ""
        if token and token.kind == "string":
            text = self.text(token)
        if not re.fullmatch(r"\d+", text):
            raise SqlError(
                f"VERSION AS OF {text or 'nothing'} is refused: a version is a whole number.",
                hint="write it out, for example VERSION AS OF 3.",
            )
        return Moment(version=int(text)), position

    def timestamp(self, position: int) -> tuple[Moment, int]:
        token = self.at(position)
        if token and token.kind == "string":
            return _checked_timestamp(self.text(token)), position
        following = self.at(position + 1)
        if token and token.word in {"TIMESTAMP", "DATE"} and following:
            if following.kind == "string":
                return _checked_timestamp(self.text(following)), position + 1
            opens, inner, closes = (self.at(position + n) for n in (1, 2, 3))
            in_parentheses = opens and closes and opens.text + closes.text == "()"
            if in_parentheses and inner and inner.kind == "string":
                return _checked_timestamp(self.text(inner)), position + 3
        if token and token.word == "CAST":
            inner, closes = self.at(position + 2), self.at(position + 5)
            known = self.word(position + 4) in {"TIMESTAMP", "DATE", "TIMESTAMP_NTZ"}
            if known and inner and inner.kind == "string" and closes and closes.text == ")":
                return _checked_timestamp(self.text(inner)), position + 5
        raise SqlError(
            f"TIMESTAMP AS OF {token.text if token else ''} … is refused: only a literal is read.",
            hint="write it out, for example TIMESTAMP AS OF '2026-01-31 12:00:00'.",
        )

    def pinned(self, last_of_name: int, last: int, moment: Moment) -> Pinned:
        parts: list[str] = []
        first = last_of_name
        while True:
            token = self.at(first)
            if not token or token.kind not in {"word", "name"}:
                raise SqlError(
                    "a version or moment stands where no table name is before it.",
                    hint="write it right after the table, for example bronze.posts@v3.",
                )
            parts.insert(0, name_of(token))
            dot = self.at(first - 1)
            if not dot or dot.text != ".":
                break
            first -= 2
        by_path = len(parts) == 2 and parts[0].lower() == "delta" and "/" in parts[1]
        names = ("delta", parts[1]) if by_path else tuple(part.lower() for part in parts)
        return Pinned(names, moment, self.solid[first], self.solid[last])


def pin_tables(tokens: list[Token], dialect: str) -> list[Pinned]:
    """The tables named with a version or moment, in the order of the text.

    Raises:
        SqlError: a version or moment that cannot be read; the query must not run on the newest.
    """
    return _Finder(tokens, dialect).find()
