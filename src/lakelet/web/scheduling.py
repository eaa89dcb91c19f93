"""The scheduler beside the web interface: a process of its own, while there are jobs.

The server runs no update. If it is killed, the scheduler goes on, and the next server finds that
one is at work; if it is told to end, so is the scheduler.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lakelet.errors import LakeletError
from lakelet.session import open_workspace
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.folder import SETTINGS_FILE
from lakelet.workspace.locks import try_hold

__all__ = ("scheduling",)

_LOOK_SECONDS = 2.0
_ENDING = 35.0


@contextmanager
def scheduling(root: Path) -> Iterator[None]:
    """Let the jobs of a workspace run during the body, also those that come to be in it."""
    beside = _Beside(root)
    thread = threading.Thread(target=beside.watch, name="scheduling", daemon=True)
    thread.start()
    try:
        yield
    finally:
        beside.over.set()
        thread.join()
        beside.end()


class _Beside:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.over = threading.Event()
        self.process: subprocess.Popen[bytes] | None = None
        self.seen = 0

    def watch(self) -> None:
        with suppress(LakeletError):  # what a killed run read is told to MLflow, by a child
            open_workspace(self.root).refresh_runs(complete=True)
        while not self.over.is_set():
            self.look()
            self.over.wait(_LOOK_SECONDS)

    def look(self) -> None:
        """Start a scheduler where there are jobs and none is at work; anew when the jobs change."""
        try:
            now = (self.root / SETTINGS_FILE).stat().st_mtime_ns
            if now != self.seen:
                jobs = bool(WorkspaceFolder(self.root).settings.jobs)
                self.end()
                self.seen = now
                if jobs and self._none_at_work():
                    self.process = self._started()
        except (LakeletError, OSError):
            return  # a file that is being written, or a setting that is wrong: its page says so

    def _none_at_work(self) -> bool:
        with try_hold(WorkspaceFolder(self.root).private / "locks" / "jobs.lock") as held:
            return bool(held)

    def _started(self) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C in the terminal is told to it by `end`, once.
        return subprocess.Popen(
            ["nice", "-n", "10", sys.executable, "-m", "lakelet", "--workspace", str(self.root),
             "jobs", "start"],
            start_new_session=True,
        )  # fmt: skip

    def end(self) -> None:
        """Tell the scheduler to end, and wait for it."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
