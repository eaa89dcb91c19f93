"""What the engines on a server have in common, whatever API it speaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lakelet.inference.asking import Asking
from lakelet.inference.backend import Conversation, Event, Usage
from lakelet.inference.counting import Count
from lakelet.inference.estimating import Seen, estimated, size_of
from lakelet.inference.served import Server

__all__ = ("ServerBackend", "asking_of")


def asking_of(server: Server, address: str, seconds: float) -> Asking:
    """How a server is asked.

    Args:
        server: the server.
        address: where its API is.
        seconds: how long nothing may come.
    """
    return Asking(
        address, server.key, f"the server {server.name}", seconds,
        hint=f"is it running? [models.servers.{server.name}] of lakelet.toml has its address.",
    )  # fmt: skip


class ServerBackend:
    """A model of a server: prompts are estimated by those it counted before.

    Args:
        server: the server.
        model: the model's name there.
        seen: the prompts it counted before.
        learn: told of each prompt that it counts.

    Attributes:
        props: what the server tells of itself and how it samples, as llama.cpp's does; None where
            it does not.
    """

    def __init__(
        self, server: Server, model: str, seen: Callable[[], Sequence[Seen]] = tuple,
        learn: Callable[[Seen], None] = lambda _one: None,
    ) -> None:  # fmt: skip
        self.server = server
        self.model = model
        self.seen = seen
        self.learn = learn
        self.props: dict[str, Any] | None = None
        self._known: tuple[Seen, ...] = ()
        self._asked: Asking | None = None

    def _estimated(self, conversation: Conversation) -> Count:
        """A count by what was counted before; a template adds to that, so texts are apart."""
        return estimated(size_of(conversation), () if conversation.raw else self._known)

    def _learn_from(self, event: Event, conversation: Conversation) -> None:
        if isinstance(event, Usage) and event.prompt and not conversation.raw:
            self.learn(Seen(size_of(conversation).pieces, event.prompt))

    def abort(self) -> None:
        """End what another thread reads: it raises there."""
        if self._asked is not None:
            self._asked.abort()

    def close(self) -> None:
        """Nothing is held; what a server has loaded is its own matter."""
