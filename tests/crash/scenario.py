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
        elif what == "load by key":
            ws.load("files", into="t.posts", key=["id"])
        elif what == "load in place":
            ws.load("files", into="t.posts", on_changed="replace")
        elif what == "restore":
            ws.table("t.posts").restore(1)
        elif what == "retry":
            ws.table("t.posts").retry_rejected(options={"encoding": "latin-1"})
        elif what == "update":
            ws.update("p")
        elif what == "refresh":
            ws.update("p", full_refresh=["*"])
        elif what == "drop abandoned":
            ws.update("p", drop_abandoned=True)
        elif what == "delete":
            ws.sql("DELETE FROM p.raw WHERE id = 1")
        elif what == "merge":
            ws.table("t.posts").merge([{"id": 2, "n": 20}, {"id": 9, "n": 90}], on=["id"])
        elif what == "widen":
            ws.table("t.posts").widen("n", "STRING")
        elif what == "maintain":
            from lakelet.lake.maintenance import maintain_table

            for name in ws.tables():
                maintain_table(ws.lake.table(name))
        else:
            raise ValueError(what)
    except LakeletError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
