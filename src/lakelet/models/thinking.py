"""Whether a model thinks before it answers, and what becomes of old thoughts, by its template.

A policy is a property of the model, not of the client. Most reasoning models were trained on
conversations without old thoughts (*strip*); some on tool loops in which the thoughts since the
person's last message stay (*keep since the last user turn*); few on all of them (*keep always*).
What a template says is read here; what reaches the model is seen when it is rendered.
"""

from __future__ import annotations

import re

__all__ = ("POLICIES", "thinking_policy")

POLICIES = ("none", "strip", "keep since the last user turn", "keep always")
_THINKS = re.compile(r"<think|</think|reasoning_content|enable_thinking|<\|channel\|>|\[THINK\]")
_ALWAYS = re.compile(r"preserve_thinking|preserve_reasoning")
_SINCE = re.compile(r"last_query_index|last_user_index|last_user_idx")
_WRITES = re.compile(r"reasoning_content|message\.thinking|message\[['\"]thinking['\"]\]")


def thinking_policy(template: str | None) -> str:
    """One of `POLICIES`, as a chat template (Jinja) handles old thoughts.

    Args:
        template: the template; None for a model without one.
    """
    if not template or not _THINKS.search(template):
        return "none"
    if _ALWAYS.search(template):
        return "keep always"
    if _SINCE.search(template) and _WRITES.search(template):
        return "keep since the last user turn"
    return "strip"
