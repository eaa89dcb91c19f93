"""Any server that speaks OpenAI's API: its window asked for, its counts compared, nothing assumed.

A server of llama.cpp shows its template and its tokenizer, and prompts are counted exactly; of any
other they are estimated from what it counted before. What a server calls its window is said in a
field of its own by each: none that says nothing is trusted with a guess.

Sources: OpenAI's API reference; llama.cpp's server (``/props``, ``/apply-template``,
``/tokenize``); vLLM (``max_model_len``); LM Studio's REST API (``loaded_context_length``);
OpenRouter's and Mistral's lists of models (``context_length``, ``max_context_length``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from lakelet.errors import EngineError, ModelNotFoundError, StalledError
from lakelet.inference.asking import Asking
from lakelet.inference.backend import (
    Conversation,
    Embeddings,
    Event,
    Loaded,
    Sampling,
    Waiting,
)
from lakelet.inference.completions import as_events, as_prompt, read_to_count
from lakelet.inference.counting import Count
from lakelet.inference.served import Server
from lakelet.inference.server_backend import ServerBackend, asking_of
from lakelet.inference.thoughts import ThoughtSplitter

__all__ = ("OpenAIServer", "openai_names")

_WINDOWS = ("window", "loaded_context_length", "max_model_len", "context_length",
            "max_context_length")  # fmt: skip
_LOOK = 5.0
"""Seconds within which a server says what it has."""


def _asking(server: Server, seconds: float) -> Asking:
    return asking_of(server, server.address.rstrip("/"), seconds)


def openai_names(server: Server) -> list[str]:
    """The names of the models that a server has.

    Raises:
        EngineError: it does not answer.
    """
    try:
        told = _asking(server, _LOOK).ask("/models")
    except EngineError as error:
        if error.status in (404, 405) and not server.address.rstrip("/").endswith("/v1"):
            error.hint = (
                f"most servers have OpenAI's API under /v1: is its address {server.address}/v1?"
            )
        raise
    data = told.get("data") if isinstance(told, dict) else None
    if not isinstance(data, list):
        raise EngineError(f"the server {server.name} tells no list of models.")
    return [str(one["id"]) for one in data if isinstance(one, dict) and "id" in one]


class OpenAIServer(ServerBackend):
    """A model of a server."""

    _exact = False

    def models(self) -> list[str]:
        """The names of the models it has."""
        return openai_names(self.server)

    def load(self, name: str, *, context: int | None = None) -> Iterator[Waiting | Loaded]:
        """Find out what window the model has there; whether it is loaded is the server's matter.

        Raises:
            EngineError: the server does not answer, or nobody says how large the window is.
        """
        yield Waiting(0)
        self._known = tuple(self.seen())
        props: Any = None
        with suppress(EngineError):
            props = self._beside(_LOOK).ask("/props")
        self.props = props if isinstance(props, dict) else None
        self._exact = isinstance(props, dict) and "default_generation_settings" in props
        found = self._window(props)
        window = context or self.server.window or found
        if found:  # what is beyond it would be cut
            window = min(window, found)
        if not window:
            self._refuse_unknown()
            raise EngineError(
                f"the server {self.server.name} does not say how many tokens {self.model} takes; "
                "nothing was asked.",
                hint=f"say window in [models.servers.{self.server.name}], or --context.",
            )
        yield Loaded(name, window)

    def _window(self, props: Any) -> int:
        if self._exact:
            found = _number(props["default_generation_settings"], ("n_ctx",))
            if found:
                return found
        told: Any = None
        for path in (f"/models/{quote(self.model, safe='')}", "/models"):
            with suppress(EngineError):
                told = self._asking(_LOOK).ask(path)
            one = _entry(told, self.model)
            inner = one.get("lakelet") if isinstance(one.get("lakelet"), dict) else {}
            if found := _number({**one, **(inner or {})}, _WINDOWS):
                return found
        with suppress(EngineError):  # LM Studio tells it beside OpenAI's API
            return _number(_entry(self._beside(_LOOK).ask("/api/v0/models"), self.model), _WINDOWS)
        return 0

    def _refuse_unknown(self) -> None:
        """Refuse a model that the server does not have, and a server that is not there.

        Raises:
            EngineError: it does not answer.
            ModelNotFoundError: it has none of that name.
        """
        try:
            names = openai_names(self.server)
        except EngineError as error:
            if error.hint or isinstance(error, StalledError):
                raise
            return  # it tells no list that can be read
        if names and self.model not in names:
            raise ModelNotFoundError(
                f"the server {self.server.name} has no model {self.model!r}; it has "
                f"{', '.join(names[:8])}{', …' if len(names) > 8 else ''}."
            )

    def _asking(self, seconds: float) -> Asking:
        """Its API, asked so that another thread can end that."""
        self._asked = _asking(self.server, seconds)
        return self._asked

    def _beside(self, seconds: float) -> Asking:
        """What it has beside OpenAI's API."""
        self._asked = _asking(self._root(), seconds)
        return self._asked

    def _root(self) -> Server:
        """The server without the part of its address that is OpenAI's."""
        base = self.server.address.rstrip("/").removesuffix("/v1")
        return Server(self.server.name, base, self.server.key)

    def render(self, conversation: Conversation) -> str:
        """The prompt as the model sees it, where the server shows it.

        Raises:
            EngineError: it does not.
        """
        if not self._exact:
            raise EngineError(f"the server {self.server.name} does not show the prompt it makes.")
        if conversation.raw:
            return conversation.messages[-1].content
        asked = as_prompt(conversation)
        return str(self._beside(600.0).ask("/apply-template", asked)["prompt"])

    def count(self, conversation: Conversation) -> Count:
        """How many tokens the prompt has: exact where the server shows how, estimated elsewhere."""
        if conversation.pictured:
            asked = {"model": self.model, **as_prompt(conversation)}
            return read_to_count(self._asking(600.0), "/chat/completions", asked)
        if not self._exact:
            return self._estimated(conversation)
        return Count.exact(self.tokens(self.render(conversation), raw=conversation.raw))

    def sees(self) -> bool:
        """Whether the server says so, and counts exactly: llama.cpp's own."""
        said = (self.props or {}).get("modalities")
        return self._exact and isinstance(said, dict) and said.get("vision") is True

    def tokens(self, text: str, *, raw: bool = False) -> int:
        """How many tokens a text has.

        Raises:
            EngineError: the server does not show its tokenizer.
        """
        if not self._exact:
            raise EngineError(f"the server {self.server.name} does not show its tokenizer.")
        asked = {"content": text, "add_special": True, "parse_special": not raw}
        return len(self._beside(600.0).ask("/tokenize", asked)["tokens"])

    def chat(self, conversation: Conversation, sampling: Sampling) -> Iterator[Event]:
        """Go on with a conversation, or with a text.

        Raises:
            EngineError: the server does not answer, stalls, or breaks off.
            OverflowingError: it refuses the prompt as too long.
        """
        fields: dict[str, Any] = {
            **sampling.as_fields(), "model": self.model, "stream": True,
            "stream_options": {"include_usage": True},
        }  # fmt: skip
        if sampling.thought_tokens is not None:  # a probe has seen it work
            fields["thinking_budget_tokens"] = sampling.thought_tokens
        asking = self._asking(600.0)
        if conversation.raw:
            fields["prompt"] = conversation.messages[-1].content
            pieces = asking.stream("/completions", fields)
            splitter = None
        else:
            fields.update(as_prompt(conversation))
            pieces = asking.stream("/chat/completions", fields)
            splitter = ThoughtSplitter()
        for event in as_events(pieces, splitter, f"the server {self.server.name}"):
            if not self._exact:
                self._learn_from(event, conversation)
            yield event

    def embed(self, texts: Sequence[str]) -> Embeddings:
        """A vector for each text, as the server makes them.

        Raises:
            EngineError: it does not answer, or makes none.
        """
        asked = {"model": self.model, "input": list(texts), "encoding_format": "float"}
        told = self._asking(600.0).ask("/embeddings", asked)
        try:
            found = sorted(told["data"], key=lambda one: one["index"])
            vectors = [[float(x) for x in one["embedding"]] for one in found]
            return Embeddings(vectors, int((told.get("usage") or {}).get("prompt_tokens") or 0))
        except (KeyError, TypeError, ValueError):
            raise EngineError(f"the server {self.server.name} made no vectors of it.") from None


def _entry(told: Any, model: str) -> dict[str, Any]:
    """What a server tells of a model, by itself or in a list."""
    if not isinstance(told, dict):
        return {}
    if isinstance(told.get("data"), list):
        every = [one for one in told["data"] if isinstance(one, dict)]
        return next((one for one in every if one.get("id") == model), {})
    return told


def _number(told: Any, names: Sequence[str]) -> int:
    for name in names:
        value = told.get(name) if isinstance(told, dict) else None
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return 0
