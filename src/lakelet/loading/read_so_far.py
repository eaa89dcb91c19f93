"""How much of its files a load has read, as a bar shows it: it never goes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lakelet.loading.source_file import SourceFile

__all__ = ("ReadSoFar",)


class ReadSoFar:
    """Bytes read of the bytes to be read, over all batches, and over the first look at some."""

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        """Begin with nothing to be read.

        Args:
            tell: told the bytes read and the bytes to be read.
        """
        self.tell, self.whole = tell, 0
        self._ended = self._now = self._now_whole = 0
        self._of: dict[int, int] = {}

    def will_read(self, sizes: Iterable[int]) -> None:
        """Take files into account, which are read once each."""
        self.whole += sum(sizes)

    def begin(self, sizes: Iterable[int]) -> None:
        """Begin with the next files; what of the ones before was left out counts as read."""
        self._ended += self._now_whole
        self._now_whole = sum(sizes)
        self._now, self._of = 0, {}

    def note(self, source: SourceFile) -> None:
        """Take down how much of a file was read; one may be read more than once."""
        before = self._of.get(source.index, 0)
        read = min(source.bytes_read, source.entry.size)
        if read > before:
            self._of[source.index] = read
            self._now += read - before
        self.tell(self._ended + self._now, self.whole)
