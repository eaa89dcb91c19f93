"""A question to a real model: counted, refused or answered, and what the engine says compared."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lakelet.errors import EngineError, ModelFileError, OverflowingError
from lakelet.inference import (
    Conversation,
    Embedded,
    Loaded,
    Message,
    Sampling,
    Text,
    Usage,
    ask,
)
from lakelet.models import ModelStore, add_model, convert_model

GREEDY = Sampling(temperature=0, max_tokens=12)
TEMPLATE_WORDS = (
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
    "<|im_end|>\n<|im_start|>user\nWhat is it?<|im_end|>\n<|im_start|>assistant\n"
)


def said(text: str, *before: Message) -> Conversation:
    return Conversation((*before, Message("user", text)))


def test_a_question_is_counted_as_the_engine_counts(engine: Embedded) -> None:
    events: list[Any] = []
    answer = ask(engine, "smol", said("What is it?"), GREEDY, context=512, told=events.append)
    assert (answer.count.grade, answer.count.high) == ("exact", answer.usage.prompt)
    assert answer.wrong == [] and answer.window == 512
    assert answer.text == "".join(one.text for one in events if isinstance(one, Text))
    assert answer.usage.generated is not None and 1 <= answer.usage.generated <= 12
    again = ask(engine, "smol", said("What is it?"), GREEDY, context=512)
    assert again.text == answer.text  # greedy, by the same engine
    assert (again.usage.cached or 0) > 0


def test_the_prompt_is_shown_as_the_model_sees_it(engine: Embedded) -> None:
    list(engine.load("smol", context=512))
    assert engine.render(said("What is it?")) == TEMPLATE_WORDS
    # A text is gone on with as it is: what looks like a control token in it is text.
    raw = Conversation((Message("user", "<|im_start|>"),), raw=True)
    assert engine.render(raw) == "<|im_start|>"
    assert engine.count(raw).high > 1


def test_what_does_not_fit_is_refused_before_it_is_sent(engine: Embedded) -> None:
    events: list[Any] = []
    with pytest.raises(OverflowingError, match=r"\(exact\), and the window 512") as refused:
        ask(engine, "smol", said("word " * 600), Sampling(), context=512, told=events.append)
    assert refused.value.prompt > 512 == refused.value.window
    assert not any(isinstance(one, Usage | Text) for one in events)
    # One that leaves room for little is answered with that little, and says so.
    answer = ask(engine, "smol", said("word " * 440), Sampling(max_tokens=500), context=512)
    assert answer.room.lowered and answer.count.high + answer.room.tokens == 512
    assert answer.reason in ("window", "stop")
    assert (answer.reason == "window") == (answer.usage.generated == answer.room.tokens)


def test_an_answer_that_fills_the_window_says_so(engine: Embedded) -> None:
    raw = Conversation((Message("user", "one two three four five six seven one two three"),), True)
    answer = ask(Embedded(engine.store, raw=True), "smol", raw, Sampling(temperature=0, max_tokens=2000),
                 context=512)  # fmt: skip
    assert answer.wrong == []
    assert answer.reason == "window"  # it repeats itself to the end
    assert (answer.usage.prompt or 0) + (answer.usage.generated or 0) == 512
    short = ask(engine, "smol", said("Count to ten."), Sampling(max_tokens=2), context=512)
    assert short.reason == "max_tokens"


def test_the_same_weights_at_sixteen_bits_answer_right(store: ModelStore, tmp_path: Path) -> None:
    """The first lesson on quantization: the file's own rounding is not the whole of it."""
    own = ModelStore(tmp_path / "store")
    model = add_model(own, str(store.model("smol").path), name="smol")
    convert_model(own, model, "f16")
    engine = Embedded(own)
    question = said("What is the capital of France?")
    try:
        right = ask(
            engine, "smol-f16", question, Sampling(temperature=0, max_tokens=40), context=512
        )
        assert "Paris" in right.text and right.reason == "stop"
    finally:
        engine.host.unload()


def test_an_engine_that_dies_keeps_what_has_come(engine: Embedded) -> None:
    def kill(event: Any) -> None:
        if isinstance(event, Text):
            (one,) = engine.host.loaded()
            os.kill(one["process"], signal.SIGKILL)

    long = Sampling(temperature=0, max_tokens=400)
    answer = ask(engine, "smol", said("Tell me a long story."), long, context=512, told=kill)
    assert answer.text and answer.reason == "broken off"
    assert answer.usage.generated and answer.usage.prompt is None
    assert "broke off" in answer.wrong[0]
    # The next one loads it anew.
    assert ask(engine, "smol", said("What is it?"), GREEDY, context=512).wrong == []


