#!/usr/bin/env python
"""A ``llama-server``: its arguments, its key by the environment, and llama.cpp's own server inside.

No build of llama.cpp's program comes by a package, but its server does, as a library: this is the
program around it, as far as it is asked for.
"""

from __future__ import annotations

import argparse
import os
import threading
from pathlib import Path

import xllamacpp

asked = argparse.ArgumentParser()
asked.add_argument("--model", required=True)
asked.add_argument("--host", required=True)
asked.add_argument("--port", type=int, required=True)
asked.add_argument("--ctx-size", type=int, required=True)
asked.add_argument("--parallel", type=int, required=True)
asked.add_argument("--ubatch-size", type=int, default=512)
asked.add_argument("--threads", type=int, default=1)
asked.add_argument("--chat-template-file", type=Path)
asked.add_argument("--mmproj", default="")
asked.add_argument("--lora", action="append", default=[])
for flag in ("--no-context-shift", "--jinja", "--no-webui", "--embeddings"):
    asked.add_argument(flag, action="store_true")
said = asked.parse_args()

params = xllamacpp.CommonParams()
params.model.path = said.model
params.hostnames, params.port = [said.host], said.port
params.n_ubatch = said.ubatch_size
params.n_ctx, params.n_parallel = said.ctx_size, said.parallel
params.api_keys = [os.environ["LLAMA_API_KEY"]]
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = said.threads
params.ctx_shift = not said.no_context_shift
params.warmup = params.fit_params = params.ui = False
params.endpoint_props = True
if said.chat_template_file:
    params.chat_template = said.chat_template_file.read_text()
server = xllamacpp.Server(params)
threading.Event().wait()
