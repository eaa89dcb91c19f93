"""STREAM in a query: what is to be read only as far as it is new.

The query's text is turned into one that any query may be: ``STREAM t`` becomes a table of a schema
of its own, ``STREAM read_files(…)`` a call with one more option. What they deliver is decided when
the query is bound.
"""

from __future__ import annotations

from lakelet.engines.dialect.tokens import Token, name_of, tokenize
from lakelet.errors import SqlError

__all__ = ("STREAM_OPTION", "has_stream", "mark_streams", "streamed")

_SCHEMA = "lakelet_stream"
STREAM_OPTION = "lakelet_stream"
_BEFORE = ("FROM", "JOIN", ",", "(")


def has_stream(text: str) -> bool:
    """Whether a query reads something as a stream."""
    return mark_streams(text) != text


def streamed(parts: tuple[str, ...]) -> tuple[str, ...] | None:
    """The name of the table that a marked name reads as a stream, or None for any other name."""
    schema, _, rest = parts[0].partition(" ")
    if schema != _SCHEMA:
        return None
    return (rest, *parts[1:]) if rest else parts[1:]


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
    if tokens[name].word == "READ_FILES":
        close = _closing(tokens, name + 1)
        at = tokens[close].start
        edits.append((at, at, f", {STREAM_OPTION} => true"))
    else:
        close = name
        while _text(tokens, close + 1) == "." and close + 2 < len(tokens):
            close += 2
        before = [name_of(token) for token in tokens[name:close:2]]
        schema = " ".join([_SCHEMA, *before[-1:]])
        last = tokens[close]
        edits.append((tokens[name].start, last.start, f"`{schema.replace('`', '``')}`."))
    if wrapped:
        opening = tokens[following].start
        edits.append((opening, opening + 1, ""))
        if _text(tokens, close + 1) != ")":
            raise SqlError("STREAM(…) holds one table or one call of read_files.")
        at = tokens[close + 1].start
        edits.append((at, at + 1, ""))
    return edits


def _text(tokens: list[Token], index: int) -> str:
    return tokens[index].text if index < len(tokens) else ""


def _closing(tokens: list[Token], opening: int) -> int:
    depth = 0
    for index in range(opening, len(tokens)):
        depth += (tokens[index].text == "(") - (tokens[index].text == ")")
        if depth == 0:
            return index
    raise SqlError("read_files( is never closed.")
