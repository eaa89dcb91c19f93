"""The engine's numbers against PyTorch's on the same weights, with what it kept of a prompt or not.

The engine tells the logarithm of each token's share before any sampling: the logits but for a
constant. It keeps keys and values at 16 bits, which is what the tolerance is for.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import gguf
import pytest
import torch

from inference.tiny import SPEAK, tiny_store
from lakelet.inference import Embedded
from lakelet.models import convert_model
from small_models.network import Network, Shape
from small_models.training import MODELS

TOLERANCE = 0.05
"""Of the logarithm of a share; 0.021 was the most that was measured."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    found = Embedded(tiny_store(tmp_path_factory.mktemp("numbers")), raw=True)
    yield found
    found.close()
    found.host.unload()


def network_of(engine: Embedded, name: str, architecture: str) -> Network:
    """The weights of a file in PyTorch, widened to 32 bits."""
    reader = gguf.GGUFReader(engine.store.model(name).path)
    weights = {
        one.name: torch.from_numpy(one.data.astype("float32").reshape(tuple(one.shape)[::-1]))
        for one in reader.tensors
    }
    network = Network(Shape(architecture, weights["token_embd.weight"].shape[0]))
    network.load_state_dict(weights)
    return network.eval()


def told(engine: Embedded, tokens: list[int], *, kept: bool) -> tuple[dict[int, float], int]:
    """The logarithms of all tokens' shares after some, and how many of these were kept before."""
    vocabulary = engine.store.model(engine.loaded.name).card.vocabulary
    asked = {"prompt": tokens, "n_predict": 1, "n_probs": vocabulary, "cache_prompt": kept,
             "temperature": 0}  # fmt: skip
    answer: Any = engine._asking.ask("/completion", asked)
    (place,) = answer["completion_probabilities"]
    return {one["id"]: one["logprob"] for one in place["top_logprobs"]}, answer["timings"][
        "cache_n"
    ]


@pytest.mark.parametrize("bits", [32, 16])
@pytest.mark.parametrize("name", SPEAK)
def test_it_agrees_with_pytorch(engine: Embedded, name: str, bits: int) -> None:
    chance = random.Random(name)
    if bits == 16:
        convert_model(engine.store, engine.store.model(name), "f16")
        name = f"{name}-f16"
    network = network_of(engine, name, MODELS[name.removesuffix("-f16")])
    for _event in engine.load(name):
        pass
    worst = 0.0
    for length in (1, 2, 7, 40, 150):
        tokens = [chance.randrange(5, 250) for _ in range(length)]
        with torch.no_grad():
            logits = network(torch.tensor([tokens]))[0, -1].double()
        wanted = torch.log_softmax(logits, -1)
        whole, cached = told(engine, tokens, kept=False)
        assert cached == 0
        told(engine, tokens[:-1] or tokens, kept=True)
        grown, cached = told(engine, tokens, kept=True)
        assert length == 1 or cached >= length - 2
        for found in (whole, grown):
            assert len(found) == len(wanted)
            worst = max(worst, *(abs(wanted[one].item() - share) for one, share in found.items()))
            assert max(found, key=found.__getitem__) == int(wanted.argmax())
    print(f"{name}: {worst:.2g}")
    assert worst < TOLERANCE
