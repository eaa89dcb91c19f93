"""JSON read and written without loss: numbers keep their digits, objects their repeated keys."""

from __future__ import annotations

import json
import math
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any

__all__ = ("MOST_NESTED", "Number", "Pairs", "dump_json", "parse_json")

MOST_NESTED = 200
"""Objects and arrays inside one another in a record; one with more is none."""
_TOO_DEEP = f"nested more than {MOST_NESTED} levels deep"


class Number(str):
    """A number's own text, ``NaN`` and ``Infinity`` among them."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """An object: keys and values in order, repeated keys included."""

    __slots__ = ()


_decoder = json.JSONDecoder(
    object_pairs_hook=Pairs,
    parse_float=Number,
    parse_int=Number,
    parse_constant=Number,
    strict=True,
)


def parse_json(text: str) -> Any:
    """The value of a JSON text: `Pairs`, list, str, `Number`, bool or None.

    Raises:
        ValueError: the text is not JSON; the reason is the error's text.
    """
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        what = error.msg.lower().removesuffix(" at")
        raise ValueError(f"{what} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if text.count("{") + text.count("[") > MOST_NESTED and _is_deep(value):
        raise ValueError(_TOO_DEEP)
    return value


def _is_deep(value: Any) -> bool:
    """Whether a value is nested too deeply, found without recursion."""
    level: list[Any] = [value]
    for _ in range(MOST_NESTED):
        inside: list[Any] = []
        for one in level:
            if isinstance(one, Pairs):
                inside += [item for _, item in one if isinstance(item, list)]
            else:
                inside += [item for item in one if isinstance(item, list)]
        if not inside:
            return False
        level = inside
    return True


def dump_json(value: Any) -> str:
    """JSON text of a value from `parse_json`; NaN and the infinities become strings."""
    if isinstance(value, Number):
        return value if value[-1].isdigit() else f'"{value}"'
    if isinstance(value, str):
        return _string(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Pairs):
        return "{" + ",".join([f"{_string(k)}:{dump_json(v)}" for k, v in value]) + "}"
    if isinstance(value, list):
        return "[" + ",".join([dump_json(item) for item in value]) + "]"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f'"{value}"'
    return str(value)


def _string(text: str) -> str:
    # A lone surrogate has no UTF-8; its escape is all there is of it.
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return encode_basestring_ascii(text)
    return encode_basestring(text)
