"""The one shape of every error, for people and for programs."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from lakelet.errors import (
    CommandError,
    ConflictError,
    InvalidNameError,
    LakeletError,
    LockedError,
    ModelNotFoundError,
    PipelineError,
    RunNotFoundError,
    SchemaError,
    SqlError,
    StorageError,
    TableNotFoundError,
    UnreachableError,
    VersionNotFoundError,
)

__all__ = ("RequestError", "failure_of", "failure_response", "wants_page")

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (TableNotFoundError, 404),
    (VersionNotFoundError, 404),
    (RunNotFoundError, 404),
    (ModelNotFoundError, 404),
    (InvalidNameError, 404),
    (ConflictError, 409),
    (LockedError, 409),
    (UnreachableError, 503),
    (SqlError, 400),
    (SchemaError, 400),
    (CommandError, 400),
    (PipelineError, 400),
    (StorageError, 409),
    (LakeletError, 409),
)


class RequestError(Exception):
    """What went wrong with a request, by a status and in words.

    Attributes:
        status: the HTTP status.
        kind: a word for programs.
        message: what happened, to what, and what state was left.
        hint: what to do next.
    """

    def __init__(self, status: int, kind: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.hint = status, kind, message, hint

    @classmethod
    def not_found(cls, what: str, hint: str | None = None) -> RequestError:
        """Nothing is there."""
        return cls(404, "not found", what, hint)


def failure_of(error: Exception) -> RequestError:
    """An error as what is told of it; nothing is told of one that nobody foresaw."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, LakeletError):
        status = next(code for kind, code in _STATUS if isinstance(error, kind))
        word = type(error).__name__.removesuffix("Error")
        return RequestError(status, word, error.message, error.hint)
    return RequestError(
        500, "unforeseen", "something went wrong here that was not foreseen; nothing was changed.",
        "the terminal in which `lakelet up` runs says more.",
    )  # fmt: skip


def failure_response(kind: str, message: str, hint: str | None, *, status: int) -> JSONResponse:
    """An error for programs."""
    body: dict[str, Any] = {"error": {"kind": kind, "message": message, "hint": hint}}
    return JSONResponse(body, status_code=status)


def wants_page(request: Request) -> bool:
    """Whether a person asks: a browser, for something that is no twin for programs."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.endswith(
        ".json"
    )
