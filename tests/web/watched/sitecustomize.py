"""Writes down whom a process asks: every name looked up, every address connected to."""

import os
import sys

_FILE = os.environ["LAKELET_WATCHED"]


def _watch(event: str, args: tuple) -> None:
    if event == "socket.connect" and isinstance(args[1], tuple):
        said = str(args[1][0])
    elif event == "socket.getaddrinfo":
        said = str(args[0])
    else:
        return
    with open(_FILE, "a") as file:
        file.write(f"{said}\n")


sys.addaudithook(_watch)
