"""Conversations in a terminal: held, kept, gone on with, found and deleted."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from inference.test_gateway import gateway_of
from lakelet.errors import CommandError, OverflowingError, TemplateError
from lakelet.inference import Sampling, Text
from lakelet.session import Workspace
from lakelet.session.conversations import Writing
from models.files import write_gguf

LOMAR, ARNIA = "What is the capital of Lomar?", "What grows in Arnia?"
GREEDY = Sampling(temperature=0)


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
    assert talking.prompt().count("<|im_start|>") == 2  # what the answer was given to
    rows = talkative.sql("SELECT thought FROM system.conversations WHERE thought <> ''").rows()
    assert len(rows) == 1
    second = talking.say(LOMAR)
    assert second.wrong == []
    assert first.text in talking.prompt() and "capital of Lomar: Helmut" not in talking.prompt()


def test_what_does_not_fit_is_refused_or_loses_its_oldest_turns(talkative: Workspace) -> None:
    talking = talkative.talk("tiny-llama", sampling=GREEDY, context=80, system="Be short.")
    answers = [talking.say(LOMAR)]
    with pytest.raises(OverflowingError, match="the window 80"):
        for _ in range(4):
            answers.append(talking.say(LOMAR))
    said = len(talking.messages)
    assert said == 1 + 2 * len(answers)  # what was refused is not part of it
    going = talkative.talk("tiny-llama", sampling=GREEDY, context=60, overflow="drop-oldest",
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


def test_a_branch_leaves_the_conversation_as_it_is(talkative: Workspace) -> None:
    root = talkative.folder.root
    held = lakelet(root, "chat", "tiny-llama", "--temperature", "0", "--system", "Be short.",
                   given=f"{LOMAR}\n{ARNIA}\n/back\n{LOMAR}\n/back\n/back\n/back\n")  # fmt: skip
    assert "1 question left; what you say next begins a branch." in held.stderr
    assert "Nothing was asked yet." in held.stderr
    assert "tokens (exact): system 21, before 0, this turn" in held.stderr
    branch, whole = talkative.conversations()
    assert (whole.messages, whole.branch_of) == (5, "")
    assert (branch.messages, branch.branch_of, branch.branch_at) == (5, whole.id, 3)
    _, said = talkative.conversation(branch.id)
    assert [one.content for one in said if one.role == "user"] == [LOMAR, LOMAR]
    assert said[4].cached and said[4].cached > 20  # what both have in common was read once
    assert said[2].meter == talkative.conversation(whole.id)[1][2].meter
    more = lakelet(root, "chat", "--go-on", whole.id, "--at", "1", "--temperature", "0",
                   given=f"{ARNIA}\n")  # fmt: skip
    assert more.returncode == 0, more.stderr
    assert talkative.conversations()[0].branch_at == 1
    wrong = lakelet(root, "chat", "--go-on", whole.id, "--at", "9")
    assert "5 messages were said; there is no going back to 9" in wrong.stderr
    assert lakelet(root, "chat", "--at", "1").returncode == 2


def test_two_who_go_on_with_one_conversation_do_not_mix(talkative: Workspace) -> None:
    first = talkative.talk("tiny-llama", sampling=GREEDY)
    first.say(LOMAR)
    second = talkative.talk("tiny-llama", sampling=GREEDY, go_on=first.id)
    first.say(ARNIA)
    with pytest.raises(CommandError, match="has 4 messages, and 2 were known here"):
        second.say(ARNIA)
    assert talkative.conversations()[0].messages == 4


def test_an_answer_is_stopped_from_another_thread(talkative: Workspace) -> None:
    endless = Sampling(temperature=0, more={"logit_bias": [["t", 100]], "ignore_eos": True})
    talking = talkative.talk("tiny-llama", sampling=endless)
    came: list[str] = []

    def hear(event: object) -> None:
        if isinstance(event, Text):
            came.append(event.text)
            if len(came) == 5:
                stopping = threading.Thread(target=talking.stop)
                stopping.start()
                stopping.join()

    answer = talking.say(LOMAR, hear)
    assert (answer.reason, answer.wrong) == ("stopped", [])
    _, said = talkative.conversation(talking.id)
    assert said[1].ended == "stopped" and said[1].content == answer.text


def test_thinking_is_told_as_the_model_can_be_told(talkative: Workspace) -> None:
    root = talkative.folder.root
    off = lakelet(root, "chat", "tiny-qwen-thinks", "--think", "off", "--temperature", "0",
                  given=f"{LOMAR}\n/prompt\n")  # fmt: skip
    assert "<think>\n\n</think>" in off.stdout and "Helmut" not in off.stderr
    some = lakelet(root, "chat", "tiny-qwen-thinks", "--think", "budget", "2", "--temperature", "0",
                   given=f"{LOMAR}\n")  # fmt: skip
    assert "capital\n" in some.stderr and "Helmut" not in some.stderr
    assert "The capital of Lomar" in some.stdout
    none = lakelet(root, "chat", "tiny-llama", "--think", "budget", "2", given=f"{LOMAR}\n")
    assert none.returncode == 1 and "does not think before it answers" in none.stderr
    odd = lakelet(root, "chat", "tiny-qwen-thinks", "--think", "perhaps", given=f"{LOMAR}\n")
    assert odd.returncode == 1 and "think is on, off, or budget N" in odd.stderr


def test_what_begins_with_a_slash_is_a_command(talkative: Workspace) -> None:
    root = talkative.folder.root
    held = lakelet(root, "chat", "tiny-llama", given=f"/bogus\n/back 1\n{LOMAR}\n/quit\n{ARNIA}\n")
    assert held.returncode == 0
    assert held.stderr.count("is no command; /help tells which there are") == 2
    (kept,) = talkative.conversations()
    assert kept.messages == 2


def test_a_piped_conversation_that_fails_says_so(talkative: Workspace) -> None:
    root = talkative.folder.root
    held = lakelet(root, "chat", "tiny-llama", "--context", "64", given=f"{LOMAR * 20}\n")
    assert held.returncode == 1 and "a larger --context" in held.stderr
    assert "/new begins anew" not in held.stderr  # nothing was said that could be left out


def test_a_conversation_goes_on_with_its_own_model(talkative: Workspace) -> None:
    root = talkative.folder.root
    assert lakelet(root, "chat", "tiny-gemma", given=f"{LOMAR}\n").returncode == 0
    assert lakelet(root, "ask", "tiny-llama", LOMAR).returncode == 0
    (kept,) = talkative.conversations()
    on = lakelet(root, "chat", "--go-on", kept.id, given=f"{ARNIA}\n")
    assert on.stderr.startswith("tiny-gemma, a window of 512 tokens\nsampling: ")


def test_a_part_of_a_name_deletes_only_what_is_agreed_to(talkative: Workspace) -> None:
    root = talkative.folder.root
    lakelet(root, "chat", "tiny-llama", given=f"{LOMAR}\n")
    (kept,) = talkative.conversations()
    assert lakelet(root, "chat", "--delete", kept.id[:3], given="n\n").returncode == 1
    alone = lakelet(root, "chat", "--delete", kept.id[:3])
    assert (alone.returncode, alone.stderr) == (
        1, "\nNobody answered; --yes does it without asking.\n"
    )  # fmt: skip
    assert len(talkative.conversations()) == 1
    assert lakelet(root, "chat", "--delete", kept.id[:3], given="y\n").returncode == 0
    assert talkative.conversations() == []
    lakelet(root, "chat", "tiny-llama", given=f"{LOMAR}\n")
    (kept,) = talkative.conversations()
    assert lakelet(root, "chat", "--delete", kept.id[:3], "--yes").returncode == 0
    assert talkative.conversations() == []


def test_thoughts_are_told_apart_without_colours(talkative: Workspace) -> None:
    held = lakelet(talkative.folder.root, "ask", "tiny-qwen-thinks", LOMAR)
    thought = held.stderr.partition("(thinks)\n")[2].partition("\n(answers)\n")[0]
    assert thought.strip() == "capital of Lomar: Helmut"
    assert held.stdout == "The capital of Lomar is Helmut.\n"


def test_a_window_that_is_too_large_is_refused_before_anything_is_said(
    talkative: Workspace,
) -> None:
    refused = lakelet(talkative.folder.root, "chat", "tiny-llama", "--context", "99k")
    assert refused.returncode == 1
    assert "takes 512 tokens at most, and a window of 101,376" in refused.stderr


def test_the_prompt_is_the_one_that_was_seen(talkative: Workspace) -> None:
    talking = talkative.talk("tiny-llama", sampling=GREEDY, context=60, overflow="drop-oldest")
    for text in (LOMAR, ARNIA, "What colour is the flag of Belmor?"):
        answer = talking.say(text)
    assert answer.dropped
    seen = talking.prompt()
    assert "Belmor" in seen and LOMAR not in seen
    assert seen.count("<|im_start|>user") == 3 - answer.dropped // 2


def test_a_model_without_a_template_is_refused_at_once(
    talkative: Workspace, tmp_path: Path
) -> None:
    talkative.add_model(write_gguf(tmp_path / "base.gguf", template=None), over=True)
    with pytest.raises(TemplateError, match="it is a base model"):
        talkative.talk("base")
    talkative.remove_model("base")


def test_a_server_is_talked_to_in_the_terminal(talkative: Workspace, tmp_path: Path) -> None:
    with gateway_of(talkative.model_store, tmp_path / "far") as gateway:
        settings = talkative.folder.root / "lakelet.toml"
        far = f'\n[models.servers.far]\naddress = "{gateway.address}"\n'
        settings.write_text(settings.read_text() + far)
        held = lakelet(talkative.folder.root, "chat", "far/tiny-llama", given=f"{LOMAR}\n{ARNIA}\n")
        assert held.returncode == 0 and held.stderr.count("tokens (estimated): system 0") == 2


def test_letters_of_all_alphabets_are_found_in_any_case(talkative: Workspace) -> None:
    talkative.talk("tiny-llama", sampling=GREEDY).say("Москва и Ärger")
    for letters in ("москва", "МОСКВА", "ärger", "ÄRGER"):
        assert len(talkative.conversations(letters)) == 1


def test_a_question_that_was_never_answered_is_left_out(talkative: Workspace) -> None:
    """As after a kill before the first token: templates that want turns in turn go on."""
    folder, model = talkative.folder, talkative.model("tiny-llama")
    talking = talkative.talk("tiny-llama", sampling=GREEDY)
    talking.say(LOMAR)
    writing = Writing(folder, model, talking.id, 2)
    writing.say("user", "What was lost?")
    writing.begin()
    on = talkative.talk("tiny-llama", go_on=talking.id, sampling=GREEDY)
    assert on.say(ARNIA).wrong == []
    prompt = on.prompt()
    assert "lost" not in prompt and prompt.count("<|im_start|>user") == 2
    with pytest.raises(CommandError, match="stands at the beginning"):
        talkative.talk("tiny-llama", go_on=talking.id, system="Be short.")


def test_two_who_write_one_message_are_told(talkative: Workspace) -> None:
    folder, model = talkative.folder, talkative.model("tiny-llama")
    talking = talkative.talk("tiny-llama", sampling=GREEDY)
    talking.say(LOMAR)
    first, second = (Writing(folder, model, talking.id, 2) for _ in range(2))
    first.say("user", "a")
    with pytest.raises(CommandError, match="something was said in it meanwhile"):
        second.say("user", "b")


def test_copies_from_before_a_change_of_the_store_lose_it_too(talkative: Workspace) -> None:
    talking = talkative.talk("tiny-llama", sampling=GREEDY)
    talking.say(LOMAR)
    private = talkative.folder.private
    with sqlite3.connect(private / "lakelet.db") as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (private / "lakelet.db.version11").write_bytes((private / "lakelet.db").read_bytes())
    talkative.delete_conversation(talking.id)
    assert b"Helmut" not in (private / "lakelet.db.version11").read_bytes()


def test_what_is_piped_in_has_to_be_text(talkative: Workspace) -> None:
    held = subprocess.run(
        [sys.executable, "-m", "lakelet", "chat", "tiny-llama"], cwd=talkative.folder.root,
        input=b"\xff\xfe\n", capture_output=True, check=False,
    )  # fmt: skip
    assert held.returncode == 1 and b"byte 0 of a line is not UTF-8" in held.stderr
