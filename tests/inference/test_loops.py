"""Loops in answers: what repeats itself to the end, and what only looks like it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lakelet.inference import Text, Thought
from lakelet.inference.loops import LoopWatch


def stopped_after(pieces: list[str], kind: type[Text | Thought] = Text) -> int | None:
    watch = LoopWatch()
    for number, piece in enumerate(pieces, 1):
        if watch.looped(kind(piece)):
            return number
    return None


UNIT = [f" word{number}" for number in range(8)]


def test_eight_tokens_six_times_is_a_loop() -> None:
    assert stopped_after(["Once", *UNIT * 10]) == 1 + 48
    assert stopped_after(["Once", *UNIT * 10], Thought) == 1 + 48
    assert stopped_after(["Once", *UNIT * 5, *UNIT[:7]]) is None


def test_one_token_again_and_again_is_a_loop() -> None:
    assert stopped_after([" no"] * 100) == 48


def test_seven_tokens_are_a_loop_only_as_fourteen() -> None:
    assert stopped_after(UNIT[:7] * 20) == 7 * 2 * 6


def test_what_ends_otherwise_is_none() -> None:
    numbered = [piece for number in range(40) for piece in (f"{number}", ". ", *UNIT)]
    assert stopped_after(numbered) is None


def test_code_may_repeat_itself() -> None:
    assert stopped_after(["```", "python\n", *UNIT * 20]) is None
    assert stopped_after(["``", "`\n", *UNIT * 20]) is None
    assert stopped_after(["```\n", *UNIT * 20, "\n```", "\n", *UNIT * 6]) is not None
    assert stopped_after([*UNIT * 5, "```", "```", *UNIT * 5]) is None
    assert stopped_after(["``", "``", "``", *UNIT * 6]) == 3 + 48  # two fences of six signs


def test_thought_and_text_are_apart() -> None:
    watch = LoopWatch()
    told = [Thought(one) for one in UNIT * 3] + [Text(one) for one in UNIT * 3]
    assert not any(watch.looped(one) for one in told)


PIECE = st.text(alphabet="ab`", min_size=1, max_size=3)


@given(st.lists(st.tuples(st.lists(PIECE, max_size=14), st.integers(1, 8)), max_size=6))
def test_it_agrees_with_the_definition(parts: list[tuple[list[str], int]]) -> None:
    """Against the definition written out: outside code, a unit of 8 to 256, six times to the end."""
    pieces = [piece for unit, times in parts for piece in unit * times]
    text, start, expected = "", 0, None
    for number, piece in enumerate(pieces, 1):
        fences = text.count("```")
        text += piece
        if text.count("```") != fences:
            start = number
        if text.count("```") % 2 or start == number:
            continue
        seen = pieces[start:number]
        for size in range(8, len(seen) // 6 + 1):
            if seen[-size * 6 :] == seen[-size:] * 6:
                expected = number
        if expected is not None:
            break
    assert stopped_after(pieces) == expected
