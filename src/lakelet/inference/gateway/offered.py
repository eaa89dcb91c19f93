"""What a gateway offers: models, and what runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from lakelet.inference.backend import Backend, Message, Sampling, Usage
from lakelet.inference.presets import Chosen
from lakelet.inference.served import AnyModel

__all__ = ("Exchange", "MakesBackends", "Offered")


class MakesBackends(Protocol):
    """Makes an engine for one request."""

    def __call__(
        self, model: AnyModel, *, raw: bool = False, client: str = "",
        keep: float | None = None,
    ) -> Backend:  # fmt: skip
        """An engine.

        Args:
            model: the model.
            raw: whether it goes on with a text, and has no use for a template.
            client: who asks; turns go round among clients.
            keep: seconds for which the model stays loaded; None for as long as others do.
        """
        ...


@dataclass(frozen=True)
class Exchange:
    """A request and what was answered.

    Attributes:
        model: which one answered.
        messages: what was sent.
        text: the answer.
        thought: what was thought before it.
        usage: what was counted.
        reason: why it ended; ``failed`` where it broke off.
        wrong: what went wrong; '' for nothing.
    """

    model: AnyModel
    messages: tuple[Message, ...]
    text: str
    thought: str
    usage: Usage
    reason: str
    wrong: str = ""


@dataclass(frozen=True)
class Offered:
    """What a gateway offers.

    Attributes:
        models: the models, anew each time.
        own: those of this machine alone, without those of servers.
        choose: the model that is meant by a name, or by none.
        backend: an engine for one request.
        loaded: what is loaded, with windows.
        unload: lets go of a model.
        sampling: how a model is sampled, given what a client says.
        window: tokens of a conversation; the most that memory allows without it.
        stop_loops: whether an answer ends that repeats itself; otherwise it is only marked.
        record: told of every request and its answer; None where they are not recorded.
    """

    models: Callable[[], list[AnyModel]]
    own: Callable[[], list[AnyModel]]
    choose: Callable[[str], AnyModel]
    backend: MakesBackends
    loaded: Callable[[], list[dict[str, Any]]]
    unload: Callable[[str], list[str]]
    sampling: Callable[[AnyModel, Sampling], Chosen]
    window: int | None = None
    stop_loops: bool = False
    record: Callable[[Exchange], None] | None = None
