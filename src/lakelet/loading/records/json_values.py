"""Records out of a JSON file that is one array, one object, or values behind one another."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable, Iterator
from itertools import pairwise

from lakelet.loading.records.block import Bad, Block
from lakelet.loading.records.lines import MAX_RECORD, has_bad_bytes, line_blocks
from lakelet.loading.records.text import show_bytes

__all__ = ("MAX_KEPT", "json_blocks")

MAX_KEPT = 1 << 20
"""Characters of a broken file's rest that are kept as its rejected row."""

_SPACE = re.compile(r"[ \t\n\r]*")
_BLOCK = 1 << 20
_LOOKED_AT = 50
"""Lines at the head of a file that tell its form."""
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_BEHIND = ("}{", "} {")
"""What stands in a line with several objects, or in a text."""


def json_blocks(texts: Iterable[tuple[str, bool]]) -> Iterator[Block]:
    """The records of a JSON file, its form told apart by its first bytes.

    ``[`` begins an array, whose elements are the records. ``{`` begins lines when the first line
    is an object by itself, or was cut before lines that are; else objects that may span lines.
    """
    iterator = iter(texts)
    head: list[tuple[str, bool]] = []
    start = ""
    for text, dirty in iterator:
        head.append((text, dirty))
        start += text
        if start.lstrip().count("\n") >= _LOOKED_AT or len(start) > _BLOCK:
            break
    stripped = start.lstrip()
    everything = _chain(head, iterator)
    if stripped.startswith("["):
        yield from _Splitter(everything).array()
    elif not stripped.startswith("{") or _is_line(stripped):
        for block in line_blocks(everything):
            yield _with_objects_apart(block)
    else:
        yield from _Splitter(everything).sequence()


def _chain(
    head: list[tuple[str, bool]], rest: Iterator[tuple[str, bool]]
) -> Iterator[tuple[str, bool]]:
    yield from head
    yield from rest


def _is_line(text: str) -> bool:
    """Whether a first line is a record by itself, or broken in a way lines can be broken.

    A pretty-printed object's first line leaves a bracket open, which a line that was cut does too:
    then the lines behind it decide. One line of objects that never ends is read object by object.
    """
    line, end, rest = text.partition("\n")
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        line = line.rstrip()
        if error.msg == "Extra data":
            return bool(end)
        closed = error.pos < len(line) and not line.endswith(("{", ",", "["))
        return closed or _are_lines(rest)
    except RecursionError:
        return bool(end)
    return True


def _are_lines(text: str) -> bool:
    """Whether two lines behind one another are objects, with nothing between them but the break.

    Inside an object or an array a comma would stand there; and a last line that is an object
    does not end the one that was left open.
    """
    lines = [line for line in text.split("\n", _LOOKED_AT)[:_LOOKED_AT] if line.strip()]
    whole = [_is_object(line) for line in lines]
    return whole == [True] or any(one and other for one, other in pairwise(whole))


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (json.JSONDecodeError, RecursionError):
        return False


def _with_objects_apart(block: Block) -> Block:
    """A block of lines, those that hold several objects cut into these."""
    text = block.uncut
    if text is not None and not any(mark in text for mark in _BEHIND):
        return block
    records, lines, apart = [], array("q"), False
    for line, record in zip(block.lines, block.records, strict=True):
        found = _objects(record) if any(mark in record for mark in _BEHIND) else []
        apart = apart or len(found) > 1
        records += found or [record]
        lines.extend([line] * (len(found) or 1))
    return Block(records, lines, block.bad, block.size) if apart else block


def _objects(line: str) -> list[str]:
    """The objects of a line that holds nothing else; none where that is not so."""
    scan = json.JSONDecoder(strict=True).raw_decode
    found: list[str] = []
    at = 0
    while at < len(line):
        try:
            value, end = scan(line, at)
        except (json.JSONDecodeError, RecursionError):
            return []
        if not isinstance(value, dict):
            return []
        found.append(line[at:end])
        match = _SPACE.match(line, end)
        at = match.end() if match else end
    return found


