"""How a model is to be sampled: said explicitly, by the person, by its file, or by its makers.

"It gets bad reviews because it is used wrong": a reasoning model that is sampled greedily repeats
itself for ever, one that is sampled as another is rambles. The first of these that says something
counts, and each value tells where it comes from.

A page that recommends values is in this registry only if it was read; docs/pages-read.md says when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lakelet.inference.backend import Sampling
from lakelet.models import Card

__all__ = ("ENGINE", "NAMES", "RECOMMENDED", "Chosen", "Recommended", "choose_sampling")

NAMES = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty")
"""What is chosen; everything else is left to the engine."""
_WHOLE = ("top_k",)
ENGINE = {"temperature": 0.8, "top_p": 0.95, "top_k": 40, "min_p": 0.05, "repeat_penalty": 1.0}
"""What the engine that comes with Lakelet does where nothing is said; a test asks it."""


@dataclass(frozen=True)
class Recommended:
    """What the makers of a family recommend.

    Attributes:
        values: by name.
        never_greedy: whether they say that it must not be sampled greedily.
        pages: the addresses of the pages that say so.
    """

    values: Mapping[str, float]
    never_greedy: bool
    pages: tuple[str, ...]


RECOMMENDED: Mapping[str, Recommended] = {
    "qwq": Recommended(
        {"temperature": 0.6, "top_p": 0.95, "top_k": 40, "min_p": 0.0, "repeat_penalty": 1.0},
        never_greedy=True,
        pages=(
            "https://huggingface.co/Qwen/QwQ-32B/commit/c4e7023265184b8d0b1383075da081a359f313a1",
            "https://unsloth.ai/docs/zh/mo-xing/tutorials/qwq-32b-how-to-run-effectively",
        ),
    ),
    "smollm2": Recommended(
        {"temperature": 0.2, "top_p": 0.9},
        never_greedy=False,
        pages=("https://onnx.bimant.com/models/HuggingFaceTB/SmolLM2-135M-Instruct",),
    ),
}
"""By the family of a card."""


@dataclass(frozen=True)
class Chosen:
    """How a model is sampled.

    Attributes:
        sampling: what is asked of the engine.
        sources: by name, the value and where it comes from.
        deviations: explicit values that are not what would have been chosen.
        warnings: what the makers advise against.
        rest: what nobody says anything of, as the engine does it; empty where that is not known.
        pages: that were read for the registry of its family.
    """

    sampling: Sampling
    sources: dict[str, tuple[float, str]] = field(default_factory=dict)
    deviations: dict[str, tuple[float, float]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    rest: Mapping[str, float] = field(default_factory=dict)
    pages: tuple[str, ...] = ()

    @property
    def every(self) -> dict[str, tuple[float, str]]:
        """All values that are known, and where each comes from."""
        return {**self.sources, **{name: (value, "the engine's") for name, value in
                                   self.rest.items()}}  # fmt: skip

    def __str__(self) -> str:
        told = [f"{name.replace('_', '-')} {value:g} ({source})"
                for name, (value, source) in self.every.items()]  # fmt: skip
        return ", ".join(told) or "as the engine does by itself"


def choose_sampling(
    card: Card, own: Mapping[str, float], said: Sampling, *, enforce: bool = False,
    engine: Mapping[str, float] | None = None,
) -> Chosen:  # fmt: skip
    """How a model is sampled.

    Args:
        card: the model's card.
        own: the person's preset for it.
        said: what is said explicitly.
        enforce: whether what is recommended wins over what is said explicitly.
        engine: what the engine does by itself; None where that is not known.
    """
    recommended = RECOMMENDED.get(card.family)
    layers: tuple[tuple[str, Mapping[str, float]], ...] = (
        ("your preset", own),
        ("its file", card.sampling),
        ("its family's registry", recommended.values if recommended else {}),
    )
    sources: dict[str, tuple[float, str]] = {}
    deviations: dict[str, tuple[float, float]] = {}
    fields: dict[str, Any] = {}
    more = dict(said.more)
    for name in NAMES:
        explicit = more.get(name) if name == "repeat_penalty" else getattr(said, name)
        found = next(
            ((layer[name], source) for source, layer in layers if layer.get(name) is not None),
            None,
        )
        if explicit is not None:
            if found is not None and float(explicit) != found[0]:
                deviations[name] = (float(explicit), found[0])
            if found is None or not enforce:
                sources[name] = (float(explicit), "asked for")
                continue
        if found is None:
            continue
        sources[name] = found
        value = int(found[0]) if name in _WHOLE else found[0]
        if name == "repeat_penalty":
            more[name] = value
        else:
            fields[name] = value
    warnings = []
    temperature = sources.get("temperature")
    if recommended and recommended.never_greedy and temperature and temperature[0] == 0:
        warnings.append(
            f"its makers say that {card.family} must not be sampled greedily (temperature 0): it "
            "may repeat itself without end."
        )
    rest = {name: value for name, value in (engine or {}).items() if name not in sources}
    return Chosen(
        replace(said, more=more, **fields), sources, deviations, warnings, rest,
        recommended.pages if recommended else (),
    )  # fmt: skip
