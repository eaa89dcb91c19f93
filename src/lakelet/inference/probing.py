"""What a server really does with what it is sent: found out by prompts that are made for it.

A server says little of itself, and what it does to a prompt is seen nowhere in its answer. But it
counts, and it draws: a prompt that must have more tokens than it counted was cut; one that counts
more with an old thought than without it was fed the thought; answers that are the same at every
temperature were not drawn as asked. What cannot be seen so is said to be unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lakelet.errors import EngineError, LakeletError, OverflowingError
from lakelet.inference.backend import (
    Backend,
    Conversation,
    Message,
    Sampling,
    Text,
    Thought,
    Usage,
)

__all__ = ("Finding", "Plan", "plan", "probe")

_THOUGHT = "the old thought says that seven is less than eleven and so on; " * 3
_THOUGHT_TOKENS = 20
"""Far fewer than that thought has, in any tokenizer."""
_TRIES = 3
_REFUSES = (400, 413, 422)
"""How a server says that it does not take what it is asked."""
_LENGTH = 24
_RIDDLE = "Three cats catch three mice in three minutes. How many cats catch nine mice in nine?"
_STORY = "Tell me a story about a lighthouse."
_DRAWN = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty")


@dataclass(frozen=True)
class Finding:
    """What was found out.

    Attributes:
        what: ``overflow``, ``old thoughts``, ``thoughts in the text``, ``thinking switch``,
            ``thinking budget``, ``sampling``, ``defaults`` or ``template``.
        state: ``ok``, ``fault`` or ``unknown``.
        said: in a sentence.
    """

    what: str
    state: str
    said: str


@dataclass(frozen=True)
class Plan:
    """What a probe sends.

    Attributes:
        prompts: how many.
        bytes: of all of them.
        generated: tokens that it asks for at most.
    """

    prompts: int
    bytes: int
    generated: int


def plan(window: int) -> Plan:
    """What a probe of a window sends, for who pays by the token."""
    thoughts = 4 * len(_THOUGHT) + 3 * len(_RIDDLE)
    return Plan(8 + 2 * _TRIES, len(_long(window)) + thoughts + 2 * _TRIES * len(_STORY),
                5 + 2 * _TRIES * _LENGTH + 3 * _think_length(window))  # fmt: skip


def probe(
    backend: Backend, window: int, props: Mapping[str, Any] | None = None,
    templates: Mapping[str, str] | None = None,
) -> Iterator[Finding]:  # fmt: skip
    """Find out what a loaded model's server does, one thing after the other.

    Args:
        backend: the server, with the model loaded.
        window: tokens of one conversation there.
        props: what the server tells of itself, as llama.cpp's does; None where it does not.
        templates: the chat templates of the models of this machine, by the models' names.
    """
    yield _overflow(backend, window)
    looks: tuple[tuple[str, Callable[[], Iterable[Finding]]], ...] = (
        ("old thoughts", lambda: _old_thoughts(backend)),
        ("thinking switch", lambda: _thinking(backend, _think_length(window))),
        ("sampling", lambda: [_sampling(backend)]),
    )
    for what, look in looks:
        try:
            yield from look()
        except LakeletError as error:  # the others are found out all the same
            yield _not_asked(what, error)
    yield _defaults(props)
    yield _template(props, templates or {})


@dataclass(frozen=True)
class _Heard:
    text: str
    usage: Usage
    thought: str = ""


def _ask(
    backend: Backend, messages: tuple[Message, ...], sampling: Sampling,
    template: Mapping[str, Any] | None = None,
) -> _Heard:  # fmt: skip
    text, thought, usage = "", "", Usage(None, None)
    for event in backend.chat(Conversation(messages, template=template or {}), sampling):
        if isinstance(event, Text | Thought):
            text += event.text
            thought += event.text if isinstance(event, Thought) else ""
        elif isinstance(event, Usage):
            usage = event
    return _Heard(text, usage, thought)


def _long(window: int) -> str:
    return "word " * (window + window // 2)


def _not_asked(what: str, error: LakeletError) -> Finding:
    return Finding(what, "unknown", f"it could not be asked: {_short(error.message)}")


def _overflow(backend: Backend, window: int) -> Finding:
    """What becomes of a prompt that is half as long again as the window."""
    least = window + window // 2
    try:
        heard = _ask(backend, (Message("user", _long(window)),), Sampling(max_tokens=1))
    except OverflowingError:
        return Finding("overflow", "ok", "a prompt that is too long is refused, with numbers.")
    except EngineError as error:
        if error.status in _REFUSES:
            return Finding(
                "overflow", "ok", f"a prompt that is too long is refused: {_short(error.message)}"
            )
        return _not_asked("overflow", error)
    read = heard.usage.prompt
    if read is None:
        return Finding("overflow", "unknown", "a prompt that is too long is answered, and nothing "
                       "is said of how much of it was read.")  # fmt: skip
    if read < least:
        half = ", half its window" if abs(read - window // 2) <= 2 else ""
        return Finding("overflow", "fault", f"a prompt of at least {least:,} tokens is cut to "
                       f"{read:,}{half}, and nothing is said of it.")  # fmt: skip
    return Finding("overflow", "ok", f"{read:,} tokens are read: its window is larger than "
                   f"{window:,}.")  # fmt: skip


def _old_thoughts(backend: Backend) -> Iterator[Finding]:
    """Whether thoughts of an earlier answer reach the model, in their field and in the text."""
    ways = (
        ("old thoughts", Message("assistant", "Yes.", _THOUGHT)),
        ("thoughts in the text", Message("assistant", f"<think>\n{_THOUGHT}\n</think>\n\nYes.")),
    )
    plain = Message("assistant", "Yes.")
    one = Sampling(temperature=0, max_tokens=1)

    def counted(answer: Message) -> int | None:
        said = (Message("user", "Are you there?"), answer, Message("user", "And now?"))
        return _ask(backend, said, one).usage.prompt

    without = counted(plain)
    for what, answer in ways:
        try:
            found = counted(answer)
        except LakeletError as error:
            yield Finding(what, "unknown", f"a conversation with one is refused: {error.message}")
            continue
        if found is None or without is None:
            yield Finding(what, "unknown", "the server does not count prompts.")
        elif found > without + _THOUGHT_TOKENS:
            yield Finding(what, "fault", f"they reach the model: {found - without:,} tokens more "
                          "than without them.")  # fmt: skip
        else:
            yield Finding(what, "ok", "they do not reach the model.")


def _thinking(backend: Backend, most: int) -> Iterator[Finding]:
    """Whether thinking can be switched off, and ended after some tokens, by the server's fields."""
    asked = (Message("user", _RIDDLE),)
    greedy = Sampling(temperature=0, max_tokens=most)

    def thought(sampling: Sampling, template: Mapping[str, Any] | None = None) -> str | None:
        try:
            return _ask(backend, asked, sampling, template).thought.strip()
        except LakeletError:
            return None

    whole = thought(greedy)
    if not whole:
        for what in ("thinking switch", "thinking budget"):
            yield Finding(what, "unknown", "it did not think when it was asked a riddle.")
        return
    off = thought(greedy, {"enable_thinking": False})
    works = off == ""
    yield _of_telling("thinking switch", works, "it can be told not to think.",
                      "it thinks though it was told not to, or refuses to be told.")  # fmt: skip
    cut = thought(replace(greedy, thought_tokens=1))
    works = cut is not None and len(cut) < len(whole)
    yield _of_telling("thinking budget", works, "its thoughts can be ended after some tokens.",
                      "it thinks for longer than it may, or refuses to be told.")  # fmt: skip


