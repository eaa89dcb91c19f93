"""The language of ``--where``: conditions on metrics, parameters, tags and runs themselves.

    metrics.f1 > 0.8 and params.model = 'logistic'
    inputs."gold.problems" = 12 or status = 'FAILED'

A condition is ``NAME OPERATOR VALUE``, joined by ``and``, ``or``, ``not`` and parentheses. It is
MLflow's language of searches ("Search Runs", filter syntax) with ``or`` and inputs added.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lakelet.errors import CommandError, nearest

__all__ = ("Condition", "parse_condition")

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^']|'')*')|(?P<quoted>"[^"]*"|`[^`]*`)
    |(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.])
    |(?P<operator><=|>=|!=|<>|==|[=<>()])|(?P<word>[^\s<>=!()'"`]+))""",
    re.VERBOSE,
)
_OPERATORS = {"=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">",
              ">=": ">=", "like": "LIKE"}  # fmt: skip
_DEEPEST = 50
_MOST = 300
"""Conditions in one text; SQLite takes expressions up to a depth of 1,000."""
_SHOWN = 200
_KINDS = ("metrics", "params", "tags", "inputs")
_OWN = {
    "status": "r.status", "name": "r.name", "folder": "r.experiment", "user": "r.user",
    "id": "r.id", "started": "datetime(r.started, 'unixepoch')",
    "ended": "datetime(r.ended, 'unixepoch')", "seconds": "(r.ended - r.started)",
}  # fmt: skip


@dataclass
class Condition:
    """A condition in SQLite's words, on a run ``r``, and the values of its markers."""

    sql: str
    values: list[object] = field(default_factory=list)


def parse_condition(text: str) -> Condition:
    """What a person wrote, in SQLite's words.

    Raises:
        CommandError: it is no condition; the message says where it stops making sense.
    """
    parser = _Parser(text)
    sql = parser.either()
    parser.end()
    return Condition(sql, parser.values)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.values: list[object] = []
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise self._wrong(at, "this is not understood")
            kind = match.lastgroup
            self.tokens.append((kind, match[kind], match.start(kind)))
            at = match.end()
        self.next = self.depth = 0

    def _wrong(self, at: int, what: str) -> CommandError:
        rest = self.text[at : at + _SHOWN].strip() or "the end"
        return CommandError(
            f"--where: {what}, at {rest!r}; nothing was listed.",
            hint="write it as metrics.f1 > 0.8 and params.model = 'logistic'; names with spaces or "
            'dots stand in quotes: inputs."gold.problems" = 12.',
        )

    def _peek(self) -> tuple[str, str, int]:
        if self.next < len(self.tokens):
            return self.tokens[self.next]
        return "end", "", len(self.text)

    def _take(self) -> tuple[str, str, int]:
        token = self._peek()
        self.next += 1
        return token

    def _is(self, word: str) -> bool:
        kind, text, _ = self._peek()
        if kind in ("word", "operator") and text.lower() == word:
            self.next += 1
            return True
        return False

    def end(self) -> None:
        """Make sure that nothing is left."""
        kind, _, at = self._peek()
        if kind != "end":
            raise self._wrong(at, "and, or or the end is expected")

    def either(self) -> str:
        """Conditions joined by ``or``."""
        parts = [self.both()]
        while self._is("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"

    def both(self) -> str:
        """Conditions joined by ``and``."""
        parts = [self.one()]
        while self._is("and"):
            parts.append(self.one())
        return " AND ".join(parts)

    def one(self) -> str:
        """One condition, one that is denied, or some in parentheses."""
        self.depth += 1
        try:
            return self._one()
        finally:
            self.depth -= 1

    def _one(self) -> str:
        if self.depth > _DEEPEST:
            raise self._wrong(self._peek()[2], f"more than {_DEEPEST} conditions in one another")
        if len(self.values) > _MOST:
            raise self._wrong(self._peek()[2], f"more than {_MOST} conditions")
        if self._is("not"):
            return f"NOT ({self.one()})"
        if self._is("("):
            inner = self.either()
            if not self._is(")"):
                raise self._wrong(self._peek()[2], "a closing parenthesis is expected")
            return f"({inner})"
        left, kind = self._name()
        _, text, at = self._take()
        operator = _OPERATORS.get(text.lower())
        if operator is None:
            raise self._wrong(at, "=, !=, <, <=, >, >= or like is expected")
        self.values.append(self._value(numbers=kind in ("metrics", "inputs", "seconds")))
        if kind in _KINDS:
            return left.format(operator=operator) + ")"
        return f"{left} {operator} ?"

    def _name(self) -> tuple[str, str]:
        kind, text, at = self._take()
        if kind not in ("word", "quoted"):
            raise self._wrong(at, "a name such as metrics.f1 is expected")
        first, dot, rest = text.partition(".")
        if kind == "word" and first in _KINDS and dot:
            if not rest:
                found, rest, at = self._take()
                if found != "quoted":
                    raise self._wrong(at, f"the name of one of the {first} is expected")
            self.values.append(rest.strip('"`'))
            return _EXISTS[first], first
        own = text.removeprefix("attributes.")
        if kind == "word" and own in _OWN:
            return _OWN[own], own
        close = nearest(text, [*_OWN, *(f"{one}.{rest or first}" for one in _KINDS)])
        raise self._wrong(at, f"there is no {text}" + (f"; did you mean {close}?" if close else ""))

    def _value(self, *, numbers: bool) -> object:
        kind, text, at = self._take()
        if kind == "number":
            return float(text) if numbers else text
        if numbers:
            raise self._wrong(at, "a number is expected")
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind in ("quoted", "word"):
            return text.strip('"`')
        raise self._wrong(at, "a value is expected")


_EXISTS = {
    name: f"EXISTS (SELECT 1 FROM {table} x WHERE x.run_id = r.id AND x.{key} = ? "
    f"AND x.{value} {{operator}} ?"
    for name, table, key, value in (
        ("metrics", "run_metrics", "key", "value"), ("params", "run_params", "key", "value"),
        ("tags", "run_tags", "key", "value"), ("inputs", "run_inputs", "name", "version"),
    )
}  # fmt: skip
