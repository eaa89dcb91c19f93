"""Logits as they are, against PyTorch's, token by token and at once; what cannot be is refused."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from inference.test_against_pytorch import network_of
from inference.tiny import SPEAK, tiny_store
from lakelet.errors import EngineError
from lakelet.inference import Embedded
from lakelet.inference.engine import library
from lakelet.inference.scorer import EmbeddedScorer
from lakelet.models import convert_model
from lakelet.session import Workspace
from small_models.training import MODELS

TOLERANCE = 0.05
"""Of a logit; keys and values are kept at 16 bits."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    found = Embedded(tiny_store(tmp_path_factory.mktemp("scored")), raw=True)
    yield found
    found.host.unload()


@pytest.mark.parametrize("bits", [32, 16])
@pytest.mark.parametrize("name", SPEAK)
def test_logits_agree_with_pytorch(engine: Embedded, name: str, bits: int) -> None:
    chance = random.Random(name)
    if bits == 16:
        convert_model(engine.store, engine.store.model(name), "f16")
        name = f"{name}-f16"
    network = network_of(engine, name, MODELS[name.removesuffix("-f16")])
    tokens = [chance.randrange(5, 250) for _ in range(120)]
    with torch.no_grad():
        wanted = network(torch.tensor([tokens]))[0].numpy()
    with EmbeddedScorer(engine.store.model(name)) as scorer:
        whole = scorer.logits(tokens)
        assert whole.shape == (120, scorer.vocabulary)
        scorer.back_to(0)
        grown = np.concatenate([scorer.logits([one]) for one in tokens])
        scorer.back_to(60)
        again = scorer.logits(tokens[60:])
    worst = max(abs(one - wanted).max() for one in (whole, grown))
    print(f"{name}: {worst:.2g}")
    assert worst < TOLERANCE and abs(again - wanted[60:]).max() < TOLERANCE
    assert (whole.argmax(1) == wanted.argmax(1)).mean() > 0.98


def test_tokens_are_the_engines(engine: Embedded) -> None:
    text = "What is the capital of Lomar?<|im_end|>"
    for _ in engine.load("tiny-llama"):
        pass
    with EmbeddedScorer(engine.store.model("tiny-llama")) as scorer:
        assert len(scorer.tokens(text)) == engine.tokens(text, raw=True)
        assert len(scorer.tokens(text, special=True)) == engine.tokens(text)
        assert len(scorer.tokens(text, special=True)) < len(scorer.tokens(text))
    engine.close()


def test_what_cannot_be_is_refused_and_it_goes_on(engine: Embedded) -> None:
    with EmbeddedScorer(engine.store.model("tiny-llama"), window=256) as scorer:
        for wrong, said in (
            ([], "at least one"),
            ([-1], "numbers from 0"),
            ([9999], "numbers from"),
        ):
            with pytest.raises(EngineError, match=said):
                scorer.logits(wrong)
        with pytest.raises(EngineError, match="do not fit into 256"):
            scorer.logits([5] * 257)
        with pytest.raises(EngineError, match="3 is no place"):
            scorer.back_to(3)
        assert scorer.logits([5, 6]).shape == (2, scorer.vocabulary)
        os.kill(scorer._process.pid, signal.SIGKILL)
        with pytest.raises(EngineError, match="the engine of tiny-llama has ended"):
            scorer.logits([5])


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("_VERSION", "9.9", "and 9.9 is known"), ("_USUAL", (1, 2), "its structs have moved")],
)
def test_another_library_is_refused(
    engine: Embedded, name: str, value: object, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, name, value)
    path = str(engine.store.model("tiny-llama").path)
    with pytest.raises(EngineError, match=said):
        library.LoadedLibrary(path, 256, 1, 512)


def test_what_the_library_made_of_it_is_read_back(engine: Embedded) -> None:
    path = str(engine.store.model("tiny-llama").path)
    with pytest.raises(EngineError, match=r"made 512 tokens.* \(511 and 256\)"):
        library.LoadedLibrary(path, 256, 1, 511)


def test_a_workspace_gives_one(talkative: Workspace) -> None:
    with talkative.scorer("tiny-llama", window=128) as scorer:
        answer = scorer.tokens("The capital of Lomar is Helmut.")
        shares = scorer.logits(answer).astype("float64")
        shares -= np.log(np.exp(shares).sum(1, keepdims=True))
    likely = [shares[place, token] for place, token in enumerate(answer[1:])]
    assert np.exp(-np.mean(likely)) < 512
