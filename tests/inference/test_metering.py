"""Where a conversation's tokens go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inference.tiny import tiny_store
from lakelet.inference import Conversation, Embedded, Message
from lakelet.inference.metering import Meter, meter

SYSTEM = Message("system", "Be short.")
ASKED = Message("user", "What is the capital of Lomar?")
ANSWERED = Message("assistant", "The capital of Lomar is Helmut.")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    store = tiny_store(tmp_path_factory.mktemp("meter"))
    engine = Embedded(store)
    for _event in engine.load("tiny-llama"):
        pass
    yield engine
    engine.close()
    engine.host.unload()


def measured(engine: Embedded, *messages: Message) -> Meter:
    conversation = Conversation(messages)
    prompt = engine.count(conversation).high
    found = meter(conversation, prompt, 512, engine.render, engine.tokens)
    assert found.prompt == prompt and found.room == 512 - prompt
    return found


def test_each_part_is_what_the_template_makes_of_it(engine: Embedded) -> None:
    whole = measured(engine, SYSTEM, ASKED, ANSWERED, ASKED)
    system = engine.tokens("<|im_start|>system\nBe short.<|im_end|>\n<|im_start|>user\n")
    turn = engine.tokens("What is the capital of Lomar?<|im_end|>\n<|im_start|>assistant\n")
    assert whole.system == system
    assert abs(whole.turn - turn) <= 1  # a token may reach over the border
    assert whole.history > 2 * engine.tokens(ANSWERED.content)


def test_a_first_question_has_no_history(engine: Embedded) -> None:
    assert measured(engine, SYSTEM, ASKED).history == 0
    alone = measured(engine, ASKED)
    assert alone.history == 0 and alone.system == engine.tokens("<|im_start|>user\n")


def test_questions_that_begin_alike_are_told_apart(engine: Embedded) -> None:
    both = measured(engine, SYSTEM, Message("user", "a b"), ANSWERED, Message("user", "a c"))
    other = measured(engine, SYSTEM, Message("user", "z b"), ANSWERED, Message("user", "a c"))
    assert both.system == other.system and both.turn == other.turn
