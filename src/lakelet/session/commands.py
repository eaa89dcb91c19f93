"""Commands that run beside a page: begun by the server, and alive without it.

What takes longer than a moment (a load, an update, maintenance) runs as the very command that a
person would type, in a process of its own. The command itself says how far it is and how it ended,
so that whoever looks finds it told even where the server was started anew in between. It runs at
lower priority, as jobs do: whoever looks at pages waits for nobody.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lakelet.errors import CommandError, StorageError
from lakelet.lake.storage.url import without_secrets
from lakelet.workspace.folder import ASKED_FROM, COMMAND
from lakelet.workspace.processes import is_alive
from lakelet.workspace.steps import declare, make_folder, remove_tree, step
from lakelet.workspace.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from lakelet.workspace import WorkspaceFolder

__all__ = (
    "Command",
    "all_commands",
    "begin_command",
    "command_of",
    "end_command",
    "note_end",
    "note_progress",
    "run_as",
    "runs_beside_pages",
)

_FOLDER = declare("commands.folder", "the folder for what commands print is there")
_OUTPUT = declare("commands.output", "the file for what a command prints is there")
_SWEEP = declare("commands.sweep", "what an old command printed is gone")
_KEPT_SECONDS = 30 * 24 * 3600
_SHOWN = 64 << 10
_BETWEEN = 0.2


@dataclass(frozen=True)
class Command:
    """A command that runs beside the pages, or did.

    Attributes:
        id: its name.
        arguments: what follows ``lakelet`` on its command line.
        place: the page it was begun on.
        state: ``running``, ``finished``, ``failed``, ``stopped`` or ``interrupted``: the last where
            its process was killed.
        started: when it began.
        ended: when it ended.
        done: bytes done, where it counts them.
        whole: bytes there are to do.
        output: the end of what it printed.
    """

    id: str
    arguments: list[str]
    place: str
    state: str
    started: datetime
    ended: datetime | None
    done: int | None
    whole: int | None
    output: str


def begin_command(folder: WorkspaceFolder, name: str, arguments: Sequence[str], place: str) -> None:
    """Start a command beside this process.

    Args:
        folder: the workspace.
        name: under which it is found.
        arguments: what follows ``lakelet`` on its command line.
        place: the page it belongs to.

    Raises:
        StorageError: the disk said no; nothing was started.
    """
    _sweep(folder)
    path = _output(folder, name)
    make_folder(_FOLDER, path.parent)
    with open_store(folder) as store:
        store.execute(
            "INSERT INTO commands (id, started, arguments, place) VALUES (?, ?, ?, ?)",
            (
                name,
                time.time(),
                json.dumps([*map(without_secrets, arguments)]),
                without_secrets(place),
            ),
        )
    with step(_OUTPUT), path.open("wb") as output:
        process = subprocess.Popen(
            ["nice", "-n", "10", sys.executable, "-m", "lakelet", "--workspace", str(folder.root),
             *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=folder.root,
            env={**os.environ, ASKED_FROM: "page", COMMAND: name, "PYTHONUNBUFFERED": "1"},
            # Of its own session: what ends the server from a terminal ends no command.
            start_new_session=True,
        )  # fmt: skip
    with open_store(folder) as store:
        store.execute("UPDATE commands SET process = ? WHERE id = ?", (process.pid, name))
    threading.Thread(target=process.wait, name=f"command {name}", daemon=True).start()


_running: str | None = None


def run_as(name: str) -> None:
    """Let this process be the command of a name, which pages look at."""
    global _running
    _running = name


def runs_beside_pages() -> bool:
    """Whether this process is a command that a page began."""
    return _running is not None


def note_progress(folder: WorkspaceFolder) -> _Progress | None:
    """What tells the pages how far this command is; None where it does not run beside them."""
    return None if _running is None else _Progress(folder, _running)


class _Progress:
    def __init__(self, folder: WorkspaceFolder, name: str) -> None:
        self.folder, self.name, self.told = folder, name, 0.0

    def __call__(self, done: int, whole: int) -> None:
        now = time.monotonic()
        if now - self.told < _BETWEEN:
            return
        self.told = now
        with suppress(StorageError), open_store(self.folder) as store:
            store.execute(
                "UPDATE commands SET done = ?, whole = ? WHERE id = ?", (done, whole, self.name)
            )


def note_end(folder: WorkspaceFolder, code: int) -> None:
    """Say how this command ended, where it runs beside pages."""
    if _running is not None:
        with suppress(StorageError), open_store(folder) as store:
            store.execute(
                "UPDATE commands SET ended = ?, code = ? WHERE id = ?",
                (time.time(), code, _running),
            )


def command_of(folder: WorkspaceFolder, name: str) -> Command | None:
    """The command of a name, or None."""
    with open_store(folder) as store:
        row = store.execute("SELECT * FROM commands WHERE id = ?", (name,)).fetchone()
    return None if row is None else _command(folder, row, output=True)


def all_commands(folder: WorkspaceFolder, limit: int = 100) -> list[Command]:
    """The last commands, the newest first, without what they printed."""
    with open_store(folder) as store:
        rows = store.execute(
            "SELECT * FROM commands ORDER BY started DESC LIMIT ?", (limit,)
        ).fetchall()
    return [_command(folder, row, output=False) for row in rows]


def end_command(folder: WorkspaceFolder, name: str) -> None:
    """Ask a command to end, as Ctrl-C does; what it committed stays.

    Raises:
        CommandError: it does not run.
    """
    with open_store(folder) as store:
        row = store.execute("SELECT * FROM commands WHERE id = ?", (name,)).fetchone()
    if row is None or _state(row) != "running" or row["process"] is None:
        raise CommandError("it does not run any more; nothing was stopped.")
    with suppress(ProcessLookupError):
        os.killpg(row["process"], signal.SIGINT)


_ENDED = {0: "finished", 130: "stopped"}


def _state(row: Any) -> str:
    if row["code"] is not None:
        return _ENDED.get(row["code"], "failed")
    if row["process"] is None:
        return "running" if time.time() - row["started"] < 30 else "interrupted"
    return "running" if is_alive(row["process"]) else "interrupted"


def _command(folder: WorkspaceFolder, row: Any, *, output: bool) -> Command:
    state = _state(row)
    return Command(
        row["id"], json.loads(row["arguments"]), row["place"], state, _moment(row["started"]),
        None if row["ended"] is None else _moment(row["ended"]), row["done"], row["whole"],
        _printed(_output(folder, row["id"])) if output else "",
    )  # fmt: skip


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _output(folder: WorkspaceFolder, name: str) -> Path:
    return folder.private / "commands" / f"{name}.txt"


def _printed(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _SHOWN))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _sweep(folder: WorkspaceFolder) -> None:
    """Forget what ended long ago."""
    with open_store(folder) as store:
        before = (time.time() - _KEPT_SECONDS,)
        old = store.execute("SELECT id FROM commands WHERE started < ?", before).fetchall()
        store.execute("DELETE FROM commands WHERE started < ?", before)
    for row in old:
        remove_tree(_SWEEP, _output(folder, row["id"]))
