"""Conversations in a terminal: held, kept, gone on with, found and deleted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inference.tiny import tiny_store
from lakelet.errors import OverflowingError
from lakelet.inference import Sampling
from lakelet.inference.host.attaching import HostClient
from lakelet.session import Workspace, open_workspace

LOMAR, ARNIA = "What is the capital of Lomar?", "What grows in Arnia?"
GREEDY = Sampling(temperature=0)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    store = tiny_store(tmp_path_factory.mktemp("chat"))
    yield store.root
    HostClient(store).unload()


@pytest.fixture
def talkative(ws: Workspace, models: Path) -> Workspace:
    settings = ws.folder.root / "lakelet.toml"
    text = settings.read_text().replace('# store = "models"', f'store = "{models}"')
    settings.write_text(text)
    return open_workspace(ws.folder.root)


def lakelet(root: Path, *arguments: str, given: str = "") -> Any:
    return subprocess.run(
        [sys.executable, "-m", "lakelet", *arguments],
        cwd=root, input=given, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_conversation_is_held_kept_and_gone_on_with(talkative: Workspace) -> None:
    root = talkative.folder.root
    held = lakelet(
        root,
        "chat",
        "tiny-llama",
        "--temperature",
        "0",
        given=f"{LOMAR}\n/prompt\n/help\n{ARNIA}\n",
    )
    assert held.returncode == 0, held.stderr
    assert "The capital of Lomar is Helmut." in held.stdout
    assert "<|im_start|>user\nWhat is the capital of Lomar?<|im_end|>" in held.stdout
    assert "sampling: temperature 0 (asked for)" in held.stderr and "tokens are free" in held.stderr
    (kept,) = talkative.conversations()
    assert (kept.messages, kept.title, kept.model) == (4, LOMAR, "tiny-llama")
    rows = talkative.sql(
        "SELECT role, content, ended, prompt_tokens > 0 AS counted FROM system.conversations "
        "ORDER BY number"
    ).rows()
    assert rows[0] == ("user", LOMAR, None, None)
    assert rows[1] == ("assistant", "The capital of Lomar is Helmut.", "stop", True)
    more = lakelet(root, "chat", "--go-on", kept.id[:5], "--temperature", "0", given=f"{LOMAR}\n")
    assert "> What is the capital of Lomar?" in more.stdout
    assert talkative.conversations()[0].messages == 6
    listed = lakelet(root, "chat", "--list")
    assert kept.id in listed.stdout and "What is the capital" in listed.stdout
    assert kept.id in lakelet(root, "chat", "--find", "lomar").stdout
    assert "Nothing was said" in lakelet(root, "chat", "--find", "elephants").stdout
    assert "is gone: 6 messages" in lakelet(root, "chat", "--delete", kept.id).stdout
    store = talkative.folder.private / "lakelet.db"
    left = b"".join(path.read_bytes() for path in store.parent.glob("lakelet.db*"))
    assert b"Helmut" not in left
    assert talkative.conversations() == []
    wrong = lakelet(root, "chat", "--go-on", "nothing")
    assert wrong.returncode == 1 and "no conversation begins" in wrong.stderr


def test_old_thoughts_are_kept_and_not_sent(talkative: Workspace) -> None:
    talking = talkative.talk("tiny-qwen-thinks", sampling=GREEDY)
    first = talking.say(LOMAR)
    assert first.thought.strip() == "capital of Lomar: Helmut"
    assert "capital of Lomar: Helmut" not in talking.prompt()
    assert first.text in talking.prompt()
    rows = talkative.sql("SELECT thought FROM system.conversations WHERE thought <> ''").rows()
    assert len(rows) == 1
    second = talking.say(LOMAR)
    assert second.wrong == []


def test_what_does_not_fit_is_refused_or_loses_its_oldest_turns(talkative: Workspace) -> None:
    talking = talkative.talk("tiny-llama", sampling=GREEDY, context=80, system="Be short.")
    answers = [talking.say(LOMAR)]
    with pytest.raises(OverflowingError, match="the window 80"):
        for _ in range(4):
            answers.append(talking.say(LOMAR))
    said = len(talking.messages)
    assert said == 1 + 2 * len(answers)  # what was refused is not part of it
    going = talkative.talk("tiny-llama", sampling=GREEDY, context=80, overflow="drop-oldest",
                           go_on=talking.id)  # fmt: skip
    answer = going.say(LOMAR)
    assert answer.dropped > 0 and answer.dropped % 2 == 0
    assert (answer.wrong, answer.count.grade) == ([], "exact")
    (kept,) = talkative.conversations()
    assert kept.messages == said + 2  # dropped from the prompt, not from what is kept
    with pytest.raises(OverflowingError):
        going.say(f"{LOMAR} " * 20)


def test_what_came_before_a_kill_is_kept(talkative: Workspace) -> None:
    code = (
        "import lakelet, sys; from lakelet.inference import Sampling, Text; ws = lakelet.open(); "
        "t = ws.talk('tiny-gemma', context=512, sampling=Sampling(temperature=3.0)); "
        "t.say('Tell me more.', lambda e: isinstance(e, Text) and print('came', flush=True))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=talkative.folder.root, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for _ in range(3):
        child.stdout.readline()
    os.kill(child.pid, signal.SIGSTOP)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    rows = talkative.sql(
        "SELECT role, ended FROM system.conversations WHERE content <> '' OR role = 'assistant' "
        "ORDER BY number"
    ).rows()
    assert ("user", None) in rows and rows[-1][0] == "assistant"
    until = time.monotonic() + 60
    while any(one["turns"] for one in talkative.engine_host.loaded()):
        assert time.monotonic() < until
        time.sleep(0.05)
