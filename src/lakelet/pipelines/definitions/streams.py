"""STREAM in a query: what is to be read only as far as it is new.

The query's text is turned into one that any query may be: ``STREAM t`` becomes a table of a schema
of its own, ``STREAM read_files(…)`` a call with one more option. What they deliver is decided when
the query is bound.

``STREAM t WITH (SKIPCHANGECOMMITS)`` passes over commits that change rows, and ``WITH
(readChangeFeed)`` delivers the changes themselves (Databricks, "Use Delta Lake change data feed").
"""

from __future__ import annotations

from typing import Literal

from lakelet.engines.dialect.tokens import Token, name_of, text_of, tokenize
from lakelet.engines.dialect.translation import STREAM_OPTION
from lakelet.errors import SqlError

__all__ = (
    "STREAM_OPTION", "STREAM_OPTIONS", "Delivery", "delivery", "has_stream", "mark_streams",
    "streamed",
)  # fmt: skip

Delivery = Literal["new", "skip", "feed"]
"""What a stream delivers: rows added, and it stops where others changed; rows added, whatever
happens to others; or the change feed."""

_SCHEMAS: dict[str, Delivery] = {
    "lakelet_stream": "new",
    "lakelet_stream_skip": "skip",
    "lakelet_stream_feed": "feed",
}
STREAM_OPTIONS: dict[str, Delivery] = {"SKIPCHANGECOMMITS": "skip", "READCHANGEFEED": "feed"}
_BEFORE = ("FROM", "JOIN", ",", "(")


def has_stream(text: str) -> bool:
    """Whether a query reads something as a stream."""
    return mark_streams(text) != text


def streamed(parts: tuple[str, ...]) -> tuple[str, ...] | None:
    """The name of the table that a marked name reads as a stream, or None for any other name."""
    schema, _, rest = parts[0].partition(" ")
    if schema not in _SCHEMAS:
        return None
    return (rest, *parts[1:]) if rest else parts[1:]


def delivery(parts: tuple[str, ...]) -> Delivery:
    """What the stream of a marked name delivers."""
    return _SCHEMAS[parts[0].partition(" ")[0]]


def mark_streams(text: str) -> str:
    """The query with every STREAM marked.

    Raises:
        SqlError: STREAM with nothing to read behind it.
    """
    tokens = [token for token in tokenize(text, "databricks") if token.kind != "space"]
    edits: list[tuple[int, int, str]] = []
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else None
        if token.word != "STREAM" or before is None:
            continue
        if (before.word or before.text) not in _BEFORE:
            continue
        edits += _edits(tokens, index, text)
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _edits(tokens: list[Token], index: int, text: str) -> list[tuple[int, int, str]]:
    stream = tokens[index]
    following = index + 1
    wrapped = _text(tokens, following) == "("
    name = following + 1 if wrapped else following
    if name >= len(tokens) or tokens[name].kind not in ("word", "name"):
        if wrapped or name >= len(tokens):
            raise SqlError("STREAM is followed by a table or by read_files(…).")
        return []
    ends = stream.start + len(stream.text)
    edits = [(stream.start, ends, "")]
    of_files = tokens[name].word == "READ_FILES"
    close = _closing(tokens, name + 1) if of_files else _last(tokens, name)
    after = close + 1
    if wrapped:
        opening = tokens[following].start
        edits.append((opening, opening + 1, ""))
        if _text(tokens, after) != ")":
            raise SqlError("STREAM(…) holds one table or one call of read_files.")
        at = tokens[after].start
        edits.append((at, at + 1, ""))
        after += 1
    if of_files:
        at = tokens[close].start
        return [*edits, (at, at, f", {STREAM_OPTION} => true")]
    delivered, removed = _options(tokens, after)
    before = [name_of(token) for token in tokens[name:close:2]]
    schema = " ".join([_schema(delivered), *before[-1:]])
    last = tokens[close]
    return [*edits, *removed, (tokens[name].start, last.start, f"`{schema.replace('`', '``')}`.")]


def _last(tokens: list[Token], name: int) -> int:
    """The last part of a name that begins at a token."""
    while _text(tokens, name + 1) == "." and name + 2 < len(tokens):
        name += 2
    return name


def _schema(delivered: Delivery) -> str:
    return next(schema for schema, one in _SCHEMAS.items() if one == delivered)


def _options(tokens: list[Token], at: int) -> tuple[Delivery, list[tuple[int, int, str]]]:
    """What WITH (…) behind a streamed table says, and the edit that takes it out."""
    if at >= len(tokens) or tokens[at].word != "WITH" or _text(tokens, at + 1) != "(":
        return "new", []
    close = _closing(tokens, at + 1)
    inner = tokens[at + 2 : close]
    word = "" if not inner else text_of(inner[0]) if inner[0].kind == "string" else inner[0].text
    value = "".join(token.text for token in inner[1:]).lower().strip("=>' ")
    found = STREAM_OPTIONS.get(word.upper())
    if found is None or value not in ("", "true"):
        raise SqlError(
            f"STREAM … WITH ({' '.join(token.text for token in inner)}) is not known.",
            hint="WITH (SKIPCHANGECOMMITS) passes over commits that change rows, and "
            "WITH (readChangeFeed) delivers the changes.",
        )
    return found, [(tokens[at].start, tokens[close].start + 1, "")]


def _text(tokens: list[Token], index: int) -> str:
    return tokens[index].text if index < len(tokens) else ""


def _closing(tokens: list[Token], opening: int) -> int:
    depth = 0
    for index in range(opening, len(tokens)):
        depth += (tokens[index].text == "(") - (tokens[index].text == ")")
        if depth == 0:
            return index
    raise SqlError(f"{_text(tokens, opening - 1)}( is never closed.")
