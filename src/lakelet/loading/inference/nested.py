"""New fields inside the STRUCT columns a table already has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lakelet.lake.types import Array, Column, DataType, Map, Struct
from lakelet.loading.fit.examine import path_of
from lakelet.loading.inference.tally import MAX_KEYS, Tally, names_a_field
from lakelet.loading.shape import Shape

__all__ = ("fields_of", "grown_types")


def grown_types(
    root: Tally, shape: Shape, hints: Mapping[str, DataType], *, tolerance: float
) -> dict[str, DataType]:
    """The types of the columns whose values have fields their STRUCT does not know yet.

    A field a person made a column of stays out, and a STRUCT takes no more than `MAX_KEYS` fields.

    Args:
        root: what the records looked like.
        shape: the columns there are.
        hints: types by field or column name in lower case; they win over what was seen.
        tolerance: the share of a new field's values that its type must fit.

    Returns:
        The new types by column name.
    """
    found: dict[str, DataType] = {}
    for key, tally in root.fields.items():
        field = shape.find(key)
        if field is None:
            continue
        grow = _Growth(shape, tolerance)
        kind = grow.grown(field.type, tally, hints.get(key.lower()), path_of(key))
        if kind != field.type:
            found[field.column.name] = kind
    return found


@dataclass(frozen=True)
class _Growth:
    shape: Shape
    tolerance: float

    def grown(
        self, kind: DataType, tally: Tally | None, hint: DataType | None, path: str
    ) -> DataType:
        """A type with the fields that values have more."""
        if tally is None:
            return kind
        if isinstance(kind, Array):
            inner = hint.element if isinstance(hint, Array) else None
            return Array(self.grown(kind.element, tally.element, inner, f"{path}[]"))
        if isinstance(kind, Map):
            inner = hint.value if isinstance(hint, Map) else None
            return Map(kind.key, self.grown(kind.value, tally.merged(), inner, f"{path}.*"))
        return self._struct(kind, tally, hint, path) if isinstance(kind, Struct) else kind

    def _struct(self, kind: Struct, tally: Tally, hint: DataType | None, path: str) -> DataType:
        hints = {n.lower(): k for n, k in hint.fields} if isinstance(hint, Struct) else {}
        seen = {
            key.lower(): (key, inner) for key, inner in tally.fields.items() if names_a_field(key)
        }
        fields = []
        for name, inner in kind.fields:
            key, part = seen.pop(name.lower(), (name, None))
            fields.append((name, self.grown(inner, part, hints.get(name.lower()), f"{path}.{key}")))
        for key, part in seen.values():
            seen_as = part.kind(self.tolerance)
            found = seen_as and hints.get(key.lower(), seen_as)
            known = self.shape.find(f"{path}.{key}") is not None
            if found is not None and len(fields) < MAX_KEYS and not known:
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
