"""The chat completions of a server, as events: whatever field it tells thoughts in, wherever.

Sources: OpenAI's API reference (chat completions, streaming); llama.cpp's server (``timings``,
``reasoning_content``); vLLM (``reasoning``); Ollama (``thinking``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lakelet.errors import EngineError, LakeletError, OverflowingError
from lakelet.inference.asking import Asking
from lakelet.inference.backend import Conversation, End, Event, Text, Thought, Tool, Usage
from lakelet.inference.counting import Count
from lakelet.inference.thoughts import ThoughtSplitter

__all__ = (
    "THOUGHTS",
    "WholeLetters",
    "as_events",
    "as_messages",
    "as_prompt",
    "read_to_count",
    "shaped",
)

THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Fields in which servers tell thoughts."""
_MOST = 1 << 48
_REASONS = {"stop": "stop", "length": "max_tokens", "tool_calls": "tool", "function_call": "tool"}


def as_messages(conversation: Conversation) -> list[dict[str, Any]]:
    """A conversation's messages as a server takes them; old thoughts are the model's own matter."""
    return [
        {
            "role": one.role,
            "content": one.content,
            **({"reasoning_content": one.thought} if one.thought else {}),
            **one.more,
        }
        for one in conversation.messages
    ]


def read_to_count(asking: Asking, path: str, asked: Mapping[str, Any]) -> Count:
    """The tokens of a prompt, found by having it read and nothing said.

    Args:
        asking: a server of llama.cpp, which keeps what it has read.
        path: of its chat completions.
        asked: messages, and what else makes the prompt.

    Raises:
        EngineError: it does not answer, or does not count.
    """
    try:
        told = asking.ask(path, {**asked, "max_tokens": 0, "cache_prompt": True})
    except OverflowingError as error:
        if not error.prompt:
            raise
        return Count.exact(error.prompt)
    tokens = (told.get("usage") or {}).get("prompt_tokens")
    if not isinstance(tokens, int):
        raise EngineError(f"{asking.whose} does not count what it reads.")
    return Count.exact(tokens)


def as_prompt(conversation: Conversation) -> dict[str, Any]:
    """What makes a conversation's prompt, as llama.cpp's server takes it."""
    told: dict[str, Any] = {"messages": as_messages(conversation)}
    if conversation.tools:
        told["tools"] = list(conversation.tools)
    if conversation.template:
        told["chat_template_kwargs"] = dict(conversation.template)
    return told


class WholeLetters:
    """Puts letters together that a server splits over two pieces (halves of a surrogate pair)."""

    def __init__(self) -> None:
        self._held = ""

    def whole(self, text: str) -> str:
        """A piece without a half letter at its end, which is held for the next one."""
        if not isinstance(text, str):
            raise TypeError(f"{type(text).__name__} in the place of a text")
        if text.isascii() and not self._held:
            return text
        text, self._held = self._held + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def end(self) -> str:
        """What stands for a half letter whose other half never came; '' where none is held."""
        held, self._held = self._held, ""
        return "\ufffd" if held else ""


@contextmanager
def shaped(whose: str) -> Iterator[None]:
    """Whatever a server sends, what it sends is at fault.

    Args:
        whose: the server, for messages.

    Raises:
        EngineError: what it sends has not the shape of its API.
    """
    try:
        yield
    except LakeletError:  # some of them are errors of values, too
        raise
    except (TypeError, AttributeError, KeyError, ValueError, OverflowError) as error:
        raise EngineError(
            f"{whose} answered what its API does not know ({type(error).__name__}: {error})."
        ) from None


def as_events(
    pieces: Iterable[dict[str, Any]], splitter: ThoughtSplitter | None, whose: str = "the server"
) -> Iterator[Event]:
    """What a server streams, as events; the end comes last.

    Args:
        pieces: its chunks.
        splitter: tells thoughts that stand in the text; None where all of it is text.
        whose: the server, for messages.

    Raises:
        EngineError: a chunk has not the shape of OpenAI's API.
    """
    with shaped(whose):
        yield from _as_events(pieces, splitter)


def _as_events(
    pieces: Iterable[dict[str, Any]], splitter: ThoughtSplitter | None
) -> Iterator[Event]:
    usage, reason = Usage(None, None), ""
    texts, thoughts = WholeLetters(), WholeLetters()
    for piece in pieces:
        usage = _usage(piece, usage)
        for choice in piece.get("choices") or ():
            delta = choice.get("delta") or {}
            for name in THOUGHTS:
                if isinstance(delta.get(name), str) and delta[name]:
                    if thought := thoughts.whole(delta[name]):
                        yield Thought(thought)
                    break
            if text := texts.whole(delta.get("content") or choice.get("text") or ""):
                yield from (Text(text),) if splitter is None else splitter.feed(text)
            for call in delta.get("tool_calls") or ():
                function = call.get("function") or {}
                yield Tool(int(call.get("index") or 0), str(call.get("id") or ""),
                           str(function.get("name") or ""),
                           str(function.get("arguments") or ""))  # fmt: skip
            if choice.get("finish_reason"):
                reason = str(choice["finish_reason"])
                reason = _REASONS.get(reason, reason)
    if thought := thoughts.end():
        yield Thought(thought)
    if text := texts.end():
        yield from (Text(text),) if splitter is None else splitter.feed(text)
    if splitter is not None:
        yield from splitter.end()
    yield usage
    yield End(reason or "stop")


def _usage(piece: dict[str, Any], before: Usage) -> Usage:
    told, timings = piece.get("usage") or {}, piece.get("timings") or {}
    if not told and not timings:
        return before
    details = told.get("prompt_tokens_details") or {}
    return Usage(
        _count(told.get("prompt_tokens"), before.prompt),
        _count(told.get("completion_tokens"), before.generated),
        _count(details.get("cached_tokens", timings.get("cache_n")), before.cached),
        timings.get("predicted_per_second", before.generated_per_second),
    )


def _count(value: object, otherwise: int | None) -> int | None:
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST
    return value if known else otherwise  # type: ignore[return-value]
