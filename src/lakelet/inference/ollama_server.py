"""Ollama by its own API: the window said with every request, prompts not cut where it can refuse.

Left to itself Ollama takes a small window and drops the oldest messages of what does not fit it,
which its answer does not say. So the window is said each time, and what it counts is compared.

Source: Ollama's ``docs/api.md`` (chat, generate, show, tags, ps, embed) and ``docs/faq.md``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from lakelet.errors import EngineError
from lakelet.inference.asking import Asking
from lakelet.inference.backend import (
    Conversation,
    Embeddings,
    End,
    Event,
    Loaded,
    Sampling,
    Text,
    Thought,
    Tool,
    Usage,
    Waiting,
)
from lakelet.inference.completions import WholeLetters, shaped
from lakelet.inference.counting import Count
from lakelet.inference.served import Server
from lakelet.inference.server_backend import ServerBackend, asking_of
from lakelet.inference.thoughts import ThoughtSplitter

__all__ = ("OllamaServer", "ollama_names")

_LOOK = 5.0
_OPTIONS = {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "min_p": "min_p",
            "seed": "seed", "max_tokens": "num_predict"}  # fmt: skip
_MORE = ("repeat_penalty", "presence_penalty", "frequency_penalty")
_REFUSED = ("logit_bias",)
_REASONS = {"stop": "stop", "length": "max_tokens"}
_USUAL = 4096
"""The window that it takes where nobody says another one."""


def _asking(server: Server, seconds: float) -> Asking:
    base = server.address.rstrip("/").removesuffix("/v1").removesuffix("/api")
    return asking_of(server, base, seconds)


def ollama_names(server: Server) -> list[str]:
    """The names of the models that an Ollama has.

    Raises:
        EngineError: it does not answer.
    """
    told = _asking(server, _LOOK).ask("/api/tags")
    models = told.get("models") if isinstance(told, dict) else None
    if not isinstance(models, list):
        raise EngineError(f"the server {server.name} tells no list of models.")
    return [str(one["name"]) for one in models if isinstance(one, dict) and "name" in one]


class OllamaServer(ServerBackend):
    """A model of an Ollama."""

    _window = 0
    _thinks = False

    def models(self) -> list[str]:
        """The names of the models it has."""
        return ollama_names(self.server)

    def load(self, name: str, *, context: int | None = None) -> Iterator[Waiting | Loaded]:
        """Find out what the model can; it is loaded with the first answer.

        Raises:
            EngineError: the server does not answer, has no such model, or that takes fewer tokens.
        """
        yield Waiting(0)
        self._known = tuple(self.seen())
        told = self._asking(_LOOK).ask("/api/show", {"model": self.model})
        said = _parameters(told)
        self.props = {"default_generation_settings": {"params": said}}
        self._thinks = "thinking" in (told.get("capabilities") or ())
        most = _trained(told)
        window = context or self.server.window or int(said.get("num_ctx", 0)) or self._at_work()
        window = window or min(most or _USUAL, _USUAL)
        if most and window > most:
            raise EngineError(
                f"{self.model} takes {most:,} tokens, and {window:,} were asked for; nothing was "
                "asked."
            )
        self._window = window
        yield Loaded(name, window)

    def _asking(self, seconds: float) -> Asking:
        """Its API, asked so that another thread can end that."""
        self._asked = _asking(self.server, seconds)
        return self._asked

    def _at_work(self) -> int:
        """The window with which it has the model loaded; 0 where it has not."""
        with suppress(EngineError):
            told = self._asking(_LOOK).ask("/api/ps")
            for one in told.get("models") or ():
                if one.get("name") == self.model and isinstance(one.get("context_length"), int):
                    return int(one["context_length"])
        return 0

    def render(self, conversation: Conversation) -> str:
        """The prompt as the model sees it, which Ollama never shows.

        Raises:
            EngineError: always, but for a text that is gone on with.
        """
        if conversation.raw:
            return conversation.messages[-1].content
        raise EngineError(f"the server {self.server.name} does not show the prompt it makes.")

    def count(self, conversation: Conversation) -> Count:
        """How many tokens the prompt has: estimated by those it counted before."""
        return self._estimated(conversation)

    def sees(self) -> bool:
        """What a picture takes of its window Ollama does not tell before it is sent."""
        return False

    def tokens(self, text: str, *, raw: bool = False) -> int:
        """How many tokens a text has, which Ollama does not tell without generating.

        Raises:
            EngineError: always.
        """
        raise EngineError(f"the server {self.server.name} does not show its tokenizer.")

    def chat(self, conversation: Conversation, sampling: Sampling) -> Iterator[Event]:
        """Go on with a conversation, or with a text.

        Raises:
            EngineError: the server does not answer, stalls, or breaks off.
        """
        if sampling.thought_tokens is not None:
            raise EngineError(
                f"Ollama keeps no budget of thoughts; nothing was asked of {self.server.name}."
            )
        unknown = [name for name in _REFUSED if sampling.more.get(name) is not None]
        if sampling.more.get("tool_choice") not in (None, "auto", "none"):
            unknown.append("tool_choice")
        if unknown:
            raise EngineError(
                f"Ollama knows no {unknown[0]}; nothing was asked of {self.server.name}."
            )
        fields: dict[str, Any] = {
            "model": self.model, "stream": True, "options": self._options(sampling),
            # Newer ones refuse what does not fit; older ones do not know these words.
            "truncate": False, "shift": False,
        }  # fmt: skip
        schema = _format(sampling)
        if schema is not None:
            fields["format"] = schema
        asking = self._asking(600.0)
        if conversation.raw:
            fields |= {"prompt": conversation.messages[-1].content, "raw": True}
            pieces = asking.lines("/api/generate", fields)
            splitter = None
        else:
            fields["messages"] = _messages(conversation)
            if conversation.tools and sampling.more.get("tool_choice") != "none":
                fields["tools"] = list(conversation.tools)
            think = conversation.template.get("enable_thinking")
            if self._thinks and isinstance(think, bool):
                fields["think"] = think
            pieces = asking.lines("/api/chat", fields)
            splitter = ThoughtSplitter()
        with shaped(f"the server {self.server.name}"):
            for event in _events(pieces, splitter):
                self._learn_from(event, conversation)
                yield event

    def _options(self, sampling: Sampling) -> dict[str, Any]:
        told = {"num_ctx": self._window}
        for name, called in _OPTIONS.items():
            if (value := getattr(sampling, name)) is not None:
                told[called] = value
        if sampling.stop:
            told["stop"] = list(sampling.stop)  # type: ignore[assignment]
        told |= {name: sampling.more[name] for name in _MORE
                 if sampling.more.get(name) is not None}  # fmt: skip
        return told

    def embed(self, texts: Sequence[str]) -> Embeddings:
        """A vector for each text; one that is too long is refused, not cut.

        Raises:
            EngineError: it does not answer, or makes none.
        """
        asked = {"model": self.model, "input": list(texts), "truncate": False}
        told = self._asking(600.0).ask("/api/embed", asked)
        try:
            vectors = [[float(x) for x in one] for one in told["embeddings"]]
            return Embeddings(vectors, int(told.get("prompt_eval_count") or 0))
        except (KeyError, TypeError, ValueError):
            raise EngineError(f"the server {self.server.name} made no vectors of it.") from None


def _messages(conversation: Conversation) -> list[dict[str, Any]]:
    """Messages as Ollama takes them: thoughts in a field of its own, arguments as objects."""
    told = []
    for one in conversation.messages:
        more = dict(one.more)
        if calls := more.pop("tool_calls", None):
            more["tool_calls"] = [_call(call) for call in calls]
        if more.pop("tool_call_id", None) and "name" in more:
            more["tool_name"] = more.pop("name")
        told.append({
            "role": one.role, "content": one.content,
            **({"thinking": one.thought} if one.thought else {}), **more,
        })  # fmt: skip
    return told


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = dict(call.get("function") or {})
    with suppress(TypeError, ValueError):
        function["arguments"] = json.loads(function.get("arguments") or "{}")
    return {"function": function}


def _format(sampling: Sampling) -> Any:
    """What the answer's form has to be: a schema, ``json``, or nothing."""
    asked = sampling.more.get("response_format")
    if not isinstance(asked, Mapping):
        return None
    if asked.get("type") == "json_schema":
        inner = asked.get("json_schema")
        return inner.get("schema") if isinstance(inner, Mapping) else None
    return "json" if asked.get("type") == "json_object" else None


