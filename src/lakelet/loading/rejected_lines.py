"""The rejected rows of one raw file, read from it once more.

A rejected row is known by the line it began on. It can be told from its neighbours when nothing
else began there: then whatever a new reading finds from that line up to where the next record began
stands in its place. What cannot be told apart, and what a new reading does not find, is handed on
as it was, so that every row comes out again as one or more records, or as itself.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lakelet.loading.options import ReadOptions
from lakelet.loading.records.block import Bad, Block
from lakelet.loading.source_file import Layout, SourceFile

__all__ = ("RejectedLines",)

_END = 1 << 62


@dataclass
class RejectedLines(SourceFile):
    """A raw file of which only the rejected rows are read.

    Attributes:
        rejected: the rows, by batch order.
        first: how the file was read when they were rejected.
    """

    rejected: list[Bad] = field(default_factory=list)
    first: ReadOptions = field(default_factory=ReadOptions)

    def blocks(self) -> Iterator[tuple[Layout, Block]]:
        """What stands at the rejected rows' places now, and the rows that keep theirs.

        Raises:
            FileUnreadableError: the file cannot be read as a whole.
            FileChangedError: it changed while it was read; what was yielded must not be used.
        """
        ends = self._places()
        starts = sorted(ends)
        hit: set[int] = set()
        open_at: int | None = None
        layout = Layout("json")
        for layout, block in SourceFile.blocks(self):
            chosen = [i for i, line in enumerate(block.lines) if _within(line, starts, ends)]
            bad = [one for one in block.bad if _within(one.line, starts, ends)]
            for line in sorted([*block.lines, *(one.line for one in block.bad)]):
                if open_at is not None:
                    hit.update(starts[bisect_left(starts, open_at) : bisect_left(starts, line)])
                open_at = _within(line, starts, ends) or None
            if chosen or bad:
                records = [block.records[i] for i in chosen]
                lines = array("q", [block.lines[i] for i in chosen])
                yield layout, Block(records, lines, bad, sum(map(len, records)))
        if open_at is not None:
            hit.update(starts[bisect_left(starts, open_at) :])
        kept = [one for one in self.rejected if one.line not in hit]
        if kept:
            yield layout, Block([], array("q"), kept)

    def _places(self) -> Mapping[int, int]:
        """Lines on which a rejected row alone began, with the line where the next record did."""
        lines = Counter(one.line for one in self.rejected)
        begun: Counter[int] = Counter()
        ends: dict[int, int] = {}
        open_at: int | None = None
        before = SourceFile(
            self.index, self.name, self.entry, self.storage, self.first, self.temp, self.names
        )
        for _, block in before.blocks():
            for line in sorted([*block.lines, *(one.line for one in block.bad)]):
                if open_at is not None and line > open_at:
                    ends[open_at] = line
                    open_at = None
                if line in lines:
                    begun[line] += 1
                    open_at = line
        if open_at is not None:
            ends[open_at] = _END
        return {line: end for line, end in ends.items() if lines[line] == begun[line] == 1}


def _within(line: int, starts: Sequence[int], ends: Mapping[int, int]) -> int:
    """The rejected row within which a line lies, by the line it began on; 0 without one."""
    index = bisect_right(starts, line) - 1
    return starts[index] if index >= 0 and line < ends[starts[index]] else 0
