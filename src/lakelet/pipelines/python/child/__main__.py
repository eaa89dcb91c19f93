"""The child's beginning: take the order, do it, and answer."""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("main",)

_LAKELET = Path(__file__).parents[3]


def main() -> None:
    """Do what the parent orders, and end."""
    answers, rows = (int(number) for number in sys.argv[1:3])
    order = json.loads(sys.stdin.buffer.readline())
    for number in (answers, rows):
        os.set_inheritable(number, False)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    # A process out of memory takes this one first, not its parent.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # house: a kernel file
    # What the code reads or starts must not take the pipe that tells of the parent's end.
    parent = os.dup(0)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    threading.Thread(
        target=_end_with_parent, args=(parent,), name="lakelet-parent", daemon=True
    ).start()
    sys.argv[1:] = []
    with os.fdopen(answers, "w", encoding="utf-8") as answer:
        try:
            _do(order, answer, rows)
        except BaseException as error:
            _print(error, order["root"])
            _say(answer, _failure(error, order))
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that the code has left running must not hold the process up.
    os._exit(0)


def _do(order: Mapping[str, Any], answer: Any, rows: int) -> None:
    from lakelet.pipelines.python.child.importing import look_in
    from lakelet.workspace.folder import INSIDE

    os.environ[INSIDE] = order["what"]
    look_in([Path(order["folder"]), Path(order["root"])])
    if order["do"] == "describe":
        from lakelet.pipelines.python.child.describing import describe

        _say(answer, describe(order))
    else:
        from lakelet.pipelines.python.child.running import run

        run(order, lambda found: _say(answer, found), rows)
        # The parent ends this process when it is done.
        sys.stdout.flush()
        sys.stderr.flush()
        _say(answer, {"done": True})


def _print(error: BaseException, root: str) -> None:
    """Print where a person's code failed: Lakelet's own frames around it say nothing to them."""
    from lakelet.errors import LakeletError, PipelineError

    wrapped = isinstance(error, PipelineError) and error.__cause__ is not None
    shown = error.__cause__ if wrapped and error.__cause__ is not None else error
    whole = traceback.TracebackException.from_exception(shown)
    own = ""
    if isinstance(shown, LakeletError):
        # It says itself what is wrong; what lies between is how Lakelet found it.
        own, whole.__cause__, whole.__context__ = root, None, None
    one: traceback.TracebackException | None = whole
    while one is not None:
        one.stack = traceback.StackSummary.from_list(
            [f for f in one.stack if f.filename.startswith(own) and not _is_ours(f.filename)]
        )
        one = one.__cause__ or one.__context__
    sys.stderr.write("".join(whole.format()))


def _is_ours(file: str) -> bool:
    return file.startswith(("<frozen ", str(_LAKELET)))


def _failure(error: BaseException, order: Mapping[str, Any]) -> dict[str, Any]:
    from lakelet.errors import PipelineError, UnreachableError
    from lakelet.pipelines.python.child.importing import told

    wrapped = isinstance(error, PipelineError) and error.__cause__ is not None
    cause = error.__cause__ if wrapped else error
    passing = isinstance(cause, ConnectionError | UnreachableError)
    found = told(error, Path(order["root"]))
    return {"failed": found.message, "hint": found.hint, "passing": passing}


def _say(answer: Any, found: Mapping[str, Any]) -> None:
    with suppress(BrokenPipeError):
        answer.write(json.dumps(found) + "\n")
        answer.flush()


def _end_with_parent(parent: int) -> None:
    while os.read(parent, 1):
        continue
    os._exit(1)


if __name__ == "__main__":
    main()
