"""A process that runs the statements of pages, one after the other.

It reads requests from its standard input, a line of JSON each, and tells what happens on its
standard output. What a statement breaks, breaks here and not in the server: a query that takes more
memory than there is fails alone, and one that does not stop when it is told to is killed with its
process.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from lakelet.engines.statements import is_statement
from lakelet.errors import LakeletError, SqlError
from lakelet.interrupts import interrupt_queries, on_ctrl_c
from lakelet.session import Workspace, open_workspace
from lakelet.session.parameters import spoken_dialect
from lakelet.web.sql.plans import steps_of
from lakelet.web.sql.refusing import refuse_reaching_out
from lakelet.web.sql.results import ResultWriter, derived

if TYPE_CHECKING:
    from lakelet.session.result import Result

__all__ = ("main",)

_FIRST = 200
"""Rows that are told at once."""
_TELL_SECONDS = 0.2
_LINGERS = 0.35
"""How long `on_ctrl_c` goes on to stop queries."""


def main() -> None:
    """Run statements until the server closes the pipe."""
    root = Path(sys.argv[1])
    telling = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints is no answer
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    _Worker(root, telling).run(sys.stdin.buffer)


def _end_with_the_server() -> None:
    """End when the server has, also amid a statement: nobody could stop it any more.

    What a statement had not committed by then never happened, as with any kill.
    """
    looking = select.poll()
    looking.register(0, 0)  # nothing to read is waited for, only that the other end is closed
    while True:
        if any(event & (select.POLLHUP | select.POLLERR) for _, event in looking.poll()):
            os._exit(0)


class _Worker:
    def __init__(self, root: Path, telling: BinaryIO) -> None:
        self.root, self.telling = root, telling
        self.workspace = self._opened()

    def _opened(self) -> Workspace:
        found = open_workspace(self.root)
        found.source = "page"
        # Asking costs little and makes the engine ready: the first statement finds it warm.
        found._sql("SELECT 1", (), at=None, dialect=None, this=None, recorded=False).rows()
        return found

    def run(self, asked: BinaryIO) -> None:
        self.tell(ready=True)
        while True:
            try:
                line = asked.readline()
            except KeyboardInterrupt:
                continue
            if not line:
                return
            self.one(json.loads(line))

    def tell(self, **facts: Any) -> None:
        self.telling.write(json.dumps(facts, default=str).encode() + b"\n")

    def one(self, job: dict[str, Any]) -> None:
        began = time.perf_counter()
        try:
            with on_ctrl_c():
                facts = self.statement(job)
        except KeyboardInterrupt:
            facts = {"state": "cancelled"}
        except LakeletError as error:
            facts = {"state": "failed", "error": error.message, "hint": error.hint,
                     "word": error.word}  # fmt: skip
        except Exception as error:
            if "nterrupt" in f"{type(error).__name__}{error}":
                facts = {"state": "cancelled"}
            else:
                facts = {"state": "failed", "error": f"{type(error).__name__}: {error}",
                         "hint": None}  # fmt: skip
        self.tell(run=job["run"], seconds=time.perf_counter() - began, **facts)
        if facts["state"] == "cancelled":
            time.sleep(_LINGERS)  # what is begun meanwhile would be stopped as well

    def statement(self, job: dict[str, Any]) -> dict[str, Any]:
        path = Path(job["result"])
        if "derive" in job:
            columns, rows = derived(self.workspace.folder, path, **job["derive"])
            return {"state": "finished", "columns": columns, "rows": rows, "stored": True}
        if self.workspace.folder.settings != open_workspace(self.root).folder.settings:
            self.workspace = self._opened()
        usual = self.workspace.folder.settings.sql.dialect
        if spoken_dialect(job["dialect"] or None, usual) == "duckdb":
            refuse_reaching_out(job["text"])
        if job.get("plan"):
            return {"state": "finished", "plan": self.plan(job)}
        result = self.workspace.sql(
            job["text"], job["params"], at=job["at"] or None, dialect=job["dialect"] or None
        )
        return self.kept(job, result, path)

    def plan(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        """The steps of a query as the engine took them, each with its rows and time.

        Raises:
            SqlError: it is a statement, which would be carried out for its plan.
        """
        dialect = spoken_dialect(job["dialect"] or None, self.workspace.folder.settings.sql.dialect)
        if is_statement(job["text"], dialect):
            raise SqlError(
                "only a query has a plan; nothing was run.",
                hint="the query of CREATE TABLE … AS, or of INSERT, has one by itself.",
            )
        result = self.workspace._sql(
            job["text"], job["params"], at=job["at"] or None, dialect=dialect, this=None,
            recorded=False,
        )  # fmt: skip
        return steps_of(self.workspace.folder, result.relation)

    def kept(self, job: dict[str, Any], result: Result, path: Path) -> dict[str, Any]:
        """Take the rows of a result to disk, and tell the first of them as soon as they come."""
        writer = ResultWriter(self.workspace.folder, path, result)
        told = 0.0
        try:
            for rows in writer.write(_FIRST):
                if not told:
                    self.tell(run=job["run"], state="running", columns=writer.columns, rows=rows,
                              first=writer.first)  # fmt: skip
                elif time.monotonic() - told > _TELL_SECONDS:
                    self.tell(run=job["run"], state="running", rows=rows)
                told = time.monotonic()
        except BaseException:
            interrupt_queries()
            writer.discard()
            raise
        writer.close()
        return {"state": "finished", "columns": writer.columns, "rows": writer.rows,
                "first": writer.first, "warnings": list(result.warnings),
                "stored": True}  # fmt: skip


if __name__ == "__main__":
    main()
