"""The process that holds a model: llama-server inside it, on loopback, behind a key.

It reads what to load from its standard input, a line of JSON, and says where it can be asked as a
line of JSON on its standard output. It ends when its standard input does, so that it never outlives
whoever started it. What llama.cpp writes goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

__all__ = ("main",)


def main() -> None:
    """Load a model, say where it is, and wait until it is not wanted any more."""
    asked = json.loads(sys.stdin.readline())
    telling = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # llama.cpp may write to standard output, which is for what is told
    import xllamacpp

    try:
        server = xllamacpp.Server(_params(xllamacpp, asked))
    except (RuntimeError, ValueError) as error:
        telling.write(json.dumps({"error": str(error)}) + "\n")
        telling.flush()
        os._exit(1)
    telling.write(json.dumps({"address": server.listening_address}) + "\n")
    telling.flush()
    while sys.stdin.read(1):
        pass
    os._exit(0)  # nothing is left to be written; llama.cpp's threads need no goodbye


def _params(xllamacpp: Any, asked: dict[str, Any]) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = asked["path"]
    params.n_ctx = asked["window"] * asked["slots"]
    params.n_parallel = asked["slots"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = asked["threads"]
    params.api_keys = [asked["key"]]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.ctx_shift = False  # a window that is full is said to be; nothing is dropped silently
    params.warmup = params.fit_params = params.ui = False
    params.endpoint_props = params.endpoint_slots = params.endpoint_metrics = True
    params.verbosity = 1
    # Costs a conversation nothing (measured). Files of embedding models say how they pool; others
    # are asked for the mean.
    params.embedding = True
    params.n_ubatch = asked["at_once"]
    if not asked.get("pools"):
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    if asked.get("template"):
        params.chat_template = asked["template"]
    if asked.get("projector"):
        params.mmproj.path = asked["projector"]
    if asked.get("adapters"):
        params.lora_adapters = [_adapter(xllamacpp, path) for path in asked["adapters"]]
    return params


def _adapter(xllamacpp: Any, path: str) -> Any:
    found = xllamacpp.CommonAdapterLoraInfo()
    found.path, found.scale = path, 1.0
    return found


if __name__ == "__main__":
    main()