class _Splitter:
    """Finds where each value of a text ends, reading on as needed."""

    def __init__(self, texts: Iterator[tuple[str, bool]]) -> None:
        self.texts = texts
        self.buffer = ""
        self.at = 0
        self.line = 1
        self.offset = 0
        self.ended = False
        self.scan = json.JSONDecoder(strict=True).raw_decode

    def more(self) -> bool:
        """Read on, doubling what is in the buffer; False at the end of the text."""
        parts = [self.buffer[self.at :]]
        self.offset += self.at
        self.at = 0
        wanted, got = max(len(parts[0]), 1), 0
        while got < wanted and not self.ended:
            text, _ = next(self.texts, ("", False))
            self.ended = not text
            parts.append(text)
            got += len(text)
        self.buffer = "".join(parts)
        return got > 0

    def skip(self, mark: str = "") -> bool:
        """Pass white space, then ``mark``; whether the mark was there."""
        while True:
            match = _SPACE.match(self.buffer, self.at)
            end = match.end() if match else self.at
            self.line += self.buffer.count("\n", self.at, end)
            self.at = end
            if end < len(self.buffer) or not self.more():
                break
        if mark and self.buffer.startswith(mark, self.at):
            self.at += 1
            return True
        return not mark

    def value(self) -> tuple[int, str] | str:
        """Line and text of the next value, or why there is none."""
        while True:
            try:
                _, end = self.scan(self.buffer, self.at)
            except json.JSONDecodeError as error:
                early = error.pos < len(self.buffer) - 64 and not error.msg.startswith("Unterm")
                if early or len(self.buffer) - self.at > MAX_RECORD or not self.more():
                    return error.msg.lower()
                continue
            except RecursionError:
                end = self._end_of_nested()
            if end < len(self.buffer) or not self.more():
                break
        text, line = self.buffer[self.at : end], self.line
        self.line += text.count("\n")
        self.at = end
        return line, text

    def _end_of_nested(self) -> int:
        """Where a value ends whose brackets are too many for a parser; at the end without one."""
        while True:
            depth = 0
            for token in _TOKEN.finditer(self.buffer, self.at):
                depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
                if not depth:
                    return token.end()
            if len(self.buffer) - self.at > MAX_RECORD or not self.more():
                return len(self.buffer)

    def rest(self, reason: str) -> Bad:
        """Everything from here on, as one thing that is not a record."""
        line, offset = self.line, self.offset + self.at
        kept, length = self.buffer[self.at : self.at + MAX_KEPT], len(self.buffer) - self.at
        for text, _ in self.texts:
            length += len(text)
        reason = f"broken JSON from character {offset} on: {reason}"
        if length > MAX_KEPT:
            reason += f"; the first {MAX_KEPT} of {length} characters are kept here"
        return Bad(line, show_bytes(kept), reason)

    def array(self) -> Iterator[Block]:
        """The elements of one array."""
        self.skip("[")
        blocks = _Collector()
        first = True
        while True:
            self.skip()
            if first and self.skip("]"):
                break
            found = self.value()
            if isinstance(found, str):
                blocks.bad.append(self.rest(found))
                yield blocks.take()
                return
            if blocks.add(found):
                yield blocks.take()
            first = False
            self.skip()
            if self.skip("]"):
                break
            if not self.skip(","):
                wrong = "a comma or the end of the array is missing"
                blocks.bad.append(self.rest(wrong))
                yield blocks.take()
                return
        self.skip()
        if self.at < len(self.buffer):
            blocks.bad.append(self.rest("text behind the end of the array"))
        yield blocks.take()

    def sequence(self) -> Iterator[Block]:
        """Values behind one another."""
        blocks = _Collector()
        self.skip()
        while self.at < len(self.buffer):
            found = self.value()
            if isinstance(found, str):
                blocks.bad.append(self.rest(found))
                break
            if blocks.add(found):
                yield blocks.take()
            self.skip()
        yield blocks.take()


class _Collector:
    """Gathers values into blocks."""

    def __init__(self) -> None:
        self.records: list[str] = []
        self.lines = array("q")
        self.bad: list[Bad] = []
        self.size = 0

    def add(self, value: tuple[int, str]) -> bool:
        """Take a value in; whether the block is big enough now."""
        line, text = value
        if has_bad_bytes(text):
            self.bad.append(Bad(line, show_bytes(text), "bytes that are not UTF-8"))
            return False
        self.lines.append(line)
        self.records.append(text)
        self.size += len(text)
        return self.size > _BLOCK

    def take(self) -> Block:
        """The block so far; a new one begins."""
        block = Block(self.records, self.lines, self.bad, self.size)
        self.__init__()  # type: ignore[misc]
        return block
