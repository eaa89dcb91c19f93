"""A file of SQL cut into its statements, each with the line it begins on."""

from __future__ import annotations

from collections.abc import Iterator

from lakelet.engines.dialect.tokens import Token, tokenize

__all__ = ("same_text", "split_statements")


def split_statements(text: str) -> Iterator[tuple[str, int]]:
    """The statements of a text, between semicolons, with the line each begins on.

    Raises:
        SqlError: a string, name or comment that never ends.
    """
    begun: Token | None = None
    end = 0
    for token in tokenize(text, "databricks"):
        if token.text == ";" and token.kind == "operator":
            if begun is not None:
                yield text[begun.start : end], text.count("\n", 0, begun.start) + 1
            begun = None
        elif token.kind != "space":
            begun = begun or token
            end = token.start + len(token.text)
    if begun is not None:
        yield text[begun.start : end], text.count("\n", 0, begun.start) + 1


def same_text(text: str) -> str:
    """A text in which only what matters is left: no comments, one blank, words in lower case.

    Two queries that differ in layout alone give the same.
    """
    solid = (token for token in tokenize(text, "databricks") if token.kind != "space")
    return " ".join(t.text.lower() if t.kind == "word" else t.text for t in solid)
