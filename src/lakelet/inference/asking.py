"""HTTP with servers of models: a question and its answer, or its stream of events, line by line.

Source: the chat completions of OpenAI's API reference, and what servers make of it: comment lines
in the stream, deltas without content, errors inside a 200.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from lakelet.errors import BusyError, EngineError, OverflowingError, StalledError

__all__ = ("USER_AGENT", "Asking")

USER_AGENT = "lakelet"
"""By which a gateway knows another one, which it tells of models of its own only."""

_LONGEST, _LONGEST_WHOLE = 16 << 20, 1 << 28
"""Bytes of a line of a stream, and of a whole answer: thousands of vectors."""
_BLOCK = 1 << 16
_BUSY = 429
_FIELDS = (b":", b"event", b"id", b"retry")
"""How lines of server-sent events begin that tell no data."""
_BETWEEN = 120.0
"""Seconds that may pass between two pieces of an answer that is being written."""
_WRITING = 3
"""Pieces after which it is: many servers send one before they read the prompt."""


class Asking:
    """A server that is asked.

    Args:
        address: where it is, such as ``http://127.0.0.1:8080``.
        key: what it is shown as a bearer's token; '' for none.
        whose: what it is called in messages.
        seconds: how long nothing may come.
        hint: what to do where it is not there.
    """

    def __init__(
        self, address: str, key: str, whose: str, seconds: float = 600.0, hint: str | None = None
    ) -> None:
        self.address = address
        self.key = key
        self.whose = whose
        self.seconds = seconds
        self.hint = hint
        self._socket: socket.socket | None = None

    def abort(self) -> None:
        """End what is read in another thread: it breaks off there."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """One question, and its answer as JSON.

        Raises:
            EngineError: it does not answer, or not so that it can be read.
        """
        with _Open(self, path, body) as answer:
            try:
                text = answer.read(_LONGEST_WHOLE)
            except TimeoutError:
                raise StalledError(f"{self.whose} said nothing for {self.seconds:.0f} s.") from None
            except (OSError, http.client.HTTPException):
                raise self.broken("broke off amid its answer") from None
            if answer.status >= 400 and not text.lstrip().startswith(b"{"):
                shown = text[:80].decode("utf-8", "replace").strip()
                raise self.broken(f"answered with status {answer.status}: {shown}", answer.status)
            told = self._parsed(text)
            self._refuse_error(told, answer.status)
            return told

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What it says in pieces; whoever stops listening closes the connection.

        Raises:
            EngineError: it breaks off, or says that something is wrong.
        """
        with _Open(self, path, body) as answer:
            self._refuse_status(answer)
            done, said = False, 0
            for line in self._read_lines(answer):
                name, _, value = line.decode("utf-8", "replace").rstrip("\r\n").partition(":")
                if name not in ("data", "error") or not value.strip():
                    if not (said or line.startswith(_FIELDS)):
                        self._refuse_other(line)
                    continue  # comments, and what ends an event
                said += 1
                if said == _WRITING:
                    self._hurry()
                if value.strip() == "[DONE]":
                    if said == 1:
                        raise self.broken("said nothing at all")
                    done = True
                    break
                told = self._parsed(value.encode())
                self._refuse_error(told if name == "data" else {"error": told}, 200)
                yield self._object(told)
            if not done:
                raise self.broken("broke off amid its answer" if said else "answered nothing")

    def lines(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What it says in lines of JSON, of which the last says that it is done.

        Raises:
            EngineError: it breaks off, or says that something is wrong.
        """
        with _Open(self, path, body) as answer:
            self._refuse_status(answer)
            for number, line in enumerate(self._read_lines(answer), 1):
                if number == _WRITING:
                    self._hurry()
                if not line.strip():
                    continue
                told = self._parsed(line)
                self._refuse_error(told, 200)
                yield self._object(told)
                if told.get("done"):
                    return
            raise self.broken("broke off amid its answer")

    def _read_lines(self, answer: http.client.HTTPResponse) -> Iterator[bytes]:
        """Lines of an answer, to its end.

        Raises:
            EngineError: it breaks off.
            StalledError: nothing comes any more, though it has begun.
        """
        left = b""
        try:
            while block := answer.read1(_BLOCK):
                *lines, left = (left + block).split(b"\n")
                yield from lines
                if len(left) > _LONGEST:
                    raise self.broken("says a line without an end")
            if left:
                yield left
        except TimeoutError:
            waited = self._socket.gettimeout() if self._socket is not None else None
            raise StalledError(
                f"{self.whose} has said nothing for {waited or self.seconds:.0f} s amid its answer."
            ) from None
        except (OSError, http.client.HTTPException):
            raise self.broken("broke off amid its answer") from None

    def _hurry(self) -> None:
        """Wait no longer for a piece than who writes them takes."""
        if self._socket is not None:
            self._socket.settimeout(min(self.seconds, _BETWEEN))

    def _refuse_status(self, answer: http.client.HTTPResponse) -> None:
        """Refuse an answer that says by its status that something is wrong."""
        if answer.status == 200:
            return
        try:
            text = answer.read(_LONGEST)
        except (OSError, http.client.HTTPException):
            text = b""
        told = _json(text)
        if told is not None:
            self._refuse_error(told, max(answer.status, 400))
        shown = text[:80].decode("utf-8", "replace").strip()
        raise self.broken(
            f"answered with status {answer.status}" + f": {shown}" * bool(shown), answer.status
        )

    def _refuse_other(self, line: bytes) -> None:
        """Refuse what is no stream of events, such as an error by itself or a program's page."""
        shown = line[:80].decode("utf-8", "replace").strip()
        self._refuse_error(_json(line), 200)
        if shown:
            raise EngineError(
                f"{self.whose} answered what is no stream of events: {shown!r}.",
                hint=f"is {self.address} the address of its API?",
            )

    def _parsed(self, text: bytes) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise self._no_json(text) from None

    def _object(self, told: Any) -> Any:
        """A piece of a stream, which is an object in every API."""
        if not isinstance(told, dict):
            raise self._no_json(json.dumps(told).encode())
        return told

    def _no_json(self, text: bytes) -> EngineError:
        shown = text[:80].decode("utf-8", "replace")
        return self.broken(f"answered what is no JSON: {shown!r}")

    def _refuse_error(self, told: Any, status: int) -> None:
        """Raise what an answer says is wrong, also inside a 200."""
        error = told.get("error") if isinstance(told, dict) else None
        if error is None and status < 400:
            return
        if isinstance(error, dict):
            self._refuse_overflow(error)
            said = error.get("message") or json.dumps(error)
        else:
            said = error or f"status {status}"
        said = " ".join(str(said).split()).rstrip(".")
        if status == _BUSY:
            raise BusyError(f"{self.whose} says: {said}.", hint="try again in a moment.")
        raise self.broken(f"says: {said}", status)

    def _refuse_overflow(self, error: dict[str, Any]) -> None:
        """The engine's own refusal of a prompt that does not fit: the second lock."""
        kinds = (error.get("type"), error.get("code"))
        if not {"exceed_context_size_error", "context_length_exceeded"} & {*map(str, kinds)}:
            return
        prompt, window = error.get("n_prompt_tokens"), error.get("n_ctx")
        if isinstance(prompt, int) and isinstance(window, int):
            raise OverflowingError.of(prompt, prompt, "exact", window, 1)
        raise OverflowingError(f"{self.whose} refuses the prompt as too long; nothing was said.")

    def broken(self, what: str, status: int = 0) -> EngineError:
        """The error of a server that does not do what it should."""
        error = EngineError(f"{self.whose} {what}.")
        error.status = status
        return error


def _json(text: bytes) -> Any:
    """What a text says as JSON; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


class _Open:
    """A connection, open as long as its answer is read."""

    def __init__(self, asking: Asking, path: str, body: dict[str, Any] | None) -> None:
        self.asking = asking
        self.path = path
        self.body = body

    def __enter__(self) -> http.client.HTTPResponse:
        parts = urlsplit(self.asking.address)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self.connection: http.client.HTTPConnection = kind(
            parts.netloc, timeout=self.asking.seconds
        )
        headers = {"accept": "application/json", "user-agent": USER_AGENT}
        if key := self.asking.key.strip():
            if not key.isascii() or not key.isprintable():
                raise EngineError(f"the key of {self.asking.whose} is no line of ASCII.")
            headers["authorization"] = f"Bearer {key}"
        try:
            self.connection.connect()
            self.asking._socket = self.connection.sock
            if self.body is None:
                self.connection.request("GET", parts.path + self.path, headers=headers)
            else:
                headers["content-type"] = "application/json"
                text = json.dumps(self.body).encode()
                self.connection.request("POST", parts.path + self.path, text, headers)
            self.answer = self.connection.getresponse()
            return self.answer
        except TimeoutError:
            self.connection.close()
            raise StalledError(
                f"{self.asking.whose} said nothing for {self.asking.seconds:.0f} s."
            ) from None
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            said = getattr(error, "strerror", None) or error or type(error).__name__
            raise EngineError(
                f"{self.asking.whose} does not answer at {self.asking.address} ({said}).",
                hint=self.asking.hint,
            ) from None

    def __exit__(self, *_: object) -> None:
        self.asking._socket = None
        self.answer.close()  # the connection does not, where the server ends it
        self.connection.close()