def _events(pieces: Iterator[dict[str, Any]], splitter: ThoughtSplitter | None) -> Iterator[Event]:
    usage, reason, calls = Usage(None, None), "", 0
    texts, thoughts = WholeLetters(), WholeLetters()
    for piece in pieces:
        message = piece.get("message") or {}
        if thought := thoughts.whole(message.get("thinking") or piece.get("thinking") or ""):
            yield Thought(thought)
        if text := texts.whole(message.get("content") or piece.get("response") or ""):
            yield from (Text(text),) if splitter is None else splitter.feed(text)
        for call in message.get("tool_calls") or ():
            function = call.get("function") or {}
            arguments = json.dumps(function.get("arguments") or {}, ensure_ascii=False)
            yield Tool(calls, f"call_{calls}", str(function.get("name") or ""), arguments)
            calls += 1
        if piece.get("done"):
            usage = _usage(piece)
            reason = _REASONS.get(str(piece.get("done_reason")), "stop")
    if thought := thoughts.end():
        yield Thought(thought)
    if text := texts.end():
        yield from (Text(text),) if splitter is None else splitter.feed(text)
    if splitter is not None:
        yield from splitter.end()
    yield usage
    yield End("tool" if calls and reason == "stop" else reason or "stop")


def _usage(piece: Mapping[str, Any]) -> Usage:
    prompt, generated, taken = (
        value if isinstance(value, int) and 0 <= value < 1 << 62 else None
        for value in map(piece.get, ("prompt_eval_count", "eval_count", "eval_duration"))
    )
    speed = 1e9 * generated / taken if generated and taken else None
    return Usage(prompt, generated, generated_per_second=speed)


def _parameters(told: Any) -> dict[str, float]:
    """What a model is asked with where nothing is said: lines of a name and a value."""
    found: dict[str, float] = {}
    for line in str((told or {}).get("parameters") or "").splitlines():
        name, _, value = line.strip().partition(" ")
        with suppress(ValueError):
            found[name] = float(value.strip())
    return found


def _trained(told: Any) -> int:
    said = told.get("model_info") if isinstance(told, dict) else None
    if not isinstance(said, dict):
        return 0
    found = said.get(f"{said.get('general.architecture')}.context_length")
    return found if isinstance(found, int) else 0
