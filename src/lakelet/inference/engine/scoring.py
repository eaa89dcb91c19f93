"""The process in which a model is scored: questions as lines of JSON, numbers as they are.

Each line of its standard input is answered by a line of JSON that says how many bytes follow it. It
ends when its standard input does.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from lakelet.errors import LakeletError
from lakelet.inference.engine.library import LoadedLibrary

__all__ = ("main",)


def main() -> None:
    """Load a model, and answer until nobody asks any more."""
    telling = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # llama.cpp may write to standard output, which is for what is told

    def tell(told: dict[str, Any], raw: bytes = b"") -> None:
        telling.write(json.dumps({**told, "bytes": len(raw)}).encode() + b"\n")
        telling.write(raw)
        telling.flush()

    asked = json.loads(sys.stdin.readline())
    try:
        library = LoadedLibrary(
            asked["path"], asked["window"], asked["threads"], asked["vocabulary"]
        )
    except LakeletError as error:
        tell({"error": error.message})
        return
    tell({"vocabulary": library.vocabulary, "window": library.window})
    for line in sys.stdin:
        told = json.loads(line)
        try:
            if "tokens" in told:
                tell({}, library.logits(told["tokens"]))
            elif "text" in told:
                tell({"tokens": library.tokens(told["text"], special=told["special"])})
            else:
                library.back_to(told["back_to"])
                tell({})
        except LakeletError as error:
            tell({"error": error.message})
    os._exit(0)  # nothing is left to be written; llama.cpp's threads need no goodbye


if __name__ == "__main__":
    main()
