"""New fields inside the STRUCT columns a table already has."""

from __future__ import annotations

from collections.abc import Iterator

from lakelet.lake.types import Array, Column, DataType, Map, Struct
from lakelet.loading.fit.examine import path_of
from lakelet.loading.inference.tally import MAX_KEYS, Tally
from lakelet.loading.shape import Shape

__all__ = ("fields_of", "grown_types")


def grown_types(root: Tally, shape: Shape, *, tolerance: float) -> dict[str, DataType]:
    """The types of the columns whose values have fields their STRUCT does not know yet.

    A field a person made a column of stays out, and a STRUCT takes no more than `MAX_KEYS` fields.

    Args:
        root: what the records looked like.
        shape: the columns there are.
        tolerance: the share of a new field's values that its type must fit.

    Returns:
        The new types by column name.
    """
    found: dict[str, DataType] = {}
    for key, tally in root.fields.items():
        field = shape.find(key)
        if field is None:
            continue
        kind = _grown(field.type, tally, path_of(key), shape, tolerance)
        if kind != field.type:
            found[field.column.name] = kind
    return found


def _grown(
    kind: DataType, tally: Tally | None, path: str, shape: Shape, tolerance: float
) -> DataType:
    if tally is None:
        return kind
    if isinstance(kind, Array):
        return Array(_grown(kind.element, tally.element, f"{path}[]", shape, tolerance))
    if isinstance(kind, Map):
        return Map(kind.key, _grown(kind.value, tally.merged(), f"{path}.*", shape, tolerance))
    if not isinstance(kind, Struct):
        return kind
    seen = {key.lower(): (key, inner) for key, inner in tally.fields.items() if key}
    fields = []
    for name, inner in kind.fields:
        key, part = seen.pop(name.lower(), (name, None))
        fields.append((name, _grown(inner, part, f"{path}.{key}", shape, tolerance)))
    for key, part in seen.values():
        found = part.kind(tolerance)
        if found is not None and len(fields) < MAX_KEYS and shape.find(f"{path}.{key}") is None:
            fields.append((key, found))
    return Struct(tuple(fields))


def fields_of(old: DataType, new: DataType, path: str) -> Iterator[Column]:
    """What a grown type has more, each as a column whose name is the field's path."""
    if isinstance(old, Array) and isinstance(new, Array):
        yield from fields_of(old.element, new.element, f"{path}[]")
    elif isinstance(old, Map) and isinstance(new, Map):
        yield from fields_of(old.value, new.value, f"{path}.*")
    elif isinstance(old, Struct) and isinstance(new, Struct):
        known = dict(old.fields)
        for name, kind in new.fields:
            if name in known:
                yield from fields_of(known[name], kind, f"{path}.{name}")
            else:
                yield Column(f"{path}.{name}", kind)
