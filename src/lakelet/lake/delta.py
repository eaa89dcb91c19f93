"""Turning what delta-rs reports of a write into one clear message, and trying again."""

from __future__ import annotations

import errno
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from lakelet.errors import (
    ConflictError,
    LakeletError,
    SchemaError,
    StorageError,
    UnreachableError,
    UnsupportedTableError,
    VersionNotFoundError,
)
from lakelet.lake.broken import broken_constraint
from lakelet.lake.storage.reasons import is_passing, is_reported_by_store, short_reason

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ("delta_errors", "retry_conflicts")

T = TypeVar("T")

_RETRY_SECONDS = 60.0
_FULL = ("No space left", "StorageFull", "os error 28", "Disk quota")
_NO_VERSION = re.compile(
    r"end version (?P<newest>\d+) not the same as the specified end version (?P<asked>\d+)"
)


@contextmanager
def delta_errors(what: str, table: DeltaTable | None = None) -> Iterator[None]:
    """Raise delta-rs' failures in the body as Lakelet's own errors, naming ``what``.

    Args:
        what: the table's name, or its place.
        table: the table whose constraints rows may break, to name these.
    """
    from deltalake.exceptions import (
        CommitFailedError,
        DeltaError,
        DeltaProtocolError,
        SchemaMismatchError,
        TableNotFoundError,
    )

    try:
        yield
    except LakeletError:
        raise
    except CommitFailedError as error:
        raise _not_committed(what, error) from error
    except TableNotFoundError as error:
        raise StorageError(f"there is no Delta table at {what}.") from error
    except SchemaMismatchError as error:
        raise SchemaError(f"{what}: the data does not fit the table: {error}.") from error
    except DeltaProtocolError as error:
        if "failed" in str(error) or "nvalid data" in str(error):
            raise broken_constraint(what, str(error), table) from error
        raise UnsupportedTableError(f"{what}: {error}.") from error
    except DeltaError as error:
        raise _from_text(what, error, table) from error
    except OSError as error:
        if error.errno == errno.ENOSPC or any(sign in str(error) for sign in _FULL):
            raise _full(what) from error
        if is_reported_by_store(error):
            raise _from_store(what, str(error)) from error
        raise StorageError(
            f"{what}: {short_reason(error)}; the table is at its last version."
        ) from error


def _not_committed(what: str, error: Exception) -> LakeletError:
    if any(sign in str(error) for sign in _FULL):
        return _full(what)
    if "append-only" in str(error):
        return UnsupportedTableError(
            f"{what} takes new rows only (delta.appendOnly); nothing was changed.",
            hint="ALTER TABLE … SET TBLPROPERTIES ('delta.appendOnly' = 'false') allows it.",
        )
    return ConflictError(
        f"{what}: another writer changed the table at the same moment; nothing was written.",
        hint="try again.",
    )


def _from_text(what: str, error: Exception, table: DeltaTable | None) -> LakeletError:
    text = str(error)
    if any(sign in text for sign in _FULL):
        return _full(what)
    if is_reported_by_store(text):
        return _from_store(what, text)
    if "failed validation check" in text or "non-nullable" in text.lower():
        return broken_constraint(what, text, table)
    if missing := _NO_VERSION.search(text):
        return VersionNotFoundError(
            f"{what} has no version {missing['asked']}; its newest is {missing['newest']}.",
            hint="`lakelet history TABLE` lists the versions that are there.",
        )
    if "unsupported" in text.lower() and "feature" in text.lower():
        return UnsupportedTableError(f"{what}: {text}.")
    return StorageError(f"{what}: {short_reason(text)}; the table is at its last version.")


def _from_store(what: str, text: str) -> StorageError:
    kind = UnreachableError if is_passing(text) else StorageError
    return kind(
        f"{what}: {short_reason(text)}; the table is at its last version.",
        hint="when the cause is gone, run the same command again.",
    )


def _full(what: str) -> StorageError:
    return StorageError(
        f"{what}: no space left; the table is at its last version.",
        hint="free some space, then run the same command again.",
    )


def retry_conflicts(action: Callable[[], T]) -> T:
    """Run ``action``, again with fresh data when another writer was first, for up to a minute.

    Raises:
        ConflictError: others were first for the whole minute.
    """
    deadline = time.monotonic() + _RETRY_SECONDS
    pause = 0.005
    while True:
        try:
            return action()
        except ConflictError:
            if time.monotonic() > deadline:
                raise
            time.sleep(pause * (0.5 + random.random()))
            pause = min(pause * 2, 0.5)
