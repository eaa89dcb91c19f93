"""Types inside types, read from how DuckDB writes them: fields, elements, values of maps."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ("element_type", "field_type")

_STRUCT, _MAP = "STRUCT(", "MAP("


def _parts(inside: str) -> Iterator[str]:
    """What stands between the commas of a list of types, in which types may hold lists."""
    depth, quoted, begin = 0, False, 0
    for at, sign in enumerate(inside):
        if sign == '"':
            quoted = not quoted
        elif not quoted:
            depth += (sign == "(") - (sign == ")")
            if sign == "," and not depth:
                yield inside[begin:at].strip()
                begin = at + 1
    yield inside[begin:].strip()


def field_type(struct: str | None, name: str) -> str | None:
    """The type of a STRUCT's field, in any case; None where there is none of that name, or two."""
    if struct is None or not struct.startswith(_STRUCT) or not struct.endswith(")"):
        return None
    found = []
    for part in _parts(struct[len(_STRUCT) : -1]):
        if part.startswith('"'):
            end = part.replace('""', "  ").index('"', 1)
            field, kind = part[1:end].replace('""', '"'), part[end + 1 :]
        else:
            field, _, kind = part.partition(" ")
        if field.lower() == name.lower():
            found.append(kind.strip())
    return found[0] if len(found) == 1 else None


def element_type(collection: str | None) -> str | None:
    """The type of a list's elements or of a map's values; None of anything else."""
    if collection is None:
        return None
    if collection.endswith("[]"):
        return collection.removesuffix("[]")
    if collection.startswith(_MAP) and collection.endswith(")"):
        return list(_parts(collection[len(_MAP) : -1]))[-1]
    return None
