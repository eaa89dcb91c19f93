"""What becomes of old thoughts before a conversation goes to a model: the model's own way.

Clients send back what they were told, thoughts and all, in three fields or in the text. A model
that was trained without old thoughts gets none; one that keeps those since the person's last
message, or all, keeps them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lakelet.errors import CommandError
from lakelet.inference.backend import Message
from lakelet.inference.served import AnyModel, ServedModel
from lakelet.inference.thoughts import without_thoughts

__all__ = ("thinking_of", "with_policy")

_SWITCH = "enable_thinking"
_BUDGET = re.compile(r"budget\s+([0-9]{1,9})")


def with_policy(messages: Sequence[Message], thinking: str) -> tuple[Message, ...]:
    """A conversation with the old thoughts that its model is to see.

    Args:
        messages: as a client tells them.
        thinking: the model's way, of `lakelet.models.thinking.POLICIES`.
    """
    if thinking == "keep always":
        return tuple(messages)
    # Of a model that does not think a thought can only be another's, at the beginning; elsewhere
    # it writes about the tags.
    trained = thinking != "none"
    since = 0
    if thinking == "keep since the last user turn":
        since = max((n for n, one in enumerate(messages) if one.role == "user"), default=0)
    else:
        since = len(messages)
    return tuple(
        one if number > since or one.role != "assistant"
        else replace(one, content=without_thoughts(one.content, anywhere=trained), thought="")
        for number, one in enumerate(messages)
    )  # fmt: skip


def thinking_of(model: AnyModel, told: str) -> tuple[dict[str, Any], int | None]:
    """Variables of a model's template, and the tokens it may think for, as a person says it.

    Args:
        model: the model.
        told: ``on`` or ``off``, for templates that know a switch; ``budget N``; '' for nothing.

    Raises:
        CommandError: that is not how this model can be told; nothing would be as it was asked for.
    """
    if not told:
        return {}, None
    budget = _BUDGET.fullmatch(told.strip())
    if told not in ("on", "off") and budget is None:
        raise CommandError(f"think is on, off, or budget N with a number of tokens, not {told!r}.")
    if isinstance(model, ServedModel):
        return _thinking_there(model, told, int(budget[1]) if budget else None)
    card = model.card
    if card.thinking == "none" and told != "off":
        raise CommandError(
            f"{model.name} does not think before it answers, by its template; nothing was asked.",
            hint="leave --think out.",
        )
    if budget is not None:
        return {}, int(budget[1])
    if card.thinking != "none" and _SWITCH not in (card.template or ""):
        raise CommandError(
            f"the template of {model.name} knows no switch for thinking: it always does; nothing "
            "was asked.",
            hint="`--think budget N` ends its thoughts after N tokens.",
        )
    return ({_SWITCH: told == "on"} if card.thinking != "none" else {}), None


def _thinking_there(
    model: ServedModel, told: str, budget: int | None
) -> tuple[dict[str, Any], int | None]:
    """The same for a model of a server: as its API has it, or as a probe saw it work."""
    needed = "thinking budget" if budget is not None else "thinking switch"
    own = model.server.api == "ollama" and budget is None
    if not own and needed not in model.seen:
        raise CommandError(
            f"whether {model.server.name} does so is not known: no probe of {model.name} saw it; "
            "nothing was asked.",
            hint=f"`lakelet models probe {model.name}` finds out; or leave --think out.",
        )
    return ({} if budget is not None else {_SWITCH: told == "on"}), budget
