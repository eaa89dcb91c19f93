"""What a pipeline's Python files declare, collected while they are imported."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakelet.errors import PipelineError
from lakelet.lake import TableName
from lakelet.lake.type_text import parse_columns
from lakelet.lake.types import Column
from lakelet.pipelines.definitions.dataset import Cdc, Expectation, Kind
from lakelet.pipelines.definitions.streams import STREAM_OPTIONS, Delivery

__all__ = (
    "EXPECTED", "OUTPUT", "DeclaredFlow", "Output", "collecting", "current", "declared_columns",
    "inputs_of_function", "names_of",
)  # fmt: skip

EXPECTED = "__lakelet_expectations__"
OUTPUT = "__lakelet_output__"
_REFUSED = ("ws", "workspace", "spark")


@dataclass
class Output:
    """A dataset as a decorator or a call declares it.

    Attributes:
        name: as it is written, with a schema or without.
        kind: what it is.
        file: the pipeline's file that declared it.
        line: where.
        comment, columns, partition_by, cluster_by, properties: see `Dataset`.
        expectations: in the order they are written.
    """

    name: str
    kind: Kind
    file: str
    line: int
    comment: str | None = None
    columns: tuple[Column, ...] | None = None
    partition_by: tuple[str, ...] = ()
    cluster_by: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    expectations: list[Expectation] = field(default_factory=list)


@dataclass
class DeclaredFlow:
    """A flow as a decorator or a call declares it.

    Attributes:
        name: unique within the pipeline.
        target: the dataset it fills, as it is written.
        file: where its function, or the call, is.
        line: where.
        function: what gives its rows; None for a query.
        query: SQL, where there is no function.
        reads: what the function reads, by the name it has there.
        streams: names of these that deliver new rows only.
        timeout: seconds the function may take.
        delivers: what the streams among them deliver.
        once: whether it runs in the first update only.
        cdc: how changes are applied.
        own: whether it is the only flow of the dataset it was declared with.
        module: the pipeline's file that was being imported.
    """

    name: str
    target: str
    file: str
    line: int
    function: Callable[..., Any] | None = None
    query: str | None = None
    reads: Mapping[str, str] = field(default_factory=dict)
    streams: tuple[str, ...] = ()
    timeout: float | None = None
    once: bool = False
    delivers: Delivery = "new"
    cdc: Cdc | None = None
    own: bool = False
    module: str = ""


@dataclass
class Collected:
    """Everything declared so far.

    Attributes:
        module: the pipeline's file being imported.
        outputs: datasets.
        flows: flows.
    """

    module: str = ""
    outputs: list[Output] = field(default_factory=list)
    flows: list[DeclaredFlow] = field(default_factory=list)


_collected: Collected | None = None


def collecting() -> Collected:
    """Begin to collect; without it the decorators leave functions as they are."""
    global _collected
    _collected = Collected()
    return _collected


def current() -> Collected:
    """What is collected into; a new place for each declaration where nobody collects."""
    return _collected if _collected is not None else Collected()


def caller() -> tuple[str, int]:
    """The file and line that called the public function that calls this one."""
    frame = sys._getframe(2)
    return frame.f_code.co_filename, frame.f_lineno


def place_of(function: Callable[..., Any]) -> tuple[str, int]:
    """The file and first line of a function.

    Raises:
        PipelineError: it is no function.
    """
    inner = inspect.unwrap(function)
    code = getattr(inner, "__code__", None)
    if code is None:
        raise PipelineError(
            f"a {type(function).__name__} is decorated; a dataset is made by a function.",
            hint="write def name(…): and let it return the rows.",
        )
    return code.co_filename, code.co_firstlineno


def inputs_of_function(
    function: Callable[..., Any],
    reads: Mapping[str, str] | None,
    stream: Sequence[str] | Mapping[str, str] | None,
) -> tuple[dict[str, str], tuple[str, ...], Delivery]:
    """What a function reads: parameters without a default, and what is declared besides.

    Returns:
        Table names by the name they have in the function, which of them are streams, and what
        these deliver.

    Raises:
        PipelineError: a parameter that cannot be a dataset.
    """
    given = names_of("reads", reads or {})
    streams, delivers = _streams(stream)
    found: dict[str, str] = {}
    for parameter in inspect.signature(function).parameters.values():
        name = parameter.name
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise PipelineError(
                f"{function.__name__} takes *{name}; each parameter names a dataset it reads.",
                hint='reads={"name": "schema.table"} names more.',
            )
        if name in _REFUSED and name not in given:
            raise PipelineError(
                f"{function.__name__} takes {name}, which is no dataset; a dataset's function "
                "reads what its parameters name, so that updates know when to run it.",
                hint='name a dataset, or give reads={"' + name + '": "schema.table"}.',
            )
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise PipelineError(f"{function.__name__}: {name} can only be given by position.")
        if parameter.default is parameter.empty or name in given or name in streams:
            found[name] = given.get(name, name)
    for name, table in given.items():
        found.setdefault(name, table)
    for name in streams:
        found.setdefault(name, name)
    return found, streams, delivers


def _streams(stream: object) -> tuple[tuple[str, ...], Delivery]:
    if not isinstance(stream, Mapping):
        return _listed("stream", stream), "new"
    given = names_of("stream", stream)
    delivers: Delivery = "new"
    for option in given.values():
        if option.upper() not in STREAM_OPTIONS:
            raise PipelineError(
                f"stream says {option!r}, which is not known.",
                hint='"skipChangeCommits" passes over commits that change rows, and '
                '"readChangeFeed" delivers the changes.',
            )
        delivers = STREAM_OPTIONS[option.upper()]
    return tuple(given), delivers


def names_of(what: str, value: object) -> dict[str, str]:
    """A mapping of text to text.

    Raises:
        PipelineError: it is something else.
    """
    if isinstance(value, Mapping) and all(
        isinstance(k, str) and isinstance(v, str) for k, v in value.items()
    ):
        return dict(value)
    raise PipelineError(f"{what} is a dictionary of text to text, not {value!r}.")


def _listed(what: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise PipelineError(f"{what} is a list of names, not {value!r}.")
    for one in value:
        if not isinstance(one, str):
            raise PipelineError(f"{what} is a list of names, and {one!r} is none.", hint="quote it")
    return tuple(value)


listed = _listed


def declared_columns(schema: object) -> tuple[Column, ...] | None:
    """The columns of ``schema=``: SQL text, or a Spark ``StructType``.

    Raises:
        PipelineError: something else.
        SchemaError: text that does not say columns and types.
    """
    if schema is None:
        return None
    if isinstance(schema, str):
        return parse_columns(schema)
    described = getattr(schema, "jsonValue", None)
    if described is None:
        raise PipelineError(
            f"schema is text or a StructType, not a {type(schema).__name__}.",
            hint='write for example schema="id BIGINT, title STRING".',
        )
    return tuple(Column.from_delta(one) for one in described()["fields"])


def full_name(text: str, schema: str) -> TableName:
    """The table a written name means, where names without a schema belong to ``schema``.

    Raises:
        PipelineError: too many parts.
    """
    parts = text.replace("`", "").split(".")
    if len(parts) == 3:
        parts = parts[1:]
    if len(parts) > 2:
        raise PipelineError(f"{text} has too many parts; write schema.table.")
    return TableName.of(*parts) if len(parts) == 2 else TableName.of(schema, parts[0])
