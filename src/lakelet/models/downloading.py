"""A model's file from an address, piece by piece: what was cut off goes on where it ended.

What has come lies beside the store's files under a name made of the address, with what the server
called that version of it (its ``ETag``): another version is fetched anew, never mixed with the old.

Source: RFC 9110, sections 14 (range requests) and 13.1.5 (If-Range); the header
``X-Linked-Etag``, in which Hugging Face tells the SHA-256 of a large file.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from lakelet.errors import CommandError, LakeletError, ModelFileError
from lakelet.models.digest import Progress, digest_of, refuse_without_room
from lakelet.models.store import ModelStore
from lakelet.workspace.locks import try_hold
from lakelet.workspace.steps import declare, make_folder, remove_tree, step, write_file

__all__ = (
    "Downloaded",
    "Wanted",
    "address_beside",
    "download",
    "fetch_blob",
    "is_address",
    "name_of_address",
)

_FOLDER = declare("models.downloads", "the folder of what is being fetched is there")
_NOTE = declare("models.download_note", "what is being fetched is known by its version")
_PIECE = declare("models.download_piece", "a piece of a model's file has come")
_SWEEP = declare("models.download_over", "what was fetched is forgotten")
_MOVED = declare(
    "models.fetched_file", "a file that was fetched is among the store's, without a name"
)
_SECONDS = 5.0
"""How long a server may say nothing."""
_TRIES = 5
"""How often in a row a transfer may be cut off without a byte more."""
_PAUSE = 0.5
_BLOCK = 1 << 20
_MAGIC = b"GGUF"
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Downloaded:
    """A file that has come whole.

    Attributes:
        path: where it lies.
        digest: its SHA-256.
    """

    path: Path
    digest: str


def is_address(source: str) -> bool:
    """Whether something is the address of a file."""
    return source.lower().startswith(("http://", "https://"))


def name_of_address(address: str) -> str:
    """The name of a file by its address."""
    return Path(unquote(urlsplit(address).path)).name


def address_beside(address: str, name: str) -> str:
    """The address of a file of another name beside one."""
    parts = urlsplit(address)
    path = f"{parts.path.rpartition('/')[0]}/{quote(name)}"
    return urlunsplit(parts._replace(path=path))


@dataclass(frozen=True)
class Wanted:
    """A file that is to be fetched.

    Attributes:
        address: where it is.
        called: what it is, whatever its address is this time; '' for the address.
        sha256: what its SHA-256 has to be; '' for as the server says.
        headers: to be sent along, to this address only.
        begins: what its first bytes must be.
    """

    address: str
    called: str = ""
    sha256: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    begins: bytes = _MAGIC

    @property
    def name(self) -> str:
        """What it is called in messages, and by which it is known the next time."""
        return self.called or self.address


def fetch_blob(store: ModelStore, wanted: Wanted, progress: Progress) -> Path:
    """Fetch a file, and make it one of a store's own; where it lies then.

    Raises:
        CommandError: as :func:`download`.
        ModelFileError: as :func:`download`.
        StorageError: the disk has no room.
    """
    come = download(wanted, store.root / "downloads", progress)

    def moved(part: Path) -> str:
        with step(_MOVED):
            come.path.replace(part)
        return come.digest

    place = store.take_blob(moved)
    remove_tree(_SWEEP, come.path.with_suffix(".json"))  # the lock stays: another may wait for it
    return place


def download(wanted: Wanted, folder: Path, progress: Progress) -> Downloaded:
    """Fetch a file, or go on with one that was cut off.

    Args:
        wanted: the file.
        folder: where what has come lies meanwhile.
        progress: told of bytes that have come, and of all.

    Raises:
        CommandError: the server is not reached, says no, or breaks off again and again; what has
            come is kept for the next time.
        ModelFileError: it is no model's file, or its SHA-256 is another one; it is deleted then.
        StorageError: the disk has no room.
    """
    make_folder(_FOLDER, folder)
    part = folder / f"{hashlib.sha256(wanted.name.encode()).hexdigest()[:24]}.part"
    with try_hold(part.with_suffix(".lock")) as ours:
        if not ours:
            raise CommandError(f"{wanted.name} is being fetched already; nothing was begun.")
        promised = _Transfer(wanted, part, progress).run()
        found = digest_of(part)
        promised = wanted.sha256.lower() or promised
        if promised and found != promised:
            remove_tree(_SWEEP, part)
            raise ModelFileError(
                f"{wanted.name}: its SHA-256 is {found}, and {promised} was promised; it was "
                "deleted.",
                hint="fetch it again; where that says the same, the file is not the one promised.",
            )
        return Downloaded(part, found)


class _Transfer:
    """A file on its way."""

    def __init__(self, wanted: Wanted, part: Path, progress: Progress) -> None:
        self.wanted = wanted
        self.called = wanted.name
        self.part = part
        self.note = part.with_suffix(".json")
        self.progress = progress

    def run(self) -> str:
        """Fetch what is missing; the SHA-256 that the server promises, '' where it does not."""
        failed = 0
        while True:
            before = self._come()
            try:
                promised = self._once()
                if promised is not None:
                    return promised
                why = "the transfer was cut off"
            except LakeletError:
                raise
            except (OSError, http.client.HTTPException) as error:
                why = str(getattr(error, "reason", None) or error) or type(error).__name__
                if not before and not self._come():
                    raise self._unreached(why) from None
            failed = 0 if self._come() > before else failed + 1
            if failed >= _TRIES:
                raise CommandError(
                    f"{self.called}: {why}, {_TRIES} times in a row; {self._come():,} bytes are "
                    "kept.",
                    hint="the same command goes on from there.",
                )
            time.sleep(_PAUSE * 2**failed if failed else 0)

    def _come(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _known(self) -> dict[str, Any]:
        try:
            found = json.loads(self.note.read_text("utf-8"))
            return found if isinstance(found, dict) else {}
        except (OSError, ValueError):
            return {}

    def _once(self) -> str | None:
        """One answer of the server, as far as it comes; None where more is missing after it."""
        come, known = self._come(), self._known()
        headers = {"user-agent": "lakelet", "accept-encoding": "identity"}
        if come and (known.get("etag") or self.wanted.sha256):
            headers["range"] = f"bytes={come}-"
            if known.get("etag"):
                headers["if-range"] = str(known["etag"])
        request = urllib.request.Request(self.wanted.address, headers=headers)
        for name, value in self.wanted.headers.items():
            request.add_unredirected_header(name, value)  # a token is for this address alone
        try:
            answer = urllib.request.urlopen(request, timeout=_SECONDS)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416 and known.get("length") == come:
                    return str(known.get("sha256", ""))
                raise self._refused(error) from None
        with answer:
            begin, whole = self._place(answer, come)
            etag = answer.headers.get("etag", "")
            linked = (answer.headers.get("x-linked-etag") or "").strip('"').removeprefix("W/")
            promised = linked if _SHA256.fullmatch(linked) else str(known.get("sha256", ""))
            told = {"file": self.called, "length": whole, "sha256": promised,
                    "etag": "" if etag.startswith("W/") else etag}  # fmt: skip
            write_file(_NOTE, self.note, json.dumps(told).encode())
            if whole:
                refuse_without_room(self.part.parent, whole - begin, self.called)
            self._take(answer, begin, whole)
        return promised if not whole or self._come() == whole else None

    def _place(self, answer: Any, come: int) -> tuple[int, int]:
        """Where the answer begins in the file, and how long that is; 0 where it does not say."""
        if answer.status == 206:
            said = _RANGE.fullmatch(answer.headers.get("content-range", ""))
            if said is not None and int(said[1]) == come:
                return come, int(said[2])
            raise CommandError(f"{self.called}: the server sent another piece than was asked for.")
        length = answer.headers.get("content-length", "")
        return 0, int(length) if length.isdecimal() else 0

    def _take(self, answer: Any, begin: int, whole: int) -> None:
        with step(_PIECE), self.part.open("ab" if begin else "wb", 0) as file:
            come = begin
            while block := answer.read1(_BLOCK):
                if come == 0 and not block.startswith(self.wanted.begins[: len(block)]):
                    raise ModelFileError(
                        f"{self.called} is no GGUF file: it begins with {block[:12]!r}; nothing "
                        "was added.",
                        hint="a page about a file is not the file: take the download's address.",
                    )
                file.write(block)
                come += len(block)
                self.progress(come, whole)

    def _refused(self, error: urllib.error.HTTPError) -> CommandError:
        said, hint = f"{self.called} answers {error.code} {error.reason}", None
        if error.code in (401, 403):
            hint = "it wants to know who asks: fetch the file by hand, and add it by its path."
        elif error.code == 404:
            hint = "there is no such file: look at the address."
        elif error.code == 429:
            later = error.headers.get("retry-after")
            hint = f"try again {f'in {later} seconds' if later else 'later'}."
        kept = f"; {self._come():,} bytes are kept" if self._come() else "; nothing was added"
        return CommandError(f"{said}{kept}.", hint=hint)

    def _unreached(self, why: str) -> CommandError:
        return CommandError(
            f"{self.called} is not reached ({why}); nothing was added.",
            hint="without a network, add a file of this machine: `lakelet models add FILE`.",
        )
