"""In which order those who wait for a model are served: by turns among clients.

Round robin (Nagle, "On Packet Switches With Infinite Storage", RFC 970, section 5): who sends many
requests waits behind himself, not before others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ("in_turn",)


def in_turn(waiting: Sequence[str], served: Mapping[str, int]) -> list[int]:
    """The order in which requests are served.

    Whose last turn is longest ago is next; of those who had none, who came first. One client's
    requests are served in the order in which they came.

    Args:
        waiting: whose each request is, in the order in which they came.
        served: when each client had a turn last, as numbers that grow.

    Returns:
        Places in ``waiting``, the next to be served first.
    """
    last = dict(served)
    now = max(last.values(), default=0)
    left = list(range(len(waiting)))
    order = []
    while left:
        place = min(left, key=lambda one: (last.get(waiting[one], -1), one))
        left.remove(place)
        order.append(place)
        now += 1
        last[waiting[place]] = now
    return order
