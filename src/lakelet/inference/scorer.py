"""What only an engine of this machine can give: the numbers behind each token, and going back.

They are what models are compared by: how likely a text is to one (perplexity), how far the shares
of two differ (Kullback-Leibler), what a draft would have been worth. No server is asked for them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from lakelet.errors import EngineError
from lakelet.inference.memory import available_memory, estimated_memory
from lakelet.models import Model
from lakelet.workspace.quantities import format_bytes

if TYPE_CHECKING:
    import numpy as np

__all__ = ("EmbeddedScorer", "Scorer")

_MOST = 2048


class Scorer(Protocol):
    """A model whose numbers can be read."""

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        ...

    @property
    def window(self) -> int:
        """How many tokens may stand there at once."""
        ...

    def tokens(self, text: str, *, special: bool = False) -> list[int]:
        """The tokens of a text; control tokens are read as such where they are ``special``."""
        ...

    def logits(self, tokens: Sequence[int]) -> np.ndarray:
        """Go on with tokens; an array (tokens, vocabulary) of 32-bit logits, a row after each."""
        ...

    def back_to(self, position: int) -> None:
        """Forget all tokens from a place on."""
        ...

    def close(self) -> None:
        """Let go of the model."""
        ...


class EmbeddedScorer:
    """A model of the store, in a process of its own.

    Args:
        model: the model, a GGUF.
        window: tokens at most; what was trained, up to 2,048, without it.
        threads: that may compute.

    Raises:
        EngineError: it does not load, or does not fit into memory.
        ModelFileError: its file is gone, or changed.
    """

    def __init__(self, model: Model, window: int | None = None, threads: int = 1) -> None:
        card = model.card
        if card.format != "gguf":
            raise EngineError(f"{model.name} is no GGUF, which the engine could load.")
        self.name = model.name
        asked = window or min(card.trained_context or _MOST, _MOST)
        need, free = estimated_memory(card, asked), available_memory()
        if need > free:
            raise EngineError(
                f"{model.name} would take about {format_bytes(need)} (an estimate), and "
                f"{format_bytes(free)} are free; it was not loaded."
            )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lakelet.inference.engine.scoring"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            told, _ = self._ask({"path": str(model.path), "window": asked, "threads": threads,
                                 "vocabulary": card.vocabulary})  # fmt: skip
        except BaseException:
            self.close()
            raise
        self.vocabulary: int = told["vocabulary"]
        self.window: int = told["window"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def tokens(self, text: str, *, special: bool = False) -> list[int]:
        """The tokens of a text, with what its tokenizer puts before it.

        Args:
            text: the text.
            special: whether control tokens in it are read as such.
        """
        told, _ = self._ask({"text": text, "special": special})
        return [int(one) for one in told["tokens"]]

    def logits(self, tokens: Sequence[int]) -> np.ndarray:
        """Go on with tokens, after those that stand there already.

        Args:
            tokens: numbers of the vocabulary, at least one.

        Returns:
            An array (tokens, vocabulary) of 32-bit logits: a row after each token.

        Raises:
            EngineError: there is no room for them, one is no token, or the engine has died.
        """
        import numpy as np

        _, raw = self._ask({"tokens": [int(one) for one in tokens]})
        return np.frombuffer(raw, np.float32).reshape(len(tokens), self.vocabulary)

    def back_to(self, position: int) -> None:
        """Forget all tokens from a place on; 0 forgets all.

        Raises:
            EngineError: no token stands there, or the model cannot go back.
        """
        self._ask({"back_to": position})

    def close(self) -> None:
        """Let go of the model."""
        process = self._process
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _ask(self, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (OSError, ValueError):
            line = b""
        if not line:
            raise EngineError(f"the engine of {self.name} has ended.")
        told = json.loads(line)
        raw = process.stdout.read(told["bytes"])
        if "error" in told:
            raise EngineError(told["error"])
        if len(raw) != told["bytes"]:
            raise EngineError(f"the engine of {self.name} ended amid its answer.")
        return told, raw
