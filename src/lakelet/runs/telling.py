"""Which parameters and metrics tell runs apart in a list that has room for a few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

__all__ = ("telling_names",)


class _Told(Protocol):
    @property
    def params(self) -> Mapping[str, Any]: ...
    @property
    def metrics(self) -> Mapping[str, Any]: ...


def telling_names(runs: Sequence[_Told], kind: str, most: int) -> list[str]:
    """The names that tell these runs apart best: those of most runs, with several values.

    Args:
        runs: the runs.
        kind: ``params`` or ``metrics``; metrics tell even where they are the same.
        most: how many names at most.
    """
    values: dict[str, list[Any]] = {}
    for run in runs:
        for name, value in getattr(run, kind).items():
            values.setdefault(name, []).append(value)
    several = [
        name
        for name, some in values.items()
        if kind == "metrics" or len(runs) == 1 or len(set(some)) > 1 or len(some) < len(runs)
    ]
    return sorted(several, key=lambda name: (-len(values[name]), name))[:most]
