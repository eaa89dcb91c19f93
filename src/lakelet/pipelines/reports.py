"""What an update is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakelet.errors import CommandError, LakeletError
from lakelet.lake import TableName
from lakelet.pipelines.events import Event
from lakelet.pipelines.planning.decision import Decision

__all__ = ("DatasetReport", "Plan", "UpdateReport", "UpdateRequest")

FOREIGN = ("stop", "adopt", "discard")
Names = str | Sequence[str]


@dataclass(frozen=True)
class UpdateRequest:
    """What an update is to do.

    Attributes:
        only: the datasets that may run, by name; all where empty.
        refresh: the datasets to make anew, by name; all where it holds ``*``.
        even_if_lost: whether a full refresh may lose what cannot be read again.
        drop_abandoned: whether tables the pipeline does not declare any more are dropped.
        foreign: what becomes of versions that another program committed to its tables: ``stop``
            (the update does nothing), ``adopt`` (they are shown) or ``discard`` (they are undone).
        listen: told of every event.
    """

    only: tuple[str, ...] = ()
    refresh: tuple[str, ...] = ()
    even_if_lost: bool = False
    drop_abandoned: bool = False
    foreign: str = "stop"
    listen: Callable[[Event], None] = lambda _event: None

    @classmethod
    def of(
        cls, only: Names = (), refresh: Names | bool = (), foreign: str = "stop", **more: Any
    ) -> UpdateRequest:
        """A request from what a person gives: one name or several, True for all.

        Raises:
            CommandError: names that are none, or an unknown ``foreign``.
        """
        if foreign not in FOREIGN:
            raise CommandError(
                f"foreign={foreign!r} is not known; nothing was done.",
                hint=f"it is one of {', '.join(FOREIGN)}.",
            )
        if isinstance(refresh, bool):
            refresh = ("*",) if refresh else ()
        return cls(_names(only, "only"), _names(refresh, "full_refresh"), foreign=foreign, **more)


def _names(given: Names, what: str) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, Iterable) or not all(isinstance(one, str) for one in names):
        raise CommandError(
            f"{what}={given!r} does not name datasets; nothing was done.",
            hint=f'give their names, such as {what}=["posts"].',
        )
    return tuple(names)


@dataclass
class DatasetReport:
    """What became of a dataset in an update.

    Attributes:
        dataset: its name.
        how: see `Decision`.
        reason: why.
        rows: rows its query gave.
        kept: rows in the table of them.
        dropped: rows that expectations put among the rejected ones.
        rejected: rows of files that were no records.
        broken: by expectation, rows that broke it.
        seconds: how long it took.
        state: ``skipped``, ``view``, ``staged``, ``published``, ``failed`` or ``blocked``.
        message: what went wrong, or ''.
        changed: files that changed since they were taken, whose rows stay as they were.
    """

    dataset: TableName
    how: str
    reason: str
    rows: int = 0
    kept: int = 0
    dropped: int = 0
    rejected: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    state: str = "skipped"
    message: str = ""
    changed: tuple[str, ...] = ()

    @classmethod
    def of(cls, decision: Decision) -> DatasetReport:
        """The report of a dataset before anything is done."""
        state = "view" if decision.how == "view" else "skipped"
        changed = tuple(decision.details.get("changed", ()))
        return cls(
            decision.dataset.name, decision.how, decision.reason, state=state, changed=changed
        )


@dataclass
class UpdateReport:
    """The result of an update.

    Attributes:
        pipeline: its name.
        update: its number; None where there was nothing to do.
        datasets: in the graph's order.
        abandoned: tables of the pipeline that it does not declare any more.
        published: whether anything was.
        dropped: abandoned tables that were dropped.
        adopted: tables of which a version that another program committed is shown now.
        discarded: tables of which such a version was undone.
    """

    pipeline: str
    update: int | None = None
    datasets: list[DatasetReport] = field(default_factory=list)
    abandoned: list[TableName] = field(default_factory=list)
    published: bool = False
    dropped: list[TableName] = field(default_factory=list)
    adopted: list[TableName] = field(default_factory=list)
    discarded: list[TableName] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What an update would do.

    Attributes:
        decisions: one for each dataset, in order.
        abandoned: tables of the pipeline that it does not declare any more.
        stops: the errors it would end with, as far as they show before data is read.
    """

    decisions: Sequence[Decision]
    abandoned: Sequence[TableName]
    stops: Sequence[LakeletError] = ()
