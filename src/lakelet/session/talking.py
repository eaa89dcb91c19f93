"""A conversation with a model, held turn by turn and kept as it is held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lakelet.errors import CommandError, EngineError
from lakelet.inference import (
    Answer,
    Backend,
    Begun,
    Conversation,
    Loaded,
    Message,
    Sampling,
    Text,
    Thought,
    ask,
)
from lakelet.inference.metering import Meter, by_length, meter
from lakelet.inference.policy import thinking_of, with_policy
from lakelet.inference.templates import refuse_silent
from lakelet.models import Model
from lakelet.session.choosing_model import note_used
from lakelet.session.conversations import Writing, said_in, talk, went_on
from lakelet.session.used_models import tell_used

if TYPE_CHECKING:
    from lakelet.inference.served import AnyModel
    from lakelet.session.workspace import Workspace

__all__ = ("Talking",)

_STOPPED = "stopped; what had come is kept."


class Talking:
    """A conversation with a model.

    Args:
        workspace: where it is kept.
        model: the model.
        system: what the model is told before.
        think: ``on`` or ``off``, where the model's template can be told; ``budget N`` for at most
            so many tokens of thought; '' as the model does by itself.
        context: tokens of the conversation; the most that memory allows without it.
        overflow: ``fail``, or ``drop-oldest`` turns.
        sampling: what of the drawing is said explicitly.
        go_on: a conversation that goes on, by the beginning of its name.
        at: only so many messages of that one; what is said next begins a branch of it, and the
            conversation itself stays as it is. None for all of them.
        name: of a new conversation; one is made up without it.

    Attributes:
        id: its name; '' until something was said.
        messages: what was said.
        sampling: how the model is sampled, and where each value comes from.

    Raises:
        CommandError: there is no such conversation to go on with, it is not as long, or the model
            does not think as it is told.
    """

    def __init__(
        self, workspace: Workspace, model: AnyModel, *, system: str = "",
        think: str = "", context: int | None = None,
        overflow: str = "fail", sampling: Sampling | None = None, go_on: str = "",
        at: int | None = None, name: str = "",
    ) -> None:  # fmt: skip
        self.workspace = workspace
        self.model = model
        self.template, thought_tokens = thinking_of(model, think)
        self.context = context
        self.overflow = overflow
        said = replace(sampling or Sampling(), thought_tokens=thought_tokens)
        self.sampling = workspace.sampling_of(model, said)
        self.id = ""
        self.messages: list[Message] = []
        self._new_id = name
        self._branch: tuple[str, int] | None = None
        self._thinking = model.card.thinking
        self._backend: Backend | None = None
        self._stopped = False
        if isinstance(model, Model):
            refuse_silent(model)
        if go_on:
            if system:
                raise CommandError(
                    "what the system says stands at the beginning of a conversation, and this one "
                    "goes on; nothing was asked.",
                    hint="leave --system out, or begin another conversation.",
                )
            kept, self.messages = talk(workspace.folder, go_on)
            self.id = kept.id
            if at is not None:
                self.back_to(at)
        elif system:
            self.messages.append(Message("system", system))

    def back_to(self, messages: int) -> None:
        """Go back to when so many messages were said: what is said next begins a branch.

        Raises:
            CommandError: fewer were said.
        """
        if not 0 <= messages <= len(self.messages):
            raise CommandError(
                f"{len(self.messages)} messages were said; there is no going back to {messages}."
            )
        if messages == len(self.messages):
            return
        self.messages = self.messages[:messages]
        if self.id:
            self._branch, self.id = (self.id, messages), ""
        elif self._branch is not None:  # a branch of which nothing was said yet
            self._branch = (self._branch[0], messages)

    def expect(self, messages: int) -> None:
        """Refuse to go on where a conversation is not as long as it was thought to be.

        Raises:
            CommandError: something was said in it meanwhile.
        """
        if messages != len(self.messages):
            raise went_on(self.id, len(self.messages), messages)

    def stop(self) -> None:
        """End the answer that comes, from another thread; what has come is kept."""
        self._stopped = True
        if self._backend is not None:
            self._backend.abort()

    def load(self, told: Callable[[Any], None] = lambda _event: None) -> int:
        """Have the model ready before anything is said; tokens of the conversation's window.

        Args:
            told: told how many are served before.

        Raises:
            EngineError: it does not load, or takes no window as large as that.
        """
        backend = self.workspace.backend_of(self.model)
        try:
            window = 0
            for event in backend.load(self.model.name, context=self.context):
                told(event)
                if isinstance(event, Loaded):
                    window = min(event.window, self.context or event.window)
            return window
        finally:
            backend.close()

    @property
    def largest_window(self) -> int:
        """Tokens that the model takes at most; as many as can be asked for where nobody says."""
        card = self.model.card
        return card.context or card.trained_context or 1 << 30

    def prompt(self, messages: int | None = None) -> str:
        """The prompt as the model sees it, by its own template; the model is loaded for it.

        Args:
            messages: of so many messages; up to the last question without it, which is what the
                last answer was given to.
        """
        if messages is None:
            asked = [n for n, one in enumerate(self.messages, 1) if one.role == "user"]
            messages = asked[-1] if asked else len(self.messages)
        seen = self._seen(messages)
        backend = self.workspace.backend_of(self.model)
        try:
            for _event in backend.load(self.model.name, context=self.context):
                pass
            return backend.render(self._conversation(seen))
        finally:
            backend.close()

    def _seen(self, messages: int) -> list[Message]:
        """So many messages, without those that were left out when the next was answered."""
        seen = _answered(self.messages[:messages])
        if not self.id:
            return seen
        _, said = said_in(self.workspace.folder, self.id)
        dropped = next((one.dropped for one in said if one.number == messages), 0)
        first = next((n for n, one in enumerate(seen) if one.role == "user"), len(seen))
        return seen[:first] + seen[first + (dropped or 0) :]

    def say(self, text: str, told: Callable[[Any], None] = lambda _event: None) -> Answer:
        """Say something, and hear what the model answers.

        Args:
            text: what is said.
            told: told of every event as it comes, and once of the `Meter` of the prompt.

        Raises:
            CommandError: something was said in this conversation elsewhere; nothing was sent.
            OverflowingError: it does not fit; nothing was sent, and nothing of it is kept.
            EngineError: the model does not load, or broke off before it said anything.
        """
        said = [*self.messages, Message("user", text)]
        written: list[Writing] = []
        begun: list[Begun] = []
        backend = self._backend = self.workspace.backend_of(self.model)
        self._stopped = False

        def hear(event: Any) -> None:
            if self._stopped:
                raise EngineError(_STOPPED)
            if isinstance(event, Begun):  # it fits, and is sent
                tell_used(self.workspace.folder, self.model, event, self.sampling.sampling)
                begun.append(event)
                found = _measured(backend, event)
                written.append(self._begin(text))
                written[0].measure(found)
                told(event)
                event = found
            elif isinstance(event, Text | Thought):
                is_text = isinstance(event, Text)
                written[0].come(event.text if is_text else "", "" if is_text else event.text)
            told(event)

        try:
            answer = ask(
                backend, self.model.name, self._conversation(said), self.sampling.sampling,
                context=self.context, overflow=self.overflow, told=hear,
            )  # fmt: skip
        except BaseException as error:
            if written:
                stopped = self._stopped or isinstance(error, KeyboardInterrupt)
                written[0].fail(_STOPPED if stopped else str(error) or type(error).__name__)
                came = Message("assistant", written[0].text, written[0].thought)
                self.messages = [*said, came]
            raise
        finally:
            self._backend = None
        if answer.count.grade != "exact" and answer.usage.prompt:
            # The server has counted what was estimated: its number is the one to keep.
            found = by_length(begun[0].conversation, answer.usage.prompt, answer.window)
            found = replace(found, grade=answer.count.grade)
            written[0].measure(found)
            told(found)
        if self._stopped:
            answer = replace(answer, reason="stopped", wrong=[])
        written[0].end(answer)
        self.messages = [*said, Message("assistant", answer.text, answer.thought)]
        return answer

    def _begin(self, text: str) -> Writing:
        folder = self.workspace.folder
        if self.id:
            writing = Writing(folder, self.model, self.id, len(self.messages))
        else:
            writing = Writing(folder, self.model, self._new_id, branch=self._branch)
            if self._branch is None:
                for one in self.messages:
                    writing.say(one.role, one.content)
        self.id, self._branch, self._new_id = writing.id, None, ""
        writing.say("user", text)
        writing.begin()
        note_used(folder, self.model)
        return writing

    def _conversation(self, messages: list[Message]) -> Conversation:
        seen = with_policy(_answered(messages), self._thinking)
        return Conversation(seen, template=self.template)


def _measured(backend: Backend, begun: Begun) -> Meter:
    try:
        found = meter(
            begun.conversation, begun.count.high, begun.window, backend.render, backend.tokens
        )
    except EngineError:  # a server that shows neither its template nor its tokenizer
        found = by_length(begun.conversation, begun.count.high, begun.window)
    return replace(found, grade=begun.count.grade)


def _answered(messages: Sequence[Message]) -> list[Message]:
    """Messages without the questions whose answer never came.

    Templates know no empty answers, and some no two questions after one another.
    """
    left: list[Message] = []
    for one in messages:
        if one.role == "assistant" and not one.content and not one.thought:
            if left and left[-1].role == "user":
                left.pop()
        else:
            left.append(one)
    return left
