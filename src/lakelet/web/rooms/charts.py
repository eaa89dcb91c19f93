"""Charts as coordinates: lines over steps, points of a parameter against a metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ("Chart", "Series", "Tick", "lines", "points")

WIDTH, HEIGHT = 520, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 28
_MOST = 400
"""Points of a line that are drawn; of longer ones the mean of each stretch."""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis.

    Attributes:
        at: where, px.
        text: what it says.
    """

    at: float
    text: str


@dataclass(frozen=True)
class Series:
    """What is drawn of one run.

    Attributes:
        label: the run.
        colour: the number of its colour, the same on a whole page.
        path: a line (SVG 2, "Paths"); '' for a single point.
        dots: points, px.
    """

    label: str
    colour: int
    path: str
    dots: list[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        title: what is on the vertical axis.
        across: what is on the horizontal axis.
        series: the runs.
        x_ticks: marks of the horizontal axis.
        y_ticks: marks of the vertical axis.
    """

    title: str
    across: str
    series: list[Series]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def lines(title: str, runs: Mapping[str, Sequence[tuple[float, float]]]) -> Chart:
    """A metric over steps, a line a run; the order of ``runs`` gives the colours.

    Args:
        title: the metric.
        runs: for each run its steps and values; what is no number is left out.
    """
    clean = {
        name: _thinned([(x, y) for x, y in some if math.isfinite(y)]) for name, some in runs.items()
    }
    across = _Axis.of([x for some in clean.values() for x, _ in some], LEFT, WIDTH - RIGHT)
    up = _Axis.of([y for some in clean.values() for _, y in some], HEIGHT - BOTTOM, TOP)
    series = []
    for number, (name, some) in enumerate(clean.items()):
        placed = [(across.at(x), up.at(y)) for x, y in some]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in placed) if len(placed) > 1 else ""
        series.append(Series(name, number, path, placed if len(placed) == 1 else []))
    return Chart(title, "step", series, across.ticks(), up.ticks())


def points(across: str, title: str, runs: Mapping[str, tuple[float, float]]) -> Chart:
    """A parameter against a metric, a point a run."""
    x_axis = _Axis.of([x for x, _ in runs.values()], LEFT, WIDTH - RIGHT)
    y_axis = _Axis.of([y for _, y in runs.values()], HEIGHT - BOTTOM, TOP)
    series = [
        Series(name, number, "", [(x_axis.at(x), y_axis.at(y))])
        for number, (name, (x, y)) in enumerate(runs.items())
    ]
    return Chart(title, across, series, x_axis.ticks(), y_axis.ticks())


def _thinned(some: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(some) <= _MOST:
        return some
    size = math.ceil(len(some) / _MOST)
    parts = [some[i : i + size] for i in range(0, len(some), size)]
    return [(part[0][0], sum(y for _, y in part) / len(part)) for part in parts]


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    begin: float
    end: float

    @classmethod
    def of(cls, values: Sequence[float], begin: float, end: float) -> _Axis:
        low, high = min(values, default=0.0), max(values, default=1.0)
        if low == high:
            low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
        return cls(low, high, begin, end)

    def at(self, value: float) -> float:
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)

    def ticks(self) -> list[Tick]:
        """Round values, about four of them (Heckbert, "Nice numbers for graph labels", 1990)."""
        raw = (self.high - self.low) / 4
        power = 10 ** math.floor(math.log10(raw))
        step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw)
        first = math.ceil(self.low / step)
        return [
            Tick(self.at(n * step), f"{n * step:.6g}")
            for n in range(first, first + 8)
            if n * step <= self.high * (1 + 1e-12) + 1e-300
        ]
