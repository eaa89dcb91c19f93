"""Every error a person can meet, in one family.

An error message says what happened, to what, what state was left behind and, in its hint, what to
do next. Each class also derives from the builtin a Python programmer would expect, so that
``except KeyError`` catches a missing table.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Self

__all__ = (
    "ChangedFileError",
    "CommandError",
    "ConflictError",
    "ConstraintError",
    "InvalidNameError",
    "LakeletError",
    "LoadError",
    "LockedError",
    "MissingExtraError",
    "OwnedTableError",
    "PastVersionError",
    "PipelineError",
    "RunError",
    "RunNotFoundError",
    "SchemaError",
    "SettingsError",
    "SqlError",
    "StorageError",
    "TableExistsError",
    "TableNotFoundError",
    "UnreachableError",
    "UnsupportedTableError",
    "VersionNotFoundError",
    "WorkspaceNotFoundError",
    "nearest",
)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like ``word``, or None when nothing comes close."""
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return close[0] if close else None


class LakeletError(Exception):
    """The base of all errors Lakelet raises on purpose.

    Attributes:
        message: what happened, to what, and what state was left.
        hint: what to do next, or None where the message says it all.
        word: the name in a statement it is about, or ''.
    """

    def __init__(self, message: str, *, hint: str | None = None, word: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.word = word

    def say(self, message: str) -> None:
        """Change what it says, where the place it passes through knows more."""
        self.message = message
        self.args = (message,)

    def __str__(self) -> str:
        return f"{self.message}\nHint: {self.hint}" if self.hint else self.message


_SHOWN = 12


class WorkspaceNotFoundError(LakeletError, FileNotFoundError):
    """No ``lakelet.toml`` in the folder asked for or in any parent."""


class SettingsError(LakeletError, ValueError):
    """A setting is unknown, of the wrong type, or out of range."""

    @classmethod
    def unknown(cls, name: str, known: Iterable[str], *, where: str) -> Self:
        """An unknown setting, with the nearest known name."""
        known = list(known)
        close = nearest(name, known)
        hint = f"did you mean {close!r}?" if close else f"known here: {', '.join(sorted(known))}."
        return cls(f"{where}: unknown setting {name!r}; nothing was read from it.", hint=hint)

    @classmethod
    def no_such_value(cls, value: str, known: Iterable[str], *, where: str) -> Self:
        """A value that a setting cannot have, with the nearest one, or some that it can."""
        known = sorted(known)
        close = nearest(value, known)
        shown = ", ".join(known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
        hint = f"did you mean {close!r}?" if close else f"it is one of {shown}."
        return cls(f"{where} cannot be {value!r}.", hint=hint)


class InvalidNameError(LakeletError, ValueError):
    """A table, schema, column or volume name that cannot be one."""


class TableNotFoundError(LakeletError, KeyError):
    """A table that is not in the lake."""

    __str__ = LakeletError.__str__  # KeyError would print the repr

    @classmethod
    def named(cls, name: str, known: Iterable[str]) -> Self:
        """A missing table, with the nearest existing one."""
        close = nearest(name, known)
        hint = f"did you mean {close}?" if close else "`lakelet tables` lists what is there."
        return cls(f"there is no table {name}.", hint=hint, word=name.rpartition(".")[2])


class TableExistsError(LakeletError, FileExistsError):
    """A table that was to be created is already there."""


class RunError(LakeletError, RuntimeError):
    """A run that cannot be repeated; nothing was started."""


class RunNotFoundError(LakeletError, LookupError):
    """A run that is not there, or a name that fits several."""


class VersionNotFoundError(LakeletError, LookupError):
    """A version or moment that a table's history no longer, or not yet, reaches."""


class PastVersionError(LakeletError, PermissionError):
    """A write to a table as it was at a version; only a table as it is can be written."""


class UnsupportedTableError(LakeletError, NotImplementedError):
    """A table that cannot be read, or written, exactly on this stack.

    Reading is exact or refused: the message names the feature or the damage.
    """


class SchemaError(LakeletError, TypeError):
    """Data whose columns or types do not fit the table."""


class ConstraintError(LakeletError, ValueError):
    """A row breaks a NOT NULL or CHECK constraint; nothing was written."""


class ConflictError(LakeletError, RuntimeError):
    """Another writer changed the table first, again and again, until time ran out."""


class LockedError(LakeletError, BlockingIOError):
    """Another process holds the lock and did not let go in time."""


class StorageError(LakeletError, OSError):
    """Disk or bucket said no: full, unreachable, forbidden, or not what it should be."""


class UnreachableError(StorageError):
    """A bucket or web server that cannot be reached now; its files are not to blame."""


class LoadError(LakeletError, ValueError):
    """A load that cannot go on; what was loaded before stays loaded."""


class ChangedFileError(LoadError):
    """A file that was loaded before has changed under its old name."""


class SqlError(LakeletError, ValueError):
    """A statement that is wrong, or that cannot be run with exactly its meaning."""


class PipelineError(LakeletError, ValueError):
    """A pipeline whose definitions are wrong, or an update that cannot go on; nothing published."""


class ModelFileError(LakeletError, ValueError):
    """A model's file that is none, is cut off, or is not what it was when it was added."""


class TemplateError(LakeletError, ValueError):
    """A chat template that is broken, loops, or is not there."""

    @classmethod
    def missing(cls, name: str) -> Self:
        """A model without a template holds no conversation."""
        return cls(
            f"{name} has no chat template: it is a base model, which goes on with a text and holds "
            "no conversation.",
            hint=f'`lakelet ask --raw {name} "…"` goes on with a text; where it was trained to '
            f"converse, `lakelet models template {name} FAMILY` gives it a template.",
        )


class EngineError(LakeletError, RuntimeError):
    """An engine that does not start, dies, stalls or says what nobody can read.

    Attributes:
        status: by which its server refused what was asked (HTTP); 0 for another fault.
    """

    status = 0


class StalledError(EngineError):
    """An engine that said nothing for too long."""


class BusyError(EngineError):
    """A model for which too many wait already."""


class OverflowingError(LakeletError, ValueError):
    """A prompt that does not fit the window; nothing was sent.

    Attributes:
        prompt: prompt tokens.
        window: tokens of the conversation, prompt and answer together.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, prompt: int = 0, window: int = 0
    ) -> None:
        super().__init__(message, hint=hint)
        self.prompt = prompt
        self.window = window

    @classmethod
    def of(cls, low: int, high: int, grade: str, window: int, least: int) -> Self:
        """A prompt that leaves too little of a window for an answer, or may do so."""
        has = f"has {high:,}" if low == high else f"may have up to {high:,} (at least {low:,})"
        return cls(
            f"the prompt {has} tokens ({grade}), and the window {window:,}, of which at "
            f"least {least:,} must stay for the answer; nothing was sent.",
            hint="shorten the prompt, or give a larger window where model and memory allow it "
            "(--context in a terminal).",
            prompt=high,
            window=window,
        )


class ModelNotFoundError(LakeletError, LookupError):
    """A model that the store does not have."""


class ModelChoiceError(LakeletError, LookupError):
    """No model was named, and which is meant is not to be known.

    Attributes:
        names: the models there are.
    """

    def __init__(self, message: str, *, hint: str | None = None, names: Iterable[str] = ()) -> None:
        super().__init__(message, hint=hint)
        self.names = list(names)


class OwnedTableError(LakeletError, PermissionError):
    """A table of a pipeline, which only its updates change, or one that Lakelet writes itself."""


class CommandError(LakeletError, ValueError):
    """A command line that does not say what it must."""


class MissingExtraError(LakeletError, ImportError):
    """A feature whose packages are not installed."""

    @classmethod
    def needs(cls, extra: str, what: str) -> Self:
        """``what`` needs the packages of an extra."""
        return cls(
            f"{what} needs packages that are not installed.",
            hint=f"pip install 'lakelet[{extra}]'",
        )
