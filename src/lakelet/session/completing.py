"""What may stand where a person writes SQL: tables, their columns, functions, words.

Tables and columns are those that search keeps in the metadata store; no table is opened.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from lakelet.workspace.store import open_store

if TYPE_CHECKING:
    from lakelet.session.workspace import Workspace

__all__ = ("Word", "complete")

_MOST = 60
_NAME = r"(?:`[^`]*`|[A-Za-z_][\w]*)"
_BEGUN = re.compile(rf"((?:{_NAME}\.)*)(`[^`]*|[A-Za-z_][\w]*)?$")
_PAIR = re.compile(rf"({_NAME})\.({_NAME})(?:\s+(?:as\s+)?({_NAME}))?", re.IGNORECASE)
_WORDS = (
    "SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "HAVING", "LIMIT", "JOIN", "LEFT JOIN", "ON",
    "USING", "WITH", "AS", "AND", "OR", "NOT", "IN", "IS NULL", "IS NOT NULL", "BETWEEN", "LIKE",
    "CASE", "WHEN", "THEN", "ELSE", "END", "DISTINCT", "UNION ALL", "QUALIFY", "OVER",
    "PARTITION BY", "VERSION AS OF", "TIMESTAMP AS OF", "CREATE TABLE", "INSERT INTO", "UPDATE",
    "DELETE FROM", "MERGE INTO", "DESCRIBE", "DESCRIBE HISTORY", "SHOW TABLES", "RESTORE TABLE",
    "OPTIMIZE", "ALTER TABLE", "DROP TABLE", "COPY INTO", "DESC", "ASC", "NULLS LAST",
)  # fmt: skip
_NOT_ALIASES = frozenset(word.lower() for words in _WORDS for word in words.split()) | {"set"}


@dataclass(frozen=True)
class Word:
    """Something that may stand there.

    Attributes:
        text: what is written.
        kind: ``column``, ``table``, ``schema``, ``function`` or ``word``.
        detail: its type, its comment, what it gives.
    """

    text: str
    kind: str
    detail: str = ""


def complete(workspace: Workspace, text: str, place: int) -> tuple[int, list[Word]]:
    """What may stand at a place of a text.

    Args:
        workspace: the workspace.
        text: the statement so far.
        place: where in it, in characters.

    Returns:
        Where the word begun at that place begins, and what it may become, the likeliest first.
    """
    match = _BEGUN.search(text[max(0, place - 300) : place])
    path, begun = (match[1], match[2] or "") if match else ("", "")
    before = [_bare(part) for part in re.findall(_NAME, path)]
    begins = place - len(begun)
    wanted = begun.strip("`").lower()
    known = _tables(workspace)
    named = _named(text, known)
    if before:
        return begins, _fitting(_inside(before, named, known), wanted)
    found = [
        Word(_quoted(name), "column", kind)
        for columns in {id(c): c for c in named.values()}.values()
        for name, kind in columns
    ]
    found += [Word(_quoted_name(name), "table", comment) for name, (comment, _) in known.items()]
    found += [Word(name, "function", said) for name, said in _functions()]
    found += [Word(word, "word") for word in _WORDS]
    return begins, _fitting(found, wanted)


Known = dict[str, tuple[str, list[tuple[str, str]]]]


def _tables(workspace: Workspace) -> Known:
    with open_store(workspace.folder) as store:
        rows = store.execute("SELECT name, told FROM searchable ORDER BY name").fetchall()
    return {row["name"]: _told(row["told"]) for row in rows}


@cache
def _told(text: str) -> tuple[str, list[tuple[str, str]]]:
    told = json.loads(text)
    return told["comment"], [(name, kind) for name, kind, _ in told["columns"]]


def _named(text: str, known: Known) -> dict[str, list[tuple[str, str]]]:
    """The columns of tables that the text names, by table, bare name and alias."""
    found: dict[str, list[tuple[str, str]]] = {}
    for schema, table, alias in _PAIR.findall(text):
        name = f"{_bare(schema)}.{_bare(table)}"
        if name not in known:
            continue
        for key in (name, _bare(table), _bare(alias)):
            if key and key not in _NOT_ALIASES:
                found[key] = known[name][1]
    return found


def _inside(before: list[str], named: dict[str, list[tuple[str, str]]], known: Known) -> list[Word]:
    """What may follow a name and a dot: columns of a table, tables of a schema."""
    whole = ".".join(before)
    columns = named.get(whole) or (known[whole][1] if whole in known else [])
    found = [Word(_quoted(name), "column", kind) for name, kind in columns]
    if len(before) == 1:
        start = f"{before[0]}."
        found += [
            Word(_quoted(name.removeprefix(start)), "table", comment)
            for name, (comment, _) in known.items()
            if name.startswith(start)
        ]
    return found


def _fitting(words: list[Word], wanted: str) -> list[Word]:
    """Words that begin with some letters, then those that hold them."""
    begin, hold = [], []
    for word in words:
        text = word.text.strip("`").lower()
        if text.startswith(wanted) or text.rpartition(".")[2].startswith(wanted):
            begin.append(word)
        elif len(wanted) > 1 and wanted in text:
            hold.append(word)
    return list(dict.fromkeys([*begin, *hold]))[:_MOST]


@cache
def _functions() -> tuple[tuple[str, str], ...]:
    from lakelet.engines.dialect.functions import table

    return tuple((name, function.doc) for name, function in sorted(table().items()))


def _bare(name: str) -> str:
    return name.strip("`").lower()


def _quoted(name: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
    return name if plain else f"`{name.replace('`', '``')}`"


def _quoted_name(name: str) -> str:
    schema, _, table = name.partition(".")
    return f"{_quoted(schema)}.{_quoted(table)}"
