"""A `llama-server` of the user's own in the engine's place: started, supervised, ended."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.tiny import tiny_store
from lakelet.errors import EngineError
from lakelet.inference import Conversation, Embedded, Message, Sampling, ask
from lakelet.inference.engine.own_server import command_of

SERVER = f"{sys.executable} {Path(__file__).with_name('llama_server.py')} --threads 1"
QUESTION = Conversation((Message("user", "What is the capital of Lomar?"),))
GREEDY = Sampling(temperature=0)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Embedded]:
    engine = Embedded(tiny_store(tmp_path), server=SERVER)
    yield engine
    engine.host.unload()


def watcher(engine: Embedded) -> int:
    (one,) = engine.host.loaded()
    return int(one["process"])


def children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(one) for one in listed]


def gone(process: int) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{process}/stat").read_text().split()[2] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_it_answers_as_the_engine_does(own: Embedded) -> None:
    whole = ask(Embedded(own.store), "tiny-qwen-thinks", QUESTION, GREEDY)
    answer = ask(own, "tiny-qwen-thinks", QUESTION, GREEDY, context=256)
    assert (answer.text, answer.thought, answer.wrong) == (whole.text, whole.thought, [])
    assert answer.count.grade == "exact" and answer.count == whole.count
    # Both have it loaded, each in a process of its own.
    windows = {one["window"] for one in own.host.loaded()}
    assert len(own.host.loaded()) == 2 and 256 in windows


def test_it_ends_with_who_wanted_it(own: Embedded) -> None:
    ask(own, "tiny-llama", QUESTION, GREEDY)
    (server,) = children(watcher(own))
    own.host.unload()
    assert gone(server)


def test_it_ends_where_its_watcher_is_killed(own: Embedded) -> None:
    ask(own, "tiny-llama", QUESTION, GREEDY)
    process = watcher(own)
    (server,) = children(process)
    os.kill(process, signal.SIGKILL)
    assert gone(server)
    assert ask(own, "tiny-llama", QUESTION, GREEDY).text == "The capital of Lomar is Helmut."


def test_one_that_dies_is_told_and_started_anew(own: Embedded) -> None:
    ask(own, "tiny-llama", QUESTION, GREEDY)
    process = watcher(own)
    (server,) = children(process)
    os.kill(server, signal.SIGKILL)
    assert gone(server) and gone(process)
    assert ask(own, "tiny-llama", QUESTION, GREEDY).text == "The capital of Lomar is Helmut."


def test_one_that_does_not_start_is_named(tmp_path: Path) -> None:
    store = tiny_store(tmp_path)
    with pytest.raises(EngineError, match=r"/nowhere/llama-server does not start: No such file"):
        ask(Embedded(store, server="/nowhere/llama-server"), "tiny-llama", QUESTION, GREEDY)
    with pytest.raises(EngineError, match=r"ended with 2(.|\n)*error: unrecognized arguments"):
        ask(Embedded(store, server=f"{SERVER} --no-such"), "tiny-llama", QUESTION, GREEDY)


def test_what_belongs_to_a_model_goes_along(tmp_path: Path) -> None:
    asked = {"server": "'/my llama/llama-server' -ngl 99", "path": "/m.gguf", "window": 4096,
             "slots": 2, "template": "{{ messages }}", "projector": "/p.gguf",
             "adapters": ["/a.gguf"], "key": "k"}  # fmt: skip
    command = command_of(asked, 4711, tmp_path)
    assert command[:3] == ["/my llama/llama-server", "-ngl", "99"]
    assert command[command.index("--ctx-size") + 1] == "8192" and "k" not in command
    assert (tmp_path / "template.jinja").read_text() == "{{ messages }}"
    assert command[command.index("--mmproj") + 1] == "/p.gguf"
    assert command[command.index("--lora") + 1] == "/a.gguf"
    assert "--embeddings" not in command and "--ubatch-size" not in command


def test_an_encoder_reads_whole_texts_where_nobody_says_otherwise(tmp_path: Path) -> None:
    asked = {"server": "llama-server", "path": "/m.gguf", "window": 4096, "slots": 1, "key": "k",
             "pools": True, "at_once": 2048}  # fmt: skip
    assert command_of(asked, 4711, tmp_path)[-3:] == ["--embeddings", "--ubatch-size", "2048"]
    asked["server"] = "llama-server -ub 256"
    assert "--ubatch-size" not in command_of(asked, 4711, tmp_path)
