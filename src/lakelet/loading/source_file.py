"""A raw file on its way into a table: opened, read as records, checked to be the file listed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from lakelet.errors import StorageError, UnreachableError
from lakelet.lake.storage import FileEntry, Storage, is_remote
from lakelet.lake.storage.find import without_query
from lakelet.lake.types import Column
from lakelet.loading.options import ReadOptions
from lakelet.loading.records.block import Block, FileUnreadableError
from lakelet.loading.records.bytes import Readable, byte_blocks
from lakelet.loading.records.csv_rows import read_csv_rows
from lakelet.loading.records.json_values import json_blocks
from lakelet.loading.records.lines import line_blocks
from lakelet.loading.records.parquet_rows import local_parquet, parquet_blocks, parquet_columns
from lakelet.loading.records.text import text_blocks
from lakelet.workspace.steps import declare, remove_tree

__all__ = ("FileChangedError", "Layout", "SourceFile")

_FORGET = declare("load.forget", "the copy of a Parquet file of a bucket is gone")


class FileChangedError(Exception):
    """A file that is not, after reading, what it was when it was listed."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the records of a file look like to the converter.

    Attributes:
        kind: ``json``, ``csv``, ``text`` or ``parquet``.
        header: the columns of a CSV file.
        delimiter: what stands between its fields.
    """

    kind: str
    header: tuple[str, ...] = ()
    delimiter: str = ""


@dataclass
class SourceFile:
    """One file of a load.

    Attributes:
        index: its number within the batch.
        name: what the ledger calls it: its path from the workspace where it lies in it.
        entry: the file as it was listed.
        storage: where it is.
        options: how it is read.
        temp: the folder for temporary files.
        names: columns the table has, in lower case; a first CSV line with these is a header.
        declared: the columns that a Parquet file declares.
        decided: what was decided about a CSV header, for a person.
        named: the columns that a CSV file's own header names.
        bytes_read: how much of it has been read, compressed.
    """

    index: int
    name: str
    entry: FileEntry
    storage: Storage
    options: ReadOptions
    temp: Path
    names: frozenset[str] = frozenset()
    decided: str = ""
    named: tuple[str, ...] = ()
    declared: list[Column] = field(default_factory=list)
    bytes_read: int = 0

    @property
    def format(self) -> str:
        """The file's format."""
        return self.options.format_of(without_query(self.entry.path))

    def blocks(self) -> Iterator[tuple[Layout, Block]]:
        """Its records, block by block.

        Raises:
            FileUnreadableError: it cannot be read as a whole.
            FileChangedError: it changed while it was read; what was yielded must not be used.
        """
        try:
            with closing(self.storage.open(self.entry.path)) as file:
                yield from self._parquet(file) if self.format == "parquet" else self._read(file)
        except UnreachableError:
            # The file is not to blame, so it is not set aside: the load ends and goes on later.
            raise
        except StorageError as error:
            if self._is_gone():
                raise FileChangedError(f"{self.entry.path} is gone") from None
            raise FileUnreadableError(error.message) from None
        except OSError as error:
            raise FileUnreadableError(f"it cannot be read: {error.strerror or error}") from None
        now = self.storage.entry(self.entry.path)
        if now is None or (now.size, now.etag) != (self.entry.size, self.entry.etag):
            raise FileChangedError(f"{self.entry.path} changed while it was read")

    def _is_gone(self) -> bool:
        try:
            return self.storage.entry(self.entry.path) is None
        except UnreachableError:
            raise
        except StorageError:  # there, but nobody may look at it
            return False

    def _parquet(self, file: BinaryIO) -> Iterator[tuple[Layout, Block]]:
        remote = is_remote(self.entry.path)
        path = Path(self.entry.path)
        if remote:
            path = local_parquet(_Counted(file, self), self.temp, f"{self.index}.parquet")
        try:
            self.declared = parquet_columns(str(path))
            yield from ((Layout("json"), block) for block in parquet_blocks(str(path)))
        finally:
            if remote:
                remove_tree(_FORGET, path)

    def _read(self, file: BinaryIO) -> Iterator[tuple[Layout, Block]]:
        texts = text_blocks(byte_blocks(_Counted(file, self)), self.options.encoding)
        kind = self.format
        if kind in ("csv", "tsv"):
            rows = read_csv_rows(texts, kind, self.options, self.names)
            self.decided = rows.decided
            self.named = rows.header if rows.named else ()
            layout = Layout("csv", rows.header, self.options.delimiter_of(kind))
            yield from ((layout, block) for block in rows.blocks)
        elif kind == "text":
            yield from ((Layout("text"), block) for block in line_blocks(texts, keep_empty=True))
        else:
            blocks = json_blocks(texts) if kind == "json" else line_blocks(texts)
            yield from ((Layout("json"), block) for block in blocks)


class _Counted:
    """Counts what is read, for the progress of the load."""

    def __init__(self, file: Readable, source: SourceFile) -> None:
        self.file = file
        self.source = source

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.source.bytes_read += len(data)
        return data
