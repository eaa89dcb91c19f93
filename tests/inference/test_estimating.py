"""Prompt tokens that are estimated from what a server counted before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lakelet.inference import Conversation, Message
from lakelet.inference.estimating import Seen, estimated, length_of


def test_nothing_learned_is_a_wide_span() -> None:
    count = estimated(400, [])
    assert (count.low, count.high, count.grade) == (1, 412, "estimated")
    assert estimated(400, [Seen(300, 80)] * 2) == count  # too few


def test_a_prompt_far_longer_than_any_seen_is_not_guessed() -> None:
    seen = [Seen(100, 25), Seen(110, 28), Seen(120, 30)]
    assert estimated(180, seen).high < 60
    assert estimated(181, seen).high == 193


def test_length_counts_bytes_and_messages() -> None:
    one = Conversation((Message("user", "é"),))
    two = Conversation((Message("user", "é"), Message("assistant", "abc", "thought")))
    assert length_of(two) - length_of(one) == 3 + 7 + (length_of(one) - 2)


@given(
    st.lists(st.tuples(st.integers(50, 5000), st.floats(0.15, 0.5)), min_size=3, max_size=30),
    st.data(),
)
def test_what_lies_between_the_rates_seen_lies_within(
    pairs: list[tuple[int, float]], data: st.DataObject
) -> None:
    seen = [Seen(length, max(1, round(length * rate))) for length, rate in pairs]
    rates = [one.tokens / one.length for one in seen]
    rate = data.draw(st.floats(min(rates), max(rates)))
    length = data.draw(st.integers(1, int(1.5 * max(one.length for one in seen))))
    count = estimated(length, seen)
    assert count.low <= max(1, length * rate) <= count.high
