"""Whether a dataset runs in an update, how, and why: one reason a person understands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lakelet.pipelines.definitions.dataset import Dataset

__all__ = ("Decision", "How")

How = Literal["skip", "full", "incremental", "new rows", "view"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What an update does with a dataset.

    Attributes:
        dataset: the dataset.
        how: ``skip``; ``full`` (all of it computed and replaced); ``incremental`` (only what
            changed in the inputs); ``new rows`` (a streaming table takes what is new); ``view``
            (a temporary view, computed where it is read).
        reason: why, in one sentence.
        details: what the reason rests on, for programs.
    """

    dataset: Dataset
    how: How
    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether something is computed."""
        return self.how not in ("skip", "view")
