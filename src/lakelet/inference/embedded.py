"""The engine that comes with Lakelet: llama.cpp in a process of its own, by turns."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from lakelet.errors import EngineError, OverflowingError, StalledError
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
from lakelet.inference.host.attaching import HostClient, Turn
from lakelet.inference.memory import longest_for_vector
from lakelet.inference.thoughts import ThoughtSplitter
from lakelet.models import ModelStore

__all__ = ("Embedded",)

_DYING = 0.2
"""Seconds after which an engine that died is known to have."""
_RENDER = 10.0
"""Seconds that a template may take: two, as when it is tried, and what a busy machine adds."""


class Embedded:
    """llama.cpp on this machine; counts are its own tokenizer's, and exact.

    Args:
        store: the store of models.
        raw: whether texts are gone on with, without a template.
        client: who asks, where several do in this process.
        keep: seconds for which the model stays loaded afterwards; None for as long as others do.
        server: a ``llama-server`` of the user's own with its arguments, in the engine's place.
    """

    def __init__(
        self, store: ModelStore, *, raw: bool = False, client: str = "",
        keep: float | None = None, server: str = "",
    ) -> None:  # fmt: skip
        self.store = store
        self.host = HostClient(store)
        self.raw = raw
        self.client = client
        self.keep = keep
        self.server = server
        self._turn: Turn | None = None
        self._loaded: Loaded | None = None
        self._asked: Asking | None = None
        self._thinks = False
        self._identity = ""
        self._sees = False

    def models(self) -> list[str]:
        """The names of the models of the store."""
        return [model.name for model in self.store.models()]

    def load(self, name: str, *, context: int | None = None) -> Iterator[Waiting | Loaded]:
        """Take a turn with a model; the last event says that it is ready.

        Raises:
            ModelNotFoundError: the store has none of that name.
            ModelFileError: its file is gone, changed, or cannot be read.
            EngineError: it does not load, or does not fit beside what is at work.
        """
        self.close()
        model = self.store.model(name)
        self._thinks = model.card.thinking != "none"
        self._identity = model.identity
        self._sees = model.card.vision
        for last in (False, True):
            self._turn = self.host.turn(
                model, window=context, raw=self.raw, client=self.client, keep=self.keep,
                server=self.server,
            )  # fmt: skip
            for event in self._turn.wait():
                if isinstance(event, Loaded):
                    self._loaded = event
                else:
                    yield event
            if last or self._answers():
                break
            # It died a moment ago, and whoever holds it has not seen that yet.
            self.close()
            time.sleep(_DYING)
        yield self.loaded

    def _answers(self) -> bool:
        """Whether the engine that was given is there."""
        try:
            self._asking_for(_DYING * 50).ask("/health")
        except EngineError:
            return False
        return True

    def render(self, conversation: Conversation) -> str:
        """The prompt as the model sees it, by the engine's own renderer."""
        if conversation.raw:
            return conversation.messages[-1].content
        asked = as_prompt(conversation)
        try:
            return str(self._asking_for(_RENDER).ask("/apply-template", asked)["prompt"])
        except StalledError:
            said = "hung its engine: its template did not come to an end"
            self.host.hung(self._identity, said)
            raise EngineError(
                f"{self.loaded.name} {said} within {_RENDER:.0f} s; the engine was ended, and the "
                "model is not loaded again.",
                hint=f"`lakelet models template {self.loaded.name} FILE|FAMILY` gives it another.",
            ) from None

    def count(self, conversation: Conversation) -> Count:
        """How many tokens the prompt has; exact.

        What a picture takes is known by reading it: the prompt is read, and is read no more when
        the answer is asked for, since it is kept.
        """
        if conversation.pictured:
            return read_to_count(self._asking, "/v1/chat/completions", as_prompt(conversation))
        return Count.exact(self.tokens(self.render(conversation), raw=conversation.raw))

    def sees(self) -> bool:
        """Whether a projector belongs to the model."""
        return self._sees

    def tokens(self, text: str, *, raw: bool = False) -> int:
        """How many tokens a text has; control tokens are read as such unless it is ``raw``."""
        asked = {"content": text, "add_special": True, "parse_special": not raw}
        return len(self._asking.ask("/tokenize", asked)["tokens"])

    def chat(self, conversation: Conversation, sampling: Sampling) -> Iterator[Event]:
        """Go on with a conversation, or with a text.

        Raises:
            EngineError: the engine dies, stalls, or breaks off.
            OverflowingError: the prompt does not fit; the engine's own refusal.
        """
        fields: dict[str, Any] = {
            **sampling.as_fields(), "stream": True, "stream_options": {"include_usage": True},
        }  # fmt: skip
        if sampling.thought_tokens is not None:
            fields["thinking_budget_tokens"] = sampling.thought_tokens
        splitter = None
        if conversation.raw:
            # The engine reads no control tokens in a list of tokens it did not make itself.
            asked = {"content": conversation.messages[-1].content, "add_special": True,
                     "parse_special": False}  # fmt: skip
            tokens = self._asking.ask("/tokenize", asked)["tokens"]
            pieces = self._asking.stream("/v1/completions", {**fields, "prompt": tokens})
        else:
            # Where the engine knows the template's thoughts it tells them itself, and nothing of
            # them stands in the text.
            splitter = ThoughtSplitter(anywhere=self._thinks)
            fields.update(as_prompt(conversation))
            pieces = self._asking.stream("/v1/chat/completions", fields)
        yield from as_events(pieces, splitter, f"the engine of {self.loaded.name}")

    def embed(self, texts: Sequence[str]) -> Embeddings:
        """A vector for each text: as its file says, or the mean over its tokens.

        Raises:
            OverflowingError: a text is longer than what is read at once; nothing was sent.
            EngineError: the engine dies, or makes no vectors of this model.
        """
        most = longest_for_vector(self.store.model(self.loaded.name).card, self.loaded.window)
        for text in texts:
            tokens = self.tokens(text, raw=True)
            if tokens > most:
                raise OverflowingError(
                    f"a text has {tokens:,} tokens, and at most {most:,} make one vector; nothing "
                    "was sent.",
                    hint="cut it into parts.", prompt=tokens, window=most,
                )  # fmt: skip
        told = self._asking.ask("/v1/embeddings", {"input": list(texts)})
        try:
            found = sorted(told["data"], key=lambda one: one["index"])
            vectors = [[float(x) for x in one["embedding"]] for one in found]
            return Embeddings(vectors, int(told["usage"]["prompt_tokens"]))
        except (KeyError, TypeError, ValueError):
            raise EngineError(f"the engine of {self.loaded.name} made no vectors of it.") from None

    def abort(self) -> None:
        """End what another thread waits for or reads: it raises there."""
        if self._turn is not None:
            self._turn.abort()
        if self._asked is not None:
            self._asked.abort()

    def close(self) -> None:
        """Give the turn back; the model stays loaded for a while."""
        if self._turn is not None:
            self._turn.close()
        self._turn = self._loaded = None

    @property
    def loaded(self) -> Loaded:
        """The model that is ready.

        Raises:
            EngineError: none is.
        """
        if self._loaded is None:
            raise EngineError("no model is loaded.")
        return self._loaded

    @property
    def _asking(self) -> Asking:
        return self._asking_for(600.0)

    def _asking_for(self, seconds: float) -> Asking:
        if self._turn is None or self._loaded is None:
            raise EngineError("no model is loaded.")
        whose = f"the engine of {self._loaded.name}"
        again = "ask again; the engine is started anew."
        self._asked = Asking(self._turn.address, self._turn.key, whose, seconds, again)
        return self._asked
