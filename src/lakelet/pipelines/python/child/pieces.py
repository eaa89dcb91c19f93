"""What a function returned, as pieces: Arrow batches, and rows that are dictionaries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lakelet.errors import PipelineError

__all__ = ("Piece", "pieces_of")

Piece = Any
"""An arro3 ``RecordBatchReader`` with everything one object holds, or a list of dictionaries."""

_ROWS = 10_000
_HINT = (
    "return one of its inputs, SQL text, a Polars or pandas frame, Arrow, a list of dictionaries, "
    "or yield batches or dictionaries."
)


def pieces_of(result: Any) -> Iterator[Piece]:
    """The pieces of a result, one after the other, made only when asked for.

    Raises:
        PipelineError: something that holds no rows.
    """
    if result is None:
        raise PipelineError("it returned nothing.", hint=_HINT)
    if isinstance(result, Mapping):
        raise PipelineError("it returned a single dictionary.", hint="put it into a list.")
    found = _arrow(result)
    if found is not None:
        yield found
    elif isinstance(result, Iterable) and not isinstance(result, str | bytes):
        yield from _of_items(result)
    else:
        raise PipelineError(
            f"it returned a {type(result).__name__}, which has no rows.", hint=_HINT
        )


def _of_items(items: Iterable[Any]) -> Iterator[Piece]:
    held: list[Mapping[str, Any]] = []
    for item in items:
        if isinstance(item, Mapping):
            held.append(item)
        else:
            if held:
                yield held
                held = []
            yield from _of_item(item)
        if len(held) >= _ROWS:
            yield held
            held = []
    if held:
        yield held


def _of_item(item: Any) -> Iterator[Piece]:
    found = _arrow(item)
    if found is not None:
        yield found
    elif isinstance(item, list | tuple) and all(isinstance(one, Mapping) for one in item):
        for first in range(0, len(item), _ROWS):
            yield list(item[first : first + _ROWS])
    else:
        raise PipelineError(f"it yielded a {type(item).__name__}, which has no rows.", hint=_HINT)


def _arrow(item: Any) -> Any:
    """An object's rows as an Arrow reader, or None where it is no frame."""
    from arro3.core import RecordBatch, RecordBatchReader

    made_by = type(item).__module__.partition(".")[0]
    if made_by == "polars":
        item = _of_polars(item)
    elif made_by == "pandas":
        item = _of_pandas(item)
    if hasattr(item, "__arrow_c_stream__"):
        return RecordBatchReader.from_stream(item)
    if hasattr(item, "__arrow_c_array__"):
        batch = RecordBatch.from_arrow(item)
        return RecordBatchReader.from_batches(batch.schema, [batch])
    return None


def _of_polars(item: Any) -> Any:
    import polars

    if isinstance(item, polars.LazyFrame):
        item = item.collect()
    if isinstance(item, polars.DataFrame):
        # A column of Polars' type Null reaches Arrow in a form that others do not read.
        empty = [name for name, kind in item.schema.items() if kind == polars.Null]
        return item.with_columns(polars.col(empty).cast(polars.String)) if empty else item
    return item


def _of_pandas(item: Any) -> Any:
    import pandas

    if not isinstance(item, pandas.DataFrame):
        return item
    # An index that somebody named is data; the numbers of rows are not.
    named = any(name is not None for name in item.index.names)
    import pyarrow

    frame = item.reset_index() if named else item
    return pyarrow.Table.from_pandas(frame, preserve_index=False)
