"""Where the steps of a pipeline stand in its picture: a column a depth, edges between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ("MOST_DRAWN", "Box", "Drawing", "draw")

WIDTH, HEIGHT = 204, 84
GAP_X, GAP_Y, MARGIN = 44, 22, 20
MOST_DRAWN = 60
"""Steps up to which a picture helps; more are a list."""


@dataclass(frozen=True)
class Box:
    """A step in the picture.

    Attributes:
        name: the dataset.
        x: left edge, px.
        y: upper edge, px.
    """

    name: str
    x: int
    y: int


@dataclass(frozen=True)
class Drawing:
    """The picture.

    Attributes:
        width: px.
        height: px.
        boxes: the steps.
        edges: paths (SVG 2, "Paths") from each step to what reads it.
    """

    width: int
    height: int
    boxes: list[Box]
    edges: list[str]


def draw(inputs: Mapping[str, Sequence[str]]) -> Drawing:
    """Lay out steps by what each reads; inputs from elsewhere are not drawn.

    Args:
        inputs: for each step, in an order in which each comes after what it reads, its inputs.
    """
    depth: dict[str, int] = {}
    for name, reads in inputs.items():
        depth[name] = max((depth[r] + 1 for r in reads if r in depth), default=0)
    # What is read late stands late, so that no edge passes behind a step it does not lead to.
    for name in reversed(list(inputs)):
        readers = [depth[other] for other, reads in inputs.items() if name in reads]
        depth[name] = min(readers) - 1 if readers else depth[name]
    columns: dict[int, list[str]] = {}
    for name, level in depth.items():
        columns.setdefault(level, []).append(name)
    place: dict[str, Box] = {}
    for level in sorted(columns):
        # A step stands near what it reads, which crosses fewer edges.
        names = sorted(columns[level], key=lambda n: _middle(place, inputs[n]))
        for row, name in enumerate(names):
            x = MARGIN + level * (WIDTH + GAP_X)
            place[name] = Box(name, x, MARGIN + row * (HEIGHT + GAP_Y))
    edges = [
        _edge(place[source], place[name])
        for name, reads in inputs.items()
        for source in reads
        if source in place
    ]
    levels, rows = len(columns), max(map(len, columns.values()), default=0)
    return Drawing(
        2 * MARGIN + levels * WIDTH + max(0, levels - 1) * GAP_X,
        2 * MARGIN + rows * HEIGHT + max(0, rows - 1) * GAP_Y,
        list(place.values()),
        edges,
    )


def _middle(place: Mapping[str, Box], reads: Sequence[str]) -> float:
    known = [place[name].y for name in reads if name in place]
    return sum(known) / len(known) if known else 0.0


def _edge(source: Box, target: Box) -> str:
    x1, y1 = source.x + WIDTH, source.y + HEIGHT // 2
    x2, y2 = target.x, target.y + HEIGHT // 2
    bend = (x1 + x2) // 2
    return f"M{x1} {y1} C{bend} {y1} {bend} {y2} {x2} {y2}"
