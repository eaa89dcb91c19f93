"""What every engine can do for a conversation, behind one protocol.

An answer is a stream of events, so that what has come is there whatever happens next: thoughts and
text as they come, tool calls in fragments, what the engine counted, and why it ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lakelet.inference.counting import Count, Room

__all__ = (
    "Backend",
    "Begun",
    "Conversation",
    "Embeddings",
    "End",
    "Event",
    "Loaded",
    "Message",
    "Sampling",
    "Text",
    "Thought",
    "Tool",
    "Usage",
    "Waiting",
)


@dataclass(frozen=True)
class Message:
    """One message of a conversation.

    Attributes:
        role: ``system``, ``user``, ``assistant`` or ``tool``.
        content: its text.
        thought: what an assistant thought before it, apart from the text.
        more: other fields of it, passed on as they are: tool calls, a tool's call; ``content``
            with the parts of a message that holds pictures.
    """

    role: str
    content: str
    thought: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Conversation:
    """What an engine is asked to go on with.

    Attributes:
        messages: in their order.
        raw: whether the one message is text to go on with, without a template.
        tools: that the model may call, passed on as they are.
        template: variables of the model's template, such as ``enable_thinking``.
    """

    messages: tuple[Message, ...]
    raw: bool = False
    tools: tuple[Mapping[str, Any], ...] = ()
    template: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pictured(self) -> bool:
        """Whether a message of it holds pictures: parts in the place of its text."""
        return any("content" in one.more for one in self.messages)


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn; None leaves it to the engine.

    Attributes:
        temperature: 0 is greedy.
        top_p: nucleus.
        top_k: the most likely so many.
        min_p: the least share of the most likely one's probability.
        seed: of the draw.
        max_tokens: generated tokens at most.
        stop: texts at which it ends.
        thought_tokens: that it may think for, before its thought is ended for it.
        more: other fields of a request, passed on as they are.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    thought_tokens: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def formed(self) -> bool:
        """Whether the answer has to be JSON, or to follow a schema."""
        asked = self.more.get("response_format")
        return isinstance(asked, Mapping) and asked.get("type", "text") != "text"

    def as_fields(self) -> dict[str, Any]:
        """As fields of a request to an OpenAI-compatible server; only what is said.

        How many tokens it may think for is not among them: every server has a field of its own.
        """
        told = {
            "temperature": self.temperature, "top_p": self.top_p, "top_k": self.top_k,
            "min_p": self.min_p, "seed": self.seed, "max_tokens": self.max_tokens,
            "stop": list(self.stop) or None,
        }  # fmt: skip
        said = {name: value for name, value in told.items() if value is not None}
        return {**self.more, **said}


@dataclass(frozen=True)
class Waiting:
    """The model is busy, or is being loaded.

    Attributes:
        place: how many are served before this one; 0 while the model is loaded.
    """

    place: int


@dataclass(frozen=True)
class Thought:
    """A piece of what the model thinks."""

    text: str


@dataclass(frozen=True)
class Text:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True)
class Tool:
    """A fragment of a tool call.

    Attributes:
        index: which of several calls.
        id: the call's, in its first fragment.
        name: the tool's, in its first fragment.
        arguments: a piece of the arguments' JSON.
    """

    index: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Usage:
    """What the engine counted.

    Attributes:
        prompt: prompt tokens; None where it did not say.
        generated: generated tokens; None where it did not say.
        cached: prompt tokens that were taken from an earlier prompt.
        generated_per_second: as the engine measured; None where it did not.
    """

    prompt: int | None
    generated: int | None
    cached: int | None = None
    generated_per_second: float | None = None


@dataclass(frozen=True)
class End:
    """Why an answer ended.

    Attributes:
        reason: ``stop``, ``max_tokens``, ``window`` (no room was left), ``tool``, or ``loop``: it
            said the same again and again, and was stopped.
    """

    reason: str


Event = Waiting | Thought | Text | Tool | Usage | End


@dataclass(frozen=True)
class Loaded:
    """A model that is ready.

    Attributes:
        name: its name.
        window: tokens of one conversation, prompt and answer together.
        slots: how many conversations at once.
    """

    name: str
    window: int
    slots: int = 1


@dataclass(frozen=True)
class Embeddings:
    """Texts as vectors.

    Attributes:
        vectors: one for each text, of length 1 (Euclidean).
        tokens: of all texts together.
    """

    vectors: list[list[float]]
    tokens: int


@dataclass(frozen=True)
class Begun:
    """A conversation that fits, and is sent.

    Attributes:
        conversation: what of it is sent.
        count: of its prompt.
        room: what is left for the answer.
        window: tokens of prompt and answer together.
    """

    conversation: Conversation
    count: Count
    room: Room
    window: int

    @property
    def most(self) -> int | None:
        """Tokens that are generated at most; None where it goes on to the window's end.

        Of a prompt that was not counted it is not known how far that is.
        """
        unknown = (
            self.count.grade == "bounded" and self.room.tokens == self.window - self.count.high
        )
        return None if unknown else self.room.tokens


class Backend(Protocol):
    """An engine that holds conversations."""

    def models(self) -> list[str]:
        """The names of the models it has."""
        ...

    def load(self, name: str, *, context: int | None = None) -> Iterator[Waiting | Loaded]:
        """Make a model ready, and say how long that takes; the last event says how it is."""
        ...

    def render(self, conversation: Conversation) -> str:
        """The prompt as the model sees it."""
        ...

    def count(self, conversation: Conversation) -> Count:
        """How many tokens the prompt has, with the grade of that."""
        ...

    def sees(self) -> bool:
        """Whether the loaded model takes pictures, and what one takes of the window is counted."""
        ...

    def tokens(self, text: str, *, raw: bool = False) -> int:
        """How many tokens a text has; control tokens are read as such unless it is ``raw``."""
        ...

    def chat(self, conversation: Conversation, sampling: Sampling) -> Iterator[Event]:
        """Go on with a conversation."""
        ...

    def embed(self, texts: Sequence[str]) -> Embeddings:
        """A vector for each text."""
        ...

    def abort(self) -> None:
        """End what another thread waits for or reads: it raises there."""
        ...

    def close(self) -> None:
        """Let go of what was loaded."""
        ...
