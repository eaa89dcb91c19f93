"""Watches a `llama-server` of the user's own: started with a model, ended with whoever wanted it.

It speaks as the embedded engine's process does: it reads what to load from its standard input, a
line of JSON, says where the server can be asked as a line of JSON on its standard output, and ends
the server when its standard input ends, so that it never outlives whoever started it. What the
server writes goes to standard error.

Source: llama.cpp's ``tools/server/README.md`` (its options, ``LLAMA_API_KEY``, ``/health``).
"""

from __future__ import annotations

import ctypes
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lakelet.workspace.steps import declare, write_file

__all__ = ("command_of", "main")

_TEMPLATE = declare("inference.template", "a server reads a template in the temporary folder")
_PAUSE = 0.05


def main() -> None:
    """Start the server, say where it is when it is ready, and end it when it is not wanted."""
    asked = json.loads(sys.stdin.readline())
    telling = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def tell(told: dict[str, str]) -> None:
        telling.write(json.dumps(told) + "\n")
        telling.flush()

    with tempfile.TemporaryDirectory(prefix="lakelet-") as folder:
        port = _free_port()
        command = command_of(asked, port, Path(folder))
        try:
            server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL,
                env={**os.environ, "LLAMA_API_KEY": asked["key"]}, preexec_fn=_dies_with_us(),
            )  # fmt: skip
        except OSError as error:
            tell({"error": f"{command[0]} does not start: {error.strerror or error}"})
            return
        threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
        while server.poll() is None and not _ready(port):
            time.sleep(_PAUSE)
        if server.poll() is None:
            tell({"address": f"http://127.0.0.1:{port}"})
            server.wait()
        else:
            tell({"error": f"{command[0]} ended with {server.returncode}"})


def command_of(asked: dict[str, Any], port: int, folder: Path) -> list[str]:
    """The command of a server: as the person says, and then what must hold, so that it counts.

    Args:
        asked: what to load.
        port: where it listens.
        folder: for a template, which it reads from a file.
    """
    binary, *own = shlex.split(asked["server"])
    command = [
        str(Path(binary).expanduser()), *own, "--model", asked["path"], "--host", "127.0.0.1",
        "--port", str(port), "--ctx-size", str(asked["window"] * asked["slots"]),
        "--parallel", str(asked["slots"]), "--no-context-shift", "--jinja", "--no-webui",
    ]  # fmt: skip
    if asked.get("template"):
        file = folder / "template.jinja"
        write_file(_TEMPLATE, file, asked["template"].encode())
        command += ["--chat-template-file", str(file)]
    if asked.get("projector"):
        command += ["--mmproj", asked["projector"]]
    for path in asked.get("adapters") or ():
        command += ["--lora", path]
    if asked.get("pools"):
        command += ["--embeddings"]
        if not {"-ub", "--ubatch-size"} & set(own):
            command += ["--ubatch-size", str(asked["at_once"])]
    return command


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _ready(port: int) -> bool:
    """Whether it has loaded its model: it answers 503 until then."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _end_with_stdin(server: subprocess.Popen[bytes]) -> None:
    while sys.stdin.read(1):
        pass
    server.terminate()
    try:
        server.wait(2)
    except subprocess.TimeoutExpired:
        server.kill()


def _dies_with_us() -> Callable[[], None] | None:
    """What makes the server die with this process even where that is killed; on Linux."""
    if not sys.platform.startswith("linux"):
        return None
    set_option = ctypes.CDLL(None, use_errno=True).prctl
    ours, death_signal = os.getpid(), 1  # PR_SET_PDEATHSIG

    def ask() -> None:
        set_option(death_signal, signal.SIGKILL)
        if os.getppid() != ours:  # it died before this was asked
            os._exit(1)

    return ask


if __name__ == "__main__":
    main()
