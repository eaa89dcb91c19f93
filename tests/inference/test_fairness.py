"""Turns among clients: nobody waits for more than one turn of each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lakelet.inference.host.fairness import in_turn

CLIENTS = st.sampled_from("abcd")


def test_who_sends_many_waits_behind_himself() -> None:
    assert [("aaabca"[place]) for place in in_turn("aaabca", {})] == list("abcaaa")
    assert in_turn("ab", {"a": 1}) == [1, 0]
    assert in_turn("ab", {"a": 1, "b": 2}) == [0, 1]
    assert in_turn("", {}) == []


@given(st.lists(CLIENTS, max_size=20), st.dictionaries(CLIENTS, st.integers(0, 9)))
def test_each_has_a_turn_before_any_has_two(waiting: list[str], served: dict[str, int]) -> None:
    order = in_turn(waiting, served)
    assert sorted(order) == list(range(len(waiting)))
    for client in set(waiting):
        own = [place for place in order if waiting[place] == client]
        assert own == sorted(own)
    for step, place in enumerate(order):
        # Of those who still wait, nobody else has had two turns since this one's last.
        rest = [waiting[one] for one in order[: step + 1]]
        last = max((n for n, who in enumerate(rest[:-1]) if who == rest[-1]), default=None)
        if last is not None:
            between = rest[last + 1 : -1]
            assert all(between.count(who) <= 1 for who in set(between))
        assert place < len(waiting)
