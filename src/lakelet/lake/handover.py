"""Handing items from one thread to another, a few at a time.

delta-rs pulls rows from a thread of its own whose stack is too small for DuckDB, and DuckDB crashes
when a query is run inside the callback of an Arrow stream. What makes the rows therefore runs in a
thread with room enough, ahead of the writer by a few batches; the callback only waits for them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from arro3.core import RecordBatchReader

__all__ = ("handed_over", "handed_over_stream")

T = TypeVar("T")

_STACK = 64 << 20
_AHEAD = 3
_LOOK_UP = 0.1


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def handed_over(items: Iterator[T]) -> Iterator[T]:
    """The same items, made in another thread, which ends when this iterator is closed."""
    queue: Queue[T | _End] = Queue(_AHEAD)
    closed = threading.Event()

    def put(item: T | _End) -> bool:
        while not closed.is_set():
            try:
                queue.put(item, timeout=_LOOK_UP)
                return True
            except Full:
                continue
        return False

    def make() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                if not put(item):
                    break
        except BaseException as caught:
            error = caught
        put(_End(error))

    before = threading.stack_size(_STACK)
    try:
        thread = threading.Thread(target=make, name="lakelet-rows", daemon=True)
        thread.start()
    finally:
        threading.stack_size(before)
    try:
        while True:
            item = queue.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        closed.set()
        _drain(queue)
        thread.join()


def _drain(queue: Queue[T]) -> None:
    try:
        while True:
            queue.get_nowait()
    except Empty:
        return


def handed_over_stream(data: Any) -> RecordBatchReader:
    """Any Arrow stream as one whose batches are made in another thread."""
    from arro3.core import RecordBatchReader

    reader = RecordBatchReader.from_stream(data)
    return RecordBatchReader.from_batches(reader.schema, handed_over(iter(reader)))
