"""The protocol of publishing, by its names: the states of an update and the steps between them.

``docs/how-publishing-works.md`` tells it in words; the model in
``tests/pipelines/publishing_model.py`` explores every interleaving of it. Code, document and model
share these names, and a test compares them.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ("TRANSITIONS", "State", "Transition")


class State(StrEnum):
    """Where an update stands."""

    STAGING = "staging"
    """Results are written beside their tables; no log names them."""
    COMMITTING = "committing"
    """The journal is there; some tables' logs hold the update's commit, others do not yet."""
    PUBLISHED = "published"
    """`system.publications` names the update; the journal is not cleared yet."""
    UNDOING = "undoing"
    """A commit could not be made; tables that hold one are put back."""
    DONE = "done"
    """Published, and the journal is gone."""
    FAILED = "failed"
    """Nothing was published, and the journal is gone or never was."""


class Transition(StrEnum):
    """What moves an update from one state to the next; each is one atomic write."""

    STAGE = "stage"
    JOURNAL = "journal"
    COMMIT = "commit"
    PUBLISH = "publish"
    GIVE_UP = "give up"
    PUT_BACK = "put back"
    CLEAR = "clear"


TRANSITIONS: tuple[tuple[Transition, State, State], ...] = (
    (Transition.STAGE, State.STAGING, State.STAGING),
    (Transition.JOURNAL, State.STAGING, State.COMMITTING),
    (Transition.COMMIT, State.COMMITTING, State.COMMITTING),
    (Transition.PUBLISH, State.COMMITTING, State.PUBLISHED),
    (Transition.GIVE_UP, State.COMMITTING, State.UNDOING),
    (Transition.PUT_BACK, State.UNDOING, State.UNDOING),
    (Transition.CLEAR, State.PUBLISHED, State.DONE),
    (Transition.CLEAR, State.UNDOING, State.FAILED),
)
