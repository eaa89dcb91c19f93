"""Tools of a request: refused where they are none, and the one that a client insists on.

Source: OpenAI's API reference, "Function calling" (``tools``, ``tool_choice``,
``parallel_tool_calls``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lakelet.errors import CommandError
from lakelet.inference.backend import Conversation, Sampling

__all__ = ("calls_told", "choosing", "tools_of")

_CHOICES = ("auto", "none", "required")


def tools_of(body: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """The tools of a request.

    Raises:
        CommandError: one has no name, or the choice is none or names none of them.
    """
    tools = body.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(one, dict) for one in tools):
        raise CommandError("tools is no list of objects; nothing was asked.")
    names = [_name(one) for one in tools]
    if not all(names):
        raise CommandError("a tool is a function with a name; nothing was asked.")
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        if _name(choice) not in names:
            raise CommandError(
                f"tool_choice names {_name(choice) or 'no function'}, and tools has "
                f"{', '.join(map(str, names)) or 'none'}; nothing was asked."
            )
    elif choice not in (None, *_CHOICES):
        raise CommandError(
            f"tool_choice is {choice!r}, and can be {', '.join(_CHOICES)} or name a function; "
            "nothing was asked."
        )
    elif choice == "required" and not tools:
        raise CommandError("tool_choice is required, and there are no tools; nothing was asked.")
    return tuple(tools)


def choosing(conversation: Conversation, sampling: Sampling) -> tuple[Conversation, Sampling]:
    """A request whose choice names a function, as the engine knows it: that one, and required."""
    choice = sampling.more.get("tool_choice")
    if not isinstance(choice, Mapping):
        return conversation, sampling
    only = tuple(one for one in conversation.tools if _name(one) == _name(choice))
    more = {**sampling.more, "tool_choice": "required"}
    return replace(conversation, tools=only), replace(sampling, more=more)


def calls_told(calls: Iterable[Mapping[str, Any]]) -> str:
    """Calls of tools as a text, a line each: what is kept of them where only texts are."""
    told = []
    for one in calls:
        function = one.get("function") or one
        arguments = function.get("arguments")
        text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
        told.append(f"{function.get('name')}({text})")
    return "\n".join(told)


def _name(tool: Mapping[str, Any]) -> str:
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else ""