def _of_telling(what: str, works: bool, seen: str, otherwise: str) -> Finding:
    return Finding(what, "ok", seen) if works else Finding(what, "unknown", otherwise)


def _short(text: str) -> str:
    """The first words of a server's message, which ends as a sentence does."""
    first = text.partition("\n")[0].rstrip(".")
    return f"{first}." if len(first) <= 160 else f"{first[:160].rpartition(' ')[0]} …"


def _think_length(window: int) -> int:
    """Tokens that it may take to show how it thinks."""
    return min(256, window // 2)


def _sampling(backend: Backend) -> Finding:
    """Whether answers are drawn as they are asked for."""
    asked = (Message("user", _STORY),)
    greedy = Sampling(temperature=0, max_tokens=_LENGTH)
    still = {_ask(backend, asked, replace(greedy, seed=n)).text for n in range(_TRIES)}
    hot = {
        _ask(backend, asked, replace(greedy, temperature=2.0, top_p=1.0, seed=100 + n)).text
        for n in range(_TRIES)
    }
    if len(still) > 1:
        return Finding("sampling", "fault", f"temperature 0 gave {len(still)} different answers in "
                       f"{_TRIES} tries.")  # fmt: skip
    if hot == still:
        return Finding("sampling", "fault", "temperature 2 gave what temperature 0 gives: what is "
                       "asked for is ignored.")  # fmt: skip
    return Finding("sampling", "ok", "temperature is done as it is asked for.")


def _defaults(props: Mapping[str, Any] | None) -> Finding:
    """How the server draws where nothing is said, by its own words."""
    told = (props or {}).get("default_generation_settings")
    params = told.get("params") if isinstance(told, dict) else None
    found = [f"{name.replace('_', '-')} {params[name]:.4g}" for name in _DRAWN
             if isinstance(params, dict) and isinstance(params.get(name), int | float)]  # fmt: skip
    if not found:
        return Finding("defaults", "unknown", "how it draws where nothing is said, it does not "
                       "say.")  # fmt: skip
    return Finding("defaults", "ok", f"where nothing is said: {', '.join(found)}.")


def _template(props: Mapping[str, Any] | None, templates: Mapping[str, str]) -> Finding:
    """Whose chat template the server uses, by its digest."""
    used = (props or {}).get("chat_template")
    if not isinstance(used, str) or not used:
        return Finding("template", "unknown", "which template it uses, it does not say.")
    digest = hashlib.sha256(used.strip().encode()).hexdigest()
    own = [name for name, one in templates.items() if one.strip() == used.strip()]
    whose = f", that of {', '.join(own[:5])} here" if own else ", of no model here"
    return Finding("template", "ok" if own else "unknown", f"its digest is {digest[:12]}{whose}.")
