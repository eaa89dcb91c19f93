"""Models that a server of somebody else's holds: LM Studio, vLLM, Ollama and others.

Of such a model nothing is known but its name: no file is read, so its card says nothing that the
name does not. Old thoughts do not go back to it, which is right for most models.
"""

from __future__ import annotations

from dataclasses import dataclass

from lakelet.models import Card, Model
from lakelet.models.card import card_of_name

__all__ = ("AnyModel", "ServedModel", "Server")


@dataclass(frozen=True)
class Server:
    """A server of models.

    Attributes:
        name: what it is called here.
        address: of its API, such as ``http://127.0.0.1:1234/v1``.
        key: what it is shown; '' for nothing.
        window: tokens of prompt and answer together, where the server does not say; 0 for unsaid.
        api: ``openai``, or ``ollama`` for Ollama's own.
    """

    name: str
    address: str
    key: str = ""
    window: int = 0
    api: str = "openai"


@dataclass(frozen=True)
class ServedModel:
    """A model that a server holds.

    Attributes:
        server: which one.
        model: its name there.
        seen: what the last probe saw work, as ``thinking switch``.
    """

    server: Server
    model: str
    seen: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Its name here: the server's and its own."""
        return f"{self.server.name}/{self.model}"

    @property
    def digest(self) -> str:
        """Nothing is known of its weights."""
        return ""

    @property
    def added(self) -> float:
        """It was never added."""
        return 0.0

    @property
    def card(self) -> Card:
        """What its name says."""
        return card_of_name(self.model)


AnyModel = Model | ServedModel
"""A model of the store, or of a server."""
