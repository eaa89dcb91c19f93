"""What MLflow keeps of an input: a dataset source that knows the version, 0 too, and loads it.

MLflow's own source of Delta tables drops version 0 and needs Spark to load. This one is found by
MLflow through the entry points ``mlflow.dataset_source``. MLflow is imported when a class is asked
for, not with this module: `__getattr__` makes them (PEP 562).

Source: MLflow documentation, "MLflow Plugins", "Dataset source plugins".
"""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ("FILES", "MODEL", "TABLE", "source_class")

TABLE = "lakelet_table"
FILES = "lakelet_files"
MODEL = "lakelet_model"
_NAMES = {
    "LakeletTableSource": TABLE, "LakeletFilesSource": FILES, "LakeletModelSource": MODEL,
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return source_class(_NAMES[name])
    raise AttributeError(name)


@cache
def source_class(kind: str) -> Any:
    """The class of dataset sources of a kind: `TABLE`, `FILES` or `MODEL`."""
    from mlflow.data.dataset_source import DatasetSource

    class Source(DatasetSource):
        """What a run read: `to_dict` is all that is known of it."""

        def __init__(self, facts: dict[str, Any]) -> None:
            self.facts = facts

        @staticmethod
        def _get_source_type() -> str:
            return kind

        @staticmethod
        def _can_resolve(raw_source: Any) -> bool:
            return isinstance(raw_source, dict) and raw_source.get("kind") == kind

        @classmethod
        def _resolve(cls, raw_source: Any) -> Any:
            return cls(dict(raw_source))

        def to_dict(self) -> dict[str, Any]:
            return self.facts

        @classmethod
        def from_dict(cls, source_dict: dict[Any, Any]) -> Any:
            return cls(dict(source_dict))

        def load(self) -> Any:
            """The table at that version, the files' path, or the language model of that name."""
            # By name: what opens a workspace lives in a layer above this one.
            from importlib import import_module

            if kind == FILES:
                return self.facts["name"]
            workspace = import_module("lakelet").open(self.facts["workspace"])
            if kind == MODEL:
                return workspace.model(self.facts["name"])
            return workspace.table(self.facts["name"]).at(version=self.facts["version"])

    Source.__name__ = next(name for name, one in _NAMES.items() if one == kind)
    Source.__qualname__ = Source.__name__
    return Source
