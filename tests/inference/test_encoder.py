"""A model that is made for vectors: its vectors are PyTorch's, of texts up to its window."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from inference.encoder import Encoder
from lakelet.errors import OverflowingError, TemplateError
from lakelet.inference import Conversation, Embedded, Message, Sampling, ask
from lakelet.models import ModelStore, add_model


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture(scope="module")
def engine(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    folder = tmp_path_factory.mktemp("encoder")
    encoder.write(folder / "encoder.gguf")
    store = ModelStore(folder / "store")
    add_model(store, str(folder / "encoder.gguf"))
    found = Embedded(store, raw=True)
    for _ in found.load("encoder"):
        pass
    yield found
    found.close()
    found.host.unload()


@pytest.mark.parametrize("text", ["what grows in arnia", "lake", "helmut of lomar is " * 500])
def test_its_vectors_are_those_of_pytorch(engine: Embedded, encoder: Encoder, text: str) -> None:
    found = engine.embed([text, "the capital of lomar"])
    assert float(np.dot(found.vectors[0], encoder.vector(text))) > 0.9999
    assert float(np.dot(found.vectors[1], encoder.vector("the capital of lomar"))) > 0.9999
    assert float(np.dot(*found.vectors)) < 0.99
    assert found.tokens == len(text.split()) + 2 + 6


def test_a_text_beyond_its_window_is_refused(engine: Embedded) -> None:
    assert engine.loaded.window == 2048
    with pytest.raises(OverflowingError, match="has 2,049 tokens, and at most 2,048 make one"):
        engine.embed(["lake " * 2047])


def test_it_holds_no_conversation(engine: Embedded) -> None:
    asked = Conversation((Message("user", "what grows in arnia"),))
    with pytest.raises(TemplateError, match="no chat template"):
        ask(Embedded(engine.store), "encoder", asked, Sampling())
