"""A conversation with a model, held turn by turn and kept as it is held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lakelet.errors import LakeletError
from lakelet.inference import (
    Answer,
    Conversation,
    Count,
    Embedded,
    Message,
    Sampling,
    Text,
    Thought,
    ask,
)
from lakelet.inference.policy import with_policy
from lakelet.session.choosing_model import note_used
from lakelet.session.conversations import Writing, talk

if TYPE_CHECKING:
    from lakelet.models import Model
    from lakelet.session.workspace import Workspace

__all__ = ("Talking",)


class Talking:
    """A conversation with a model.

    Args:
        workspace: where it is kept.
        model: the model.
        system: what the model is told before.
        template: variables of the model's template, such as ``enable_thinking``.
        context: tokens of the conversation; the most that memory allows without it.
        overflow: ``fail``, or ``drop-oldest`` turns.
        sampling: what of the drawing is said explicitly.
        go_on: a conversation that goes on, by the beginning of its name.

    Attributes:
        id: its name; '' until something was said.
        messages: what was said.
        sampling: how the model is sampled, and where each value comes from.

    Raises:
        CommandError: there is no such conversation to go on with.
    """

    def __init__(
        self, workspace: Workspace, model: Model, *, system: str = "",
        template: Mapping[str, Any] | None = None, context: int | None = None,
        overflow: str = "fail", sampling: Sampling | None = None, go_on: str = "",
    ) -> None:  # fmt: skip
        self.workspace = workspace
        self.model = model
        self.template = dict(template or {})
        self.context = context
        self.overflow = overflow
        self.sampling = workspace.sampling_of(model, sampling)
        self.id = ""
        self.messages: list[Message] = []
        self._thinking = model.card.thinking
        if go_on:
            kept, self.messages = talk(workspace.folder, go_on)
            self.id = kept.id
        elif system:
            self.messages.append(Message("system", system))

    def prompt(self) -> str:
        """The prompt as the model sees it, by its own template; the model is loaded for it."""
        backend = Embedded(self.workspace.model_store)
        try:
            for _event in backend.load(self.model.name, context=self.context):
                pass
            return backend.render(self._conversation(self.messages))
        finally:
            backend.close()

    def say(self, text: str, told: Callable[[Any], None] = lambda _event: None) -> Answer:
        """Say something, and hear what the model answers.

        Args:
            text: what is said.
            told: told of every event as it comes.

        Raises:
            OverflowingError: it does not fit; nothing was sent, and nothing of it is kept.
            EngineError: the model does not load, or broke off before it said anything.
        """
        said = [*self.messages, Message("user", text)]
        written: list[Writing] = []

        def hear(event: Any) -> None:
            if isinstance(event, Count):  # it fits, and is sent
                written.append(self._begin(text))
            elif isinstance(event, Text | Thought):
                is_text = isinstance(event, Text)
                written[0].come(event.text if is_text else "", "" if is_text else event.text)
            told(event)

        try:
            answer = ask(
                Embedded(self.workspace.model_store), self.model.name, self._conversation(said),
                self.sampling.sampling, context=self.context, overflow=self.overflow, told=hear,
            )  # fmt: skip
        except BaseException as error:
            if written:
                why = error.message if isinstance(error, LakeletError) else "stopped"
                written[0].fail(why)
                came = Message("assistant", written[0].text, written[0].thought)
                self.messages = [*said, came]
            raise
        written[0].end(answer)
        self.messages = [*said, Message("assistant", answer.text, answer.thought)]
        return answer

    def _begin(self, text: str) -> Writing:
        folder = self.workspace.folder
        writing = Writing(folder, self.model, self.id, self.messages if self.id else ())
        if not self.id:
            for one in self.messages:
                writing.say(one.role, one.content)
        self.id = writing.id
        writing.say("user", text)
        writing.begin()
        note_used(folder, self.model)
        return writing

    def _conversation(self, messages: list[Message]) -> Conversation:
        seen = with_policy([one for one in messages if not _empty(one)], self._thinking)
        return Conversation(seen, template=self.template)


def _empty(message: Message) -> bool:
    """Whether an answer never came: templates know no empty ones."""
    return message.role == "assistant" and not message.content and not message.thought
