"""What the crash tests do in a process of its own, to be killed: one command on a workspace."""

from __future__ import annotations

import sys
from pathlib import Path

import lakelet
from lakelet.errors import LakeletError


def main(root: str, what: str) -> int:
    ws = lakelet.open(Path(root))
    try:
        if what == "load":
            ws.load("files", into="t.posts")
        elif what == "restore":
            ws.table("t.posts").restore(1)
        else:
            raise ValueError(what)
    except LakeletError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
