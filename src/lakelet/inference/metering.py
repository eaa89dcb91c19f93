"""Where a conversation's tokens go: what the system says, what was said before, and this turn.

A template puts words of its own around messages, and some say more where no system message is; so
the parts are found in the prompt itself. What stands before the first place at which two prompts
differ, of conversations that differ in one message only, stands before that message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from lakelet.inference.backend import Conversation

__all__ = ("Meter", "by_length", "meter")


@dataclass(frozen=True)
class Meter:
    """The tokens of a window.

    Attributes:
        system: before the first message that is not the system's.
        history: from there to the last question.
        turn: the last question, and what bids the model to answer.
        window: of the conversation.
        grade: of the count of the prompt: ``exact``, ``bounded`` or ``estimated``; '' for unsaid.
    """

    system: int
    history: int
    turn: int
    window: int
    grade: str = ""

    @property
    def prompt(self) -> int:
        """Tokens of the prompt."""
        return self.system + self.history + self.turn

    @property
    def room(self) -> int:
        """Tokens that are left for the answer."""
        return self.window - self.prompt


def meter(
    conversation: Conversation,
    prompt: int,
    window: int,
    render: Callable[[Conversation], str],
    tokens: Callable[[str], int],
) -> Meter:
    """Where the tokens of a conversation go.

    Args:
        conversation: the conversation.
        prompt: the tokens of its prompt.
        window: tokens of prompt and answer together.
        render: makes the prompt of a conversation.
        tokens: how many tokens a text has.
    """
    messages = conversation.messages
    asked = [number for number, one in enumerate(messages) if one.role == "user"]
    if not asked:
        return Meter(0, 0, prompt, window)
    whole = render(conversation)
    before = tokens(_before(conversation, asked[0], whole, render))
    last = before
    if asked[-1] != asked[0]:
        last = max(before, tokens(_before(conversation, asked[-1], whole, render)))
    return Meter(min(before, prompt), min(last, prompt) - min(before, prompt),
                 max(prompt - last, 0), window)  # fmt: skip


def by_length(conversation: Conversation, prompt: int, window: int) -> Meter:
    """Where the tokens of a conversation go, where nobody shows how they are counted: by bytes.

    Args:
        conversation: the conversation.
        prompt: the tokens of its prompt, at most.
        window: tokens of prompt and answer together.
    """
    sizes = [len(one.content.encode()) for one in conversation.messages]
    asked = [number for number, one in enumerate(conversation.messages) if one.role == "user"]
    if not asked or not sum(sizes):
        return Meter(0, 0, prompt, window)
    system = prompt * sum(sizes[: asked[0]]) // sum(sizes)
    turn = prompt * sum(sizes[asked[-1] :]) // sum(sizes)
    return Meter(system, prompt - system - turn, turn, window)


def _before(
    conversation: Conversation, number: int, whole: str, render: Callable[[Conversation], str]
) -> str:
    """What of a prompt stands before a message."""
    message = conversation.messages[number]
    other = "b" if message.content.lstrip()[:1] == "a" else "a"
    changed = list(conversation.messages)
    changed[number] = replace(message, content=other)
    differs = render(replace(conversation, messages=tuple(changed)))
    same = 0
    for one, two in zip(whole, differs, strict=False):
        if one != two:
            break
        same += 1
    return whole[:same]