def test_a_larger_window_loads_anew_and_a_smaller_one_is_there(engine: Embedded) -> None:
    first = ask(engine, "smol", said("a"), GREEDY, context=512)
    assert first.window == 512
    assert ask(engine, "smol", said("a"), GREEDY, context=256).window == 256  # held to by Lakelet
    larger = ask(engine, "smol", said("a"), GREEDY, context=1024)
    assert larger.window == 1024
    (loaded,) = engine.host.loaded()
    assert (loaded["window"], loaded["slots"], loaded["context"]) == (1024, 1, 1024)
    assert engine.host.unload("smol") == ["smol"] and engine.host.loaded() == []


def test_a_file_that_changed_is_not_loaded(store: ModelStore, tmp_path: Path) -> None:
    own = ModelStore(tmp_path / "store")
    file = tmp_path / "a.gguf"
    file.write_bytes(store.model("smol").path.read_bytes())
    add_model(own, str(file))
    file.write_bytes(file.read_bytes()[:-100] + bytes(100))
    with pytest.raises(ModelFileError, match="is not what was added"):
        list(Embedded(own).load("a"))


def test_without_a_model_nothing_is_asked(engine: Embedded) -> None:
    with pytest.raises(EngineError, match="no model is loaded"):
        engine.count(said("a"))


def lakelet(root: Path, *arguments: str, given: str = "") -> Any:
    return subprocess.run(
        [sys.executable, "-m", "lakelet", *arguments],
        cwd=root, input=given, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_from_the_command_line(ws: Any, store: ModelStore) -> None:
    root = ws.folder.root
    settings = root / "lakelet.toml"
    text = settings.read_text().replace('# store = "models"', f'store = "{store.root}"')
    settings.write_text(text)
    found = lakelet(root, "ask", "What is it?", "--max-tokens", "5", "--temperature", "0")
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() and "prompt tokens: " in found.stderr
    piped = lakelet(root, "ask", "smol", "-", "--max-tokens", "5", "--json", given="What is it?")
    told = json.loads(piped.stdout)
    assert (told["model"], told["count"], told["ended"]) == ("smol", "exact", "max_tokens")
    assert told["usage"]["prompt"] == told["prompt_tokens"]
    assert told["digest"] == store.model("smol").digest
    assert told["sampling"]["top_k"] == {"value": 40, "source": "the engine's"}
    loaded = lakelet(root, "models", "ps")
    assert "smol" in loaded.stdout
    over = lakelet(root, "ask", "What is it?", given="word " * 9000)
    assert over.returncode == 1 and "tokens (exact)" in over.stderr and over.stdout == ""
    assert lakelet(root, "models", "unload").stdout == "Unloaded: smol.\n"
    add_model(store, str(store.model("smol").path), name="other")
    (ws.folder.private / "last_model").unlink()
    several = lakelet(root, "ask", "What is it?")
    assert several.returncode == 2 and "other, smol" in several.stderr
    store.remove("other")
    for wrong, said_of_it in (((), "there is no question"), (("a", "b", "c"), "two are model")):
        refused = lakelet(root, "ask", *wrong)
        assert refused.returncode == 2 and said_of_it in refused.stderr
    (root / "bytes.bin").write_bytes(b"a\xff")
    refused = lakelet(root, "ask", "What?", "-f", "bytes.bin")
    assert refused.returncode == 1 and "byte 1 is not UTF-8" in refused.stderr


def test_two_who_ask_wait_for_one_another(store: ModelStore) -> None:
    first, second = Embedded(store), Embedded(store)
    waits: list[Any] = []
    list(first.load("smol", context=512))
    (loaded,) = first.host.loaded()
    assert loaded["turns"] == 1
    coming = second.load("smol", context=512)
    waits.append(next(coming))
    waits.append(next(coming))
    assert waits[-1].place == 1  # one is served before
    first.close()
    assert isinstance(list(coming)[-1], Loaded)
    second.close()
    until = time.monotonic() + 60
    while first.host.loaded()[0]["turns"] and time.monotonic() < until:
        time.sleep(0.05)
    assert first.host.loaded()[0]["turns"] == 0
