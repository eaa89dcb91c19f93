"""Old thoughts, as each model is to see them."""

from __future__ import annotations

from lakelet.inference import Message
from lakelet.inference.policy import with_policy

TALK = (
    Message("user", "a"),
    Message("assistant", "<think>x</think>b"),
    Message("user", "c"),
    Message("assistant", "", thought="y", more={"tool_calls": [{"id": "1"}]}),
    Message("tool", "<think>kept</think>", more={"tool_call_id": "1"}),
)


def told(thinking: str) -> list[tuple[str, str]]:
    return [(one.content, one.thought) for one in with_policy(TALK, thinking)]


def test_each_model_sees_what_it_was_trained_on() -> None:
    tool = ("<think>kept</think>", "")  # what a tool says is nobody's thought
    assert told("strip") == [("a", ""), ("b", ""), ("c", ""), ("", ""), tool]
    assert told("keep since the last user turn") == [
        ("a", ""), ("b", ""), ("c", ""), ("", "y"), tool,
    ]  # fmt: skip
    whole = [("a", ""), ("<think>x</think>b", ""), ("c", ""), ("", "y"), tool]
    assert told("keep always") == whole
    # One that does not think never sees another's thoughts, but may write about the tags.
    assert told("none") == told("strip")
    about = (Message("assistant", "The tag <think> begins a thought, </think> ends it."),)
    assert with_policy(about, "none") == about
    assert with_policy(TALK, "strip")[3].more == {"tool_calls": [{"id": "1"}]}
