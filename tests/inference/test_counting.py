"""What fits a window, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelet.errors import OverflowingError
from lakelet.inference.counting import Count, bounded, room_for


@given(
    low=st.integers(0, 100_000), more=st.integers(0, 1000), window=st.integers(1, 100_000),
    asked=st.none() | st.integers(1, 200_000),
)  # fmt: skip
def test_prompt_and_answer_are_never_more_than_the_window(
    low: int, more: int, window: int, asked: int | None
) -> None:
    count = Count(low, low + more, "estimated")
    try:
        room = room_for(count, window, asked)
    except OverflowingError as error:
        assert (error.prompt, error.window) == (count.high, window)
        assert window - count.high < (1 if asked else max(1, window // 8))
        return
    assert count.high + room.tokens <= window
    assert room.tokens >= 1
    if asked is None:
        assert room.tokens == window - count.high >= window // 8
    else:
        assert room.tokens == min(asked, window - count.high)
        assert room.lowered == (asked > room.tokens)


def test_an_eighth_stays_for_the_answer() -> None:
    assert room_for(Count.exact(7168), 8192, None).tokens == 1024
    with pytest.raises(OverflowingError, match=r"7,169 tokens \(exact\).*8,192.*1,024"):
        room_for(Count.exact(7169), 8192, None)
    assert room_for(Count.exact(8191), 8192, 5).tokens == 1
    assert room_for(Count.exact(8191), 8192, 5).lowered


def test_few_bytes_fit_whatever_the_tokenizer() -> None:
    found = bounded("é" * 10, 122, 100)
    assert found is not None
    count, room = found
    assert (count, room.tokens, room.lowered) == (Count(1, 22, "bounded"), 100, False)
    assert bounded("é" * 10, 121, 100) is None
    # Without a number an eighth of the window is kept, and all that is sure to be left is told.
    free = bounded("a" * 10, 96, None)
    assert free is not None and free[1].tokens == 84
    assert bounded("a" * 83, 96, None) is None
