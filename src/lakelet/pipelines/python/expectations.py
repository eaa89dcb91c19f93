"""The decorators for expectations, named as Databricks names them.

Source: Databricks, "Pipelines Python reference", ``expect`` and its kin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from lakelet.errors import PipelineError
from lakelet.pipelines.definitions.dataset import Action, Expectation
from lakelet.pipelines.python.declared import EXPECTED, OUTPUT, Output, names_of

__all__ = (
    "expect", "expect_all", "expect_all_or_drop", "expect_all_or_fail", "expect_or_drop",
    "expect_or_fail", "expectations_of",
)  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])


def expect(name: str, inv: str) -> Callable[[F], F]:
    """Count the rows for which a condition is false or NULL; they are kept.

    Args:
        name: the expectation's name.
        inv: the condition, SQL.
    """
    return expect_all({name: inv})


def expect_or_drop(name: str, inv: str) -> Callable[[F], F]:
    """Put rows for which a condition is false or NULL among the rejected rows."""
    return expect_all_or_drop({name: inv})


def expect_or_fail(name: str, inv: str) -> Callable[[F], F]:
    """Stop the update where a condition is false or NULL; nothing is published."""
    return expect_all_or_fail({name: inv})


def expect_all(expectations: Mapping[str, str]) -> Callable[[F], F]:
    """`expect`, several at once: conditions by name."""
    return _expected("warn", expectations)


def expect_all_or_drop(expectations: Mapping[str, str]) -> Callable[[F], F]:
    """`expect_or_drop`, several at once: conditions by name."""
    return _expected("drop", expectations)


def expect_all_or_fail(expectations: Mapping[str, str]) -> Callable[[F], F]:
    """`expect_or_fail`, several at once: conditions by name."""
    return _expected("fail", expectations)


def expectations_of(action: Action, conditions: object) -> list[Expectation]:
    """Expectations of one action.

    Raises:
        PipelineError: names and conditions that are no text.
    """
    given = names_of("an expectation", conditions)
    return [Expectation(name, condition, action) for name, condition in given.items()]


def _expected(action: Action, conditions: Mapping[str, str]) -> Callable[[F], F]:
    found = expectations_of(action, conditions)

    def decorate(function: F) -> F:
        if not callable(function):
            raise PipelineError("an expectation decorates the function of a dataset.")
        # Above the dataset's decorator or below it: decorators apply from the function upwards.
        output = getattr(function, OUTPUT, None)
        if isinstance(output, Output):
            output.expectations[:0] = found
        else:
            setattr(function, EXPECTED, [*found, *getattr(function, EXPECTED, [])])
        return function

    return decorate
