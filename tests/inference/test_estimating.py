"""Prompt tokens that are estimated from what a server counted before."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelet.inference import Conversation, Embedded, Message
from lakelet.inference.counting import Count, differences
from lakelet.inference.estimating import Seen, Size, estimated, size_of
from lakelet.models import ModelStore

ENGLISH = (
    "How much memory does a language model need?",
    "The answer depends on its weights, its window, and on how many talk to it at once.",
    "Write a short letter to my landlord about the heating, which has been off since May.",
)
KINDS = {
    "numbers": " ".join(str(number * 7919) for number in range(12)),
    "json": '{"name": "item 1", "value": 3.7, "tags": ["a", "b"], "inner": {"x": null}}',
    "code": "def mean(values):\n    return sum(values) / len(values) if values else 0.0\n",
    "chinese": "人工智能语言模型在个人电脑上运行需要多少内存?",
    "letters": "A" * 80,
    "spaces": " " * 80,
    "words": "word " * 20,
    "russian": "Языковые модели можно запускать на своём компьютере.",
}  # fmt: skip


def _size(pieces: int, words: int = 10_000) -> Size:
    return Size(4 * pieces, pieces, words)


def _said(text: str) -> Conversation:
    return Conversation((Message("user", text),))


def test_nothing_learned_is_a_wide_span() -> None:
    count = estimated(_size(100), [])
    assert (count.low, count.high, count.grade) == (1, 412, "estimated")
    assert estimated(_size(100), [Seen(75, 80)] * 2) == count  # too few


def test_a_prompt_far_longer_than_any_seen_is_not_guessed() -> None:
    seen = [Seen(100, 100), Seen(110, 112), Seen(120, 120)]
    assert estimated(_size(180), seen).high < 240
    assert estimated(_size(181), seen).high == 4 * 181 + 12


def test_size_counts_bytes_pieces_words_and_messages() -> None:
    one, empty = size_of(_said("é is 20 km, unbelievably")), size_of(_said(""))
    assert one.bytes - empty.bytes == 25
    # é, is, 2, 0, km, a comma, and two of a word of twelve letters.
    assert (one.pieces - empty.pieces, one.words) == (8, 5)
    two = Conversation((Message("user", ""), Message("assistant", "abc", "thought")))
    assert size_of(two).bytes - 2 * empty.bytes == 10
    assert size_of(two).words == 1  # a server may leave thoughts out


@given(
    st.floats(0, 60), st.floats(0.5, 3),
    st.lists(st.integers(5, 3000), min_size=3, max_size=30), st.data(),
)  # fmt: skip
def test_a_server_that_counts_by_a_line_is_never_outside(
    template: float, rate: float, sizes: list[int], data: st.DataObject
) -> None:
    """Whatever the template adds, and however alike the prompts were from which it was learned."""

    def counted(pieces: int) -> int:
        return max(1, round(template + rate * pieces))

    seen = [Seen(pieces, counted(pieces)) for pieces in sizes]
    pieces = data.draw(st.integers(1, int(1.5 * max(sizes))))
    words = data.draw(st.integers(0, counted(pieces)))
    count = estimated(Size(4 * pieces, pieces, words), seen)
    assert count.low <= counted(pieces) <= count.high


@pytest.mark.parametrize("kind", KINDS)
def test_texts_of_another_kind_do_not_accuse_who_counts_them(trained: Path, kind: str) -> None:
    """A real tokenizer and template: learned by English alone, asked of something else."""
    engine = Embedded(ModelStore(trained))
    for _ in engine.load("tiny-llama"):
        pass
    seen = [Seen(size_of(_said(text)).pieces, engine.count(_said(text)).high) for text in ENGLISH]
    asked = _said(KINDS[kind])
    assert estimated(size_of(asked), seen).low <= engine.count(asked).high
    engine.close()


def test_a_prompt_that_was_cut_to_half_lies_below(trained: Path) -> None:
    engine = Embedded(ModelStore(trained))
    for _ in engine.load("tiny-llama"):
        pass
    asked = _said("What grows in Arnia? " * 20)
    seen = [Seen(size_of(asked).pieces, engine.count(asked).high)] * 3
    assert engine.count(asked).high // 2 < estimated(size_of(asked), seen).low
    engine.close()


def test_half_of_a_window_is_what_a_server_that_cuts_reads() -> None:
    count = Count(40, 120, "estimated", likely=90)
    (wrong,) = differences(count, 64, 128)
    assert "read 64 prompt tokens, half its window, and at least 90 were sent" in wrong
    assert differences(count, 70, 128) == differences(count, 64, 512) == []
    assert "at least 40 were sent" in differences(count, 39, 512)[0]
