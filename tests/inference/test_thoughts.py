"""Thoughts in a text, told apart wherever a piece ends."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelet.inference.backend import Text, Thought
from lakelet.inference.thoughts import ThoughtSplitter, without_thoughts


def split(pieces: list[str], *, anywhere: bool = True) -> tuple[str, str]:
    splitter = ThoughtSplitter(anywhere=anywhere)
    events = [event for piece in pieces for event in splitter.feed(piece)] + [*splitter.end()]
    return (
        "".join(one.text for one in events if isinstance(one, Thought)),
        "".join(one.text for one in events if isinstance(one, Text)),
    )


CASES = [
    ("<think>\na\n</think>\n\nb", ("a\n", "b")),
    ("b", ("", "b")),
    ("<think>cut off", ("cut off", "")),
    ("b<think>a</think>c", ("a", "bc")),
    ("<think></think>b", ("", "b")),
    ("a < b and <thin", ("", "a < b and <thin")),
    ("<think>a</thi", ("a</thi", "")),
    ("\n<think>a</think>b", ("a", "\nb")),
    ("</think>\n\nb", ("", "b")),
    ("\n</think>b</think>", ("", "b</think>")),
    ("</thing>", ("", "</thing>")),
]


@pytest.mark.parametrize(("text", "wanted"), CASES)
def test_thoughts_are_told_apart(text: str, wanted: tuple[str, str]) -> None:
    assert split([text]) == wanted
    assert split(list(text)) == wanted


@given(st.sampled_from([text for text, _ in CASES]), st.lists(st.integers(0, 30), max_size=6))
def test_it_does_not_matter_where_a_piece_ends(text: str, places: list[int]) -> None:
    cuts = sorted({0, len(text), *(place for place in places if place < len(text))})
    pieces = [text[a:b] for a, b in pairwise(cuts)]
    assert split(pieces) == split([text])


def test_a_text_about_the_tags_stays_a_text() -> None:
    text = "Write <think> before and </think> after."
    assert split(list(text), anywhere=False) == ("", text)
    assert split(["<think>a</think>", text], anywhere=False) == ("a", text)


def test_old_thoughts_do_not_go_back() -> None:
    assert without_thoughts("<think>a</think>\n\nThe answer.") == "The answer."
    assert without_thoughts("The answer.") == "The answer."
