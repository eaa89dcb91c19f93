"""The protocol of publishing holds in every interleaving, and each of its rules is needed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lakelet.pipelines.publishing import publish
from lakelet.pipelines.publishing.protocol import TRANSITIONS, State, Transition
from pipelines.publishing_model import Rules, World, explore, moves

DOCUMENT = Path(__file__).parents[2] / "docs" / "how-publishing-works.md"


def test_no_interleaving_shows_half_an_update() -> None:
    states, problem = explore(Rules())
    assert problem is None
    assert states > 500


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Rules(publish_last=False), r"beside table|not what the update made"),
        (Rules(journal=False), r"nobody knows why"),
        (Rules(put_back=False), r"nobody knows why"),
    ],
)
def test_breaking_a_rule_breaks_the_protocol(broken: Rules, message: str) -> None:
    _, problem = explore(broken)
    assert problem is not None
    assert re.search(message, problem), problem


def test_model_code_and_document_share_their_names() -> None:
    table = re.findall(r"^\| ([a-z ]+) \| ([a-z]+) \| ([a-z]+) \|", DOCUMENT.read_text(), re.M)
    written = {row for row in table if row[0] != "transition"}
    assert written == {(str(t), str(a), str(b)) for t, a, b in TRANSITIONS}
    taken = set()
    seen, waiting = {World()}, [World()]
    while waiting:
        world = waiting.pop()
        for name, after in moves(world, Rules()):
            if isinstance(name, Transition) and world.process is not None:
                state = after.process.state if after.process else None
                taken.add((name, world.process.state, state))
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    over = (State.DONE, State.FAILED)
    expected = {(t, a, None if b in over else b) for t, a, b in TRANSITIONS}
    assert taken == expected


def test_the_steps_of_the_code_are_those_of_the_protocol() -> None:
    from lakelet.workspace.steps import declared

    assert publish
    names = {name for name in declared() if name.startswith("publish.")}
    assert {"publish.journal", "publish.publish", "publish.clear", "publish.put_back"} <= names
    assert {"stage.write", "stage.adopt"} <= set(declared())
