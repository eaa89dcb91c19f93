"""Which API a server speaks: its list of models, and the engine behind one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lakelet.inference.estimating import Seen
from lakelet.inference.ollama_server import OllamaServer, ollama_names
from lakelet.inference.openai_server import OpenAIServer, openai_names
from lakelet.inference.served import Server

__all__ = ("served_names", "server_backend")


def served_names(server: Server) -> list[str]:
    """The names of the models that a server has.

    Raises:
        EngineError: it does not answer.
    """
    return ollama_names(server) if server.api == "ollama" else openai_names(server)


def server_backend(
    server: Server, model: str, seen: Callable[[], Sequence[Seen]] = tuple,
    learn: Callable[[Seen], None] = lambda _one: None,
) -> OllamaServer | OpenAIServer:  # fmt: skip
    """The engine of a model of a server.

    Args:
        server: the server.
        model: the model's name there.
        seen: the prompts it counted before.
        learn: told of each prompt that it counts.
    """
    kind = OllamaServer if server.api == "ollama" else OpenAIServer
    return kind(server, model, seen, learn)
