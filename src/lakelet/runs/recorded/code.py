"""The code a run used: its git commit, and what of it was not committed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lakelet.lake.storage import is_remote
from lakelet.lake.volumes import volumes
from lakelet.runs.recorded.home import at_home
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.quantities import format_bytes

__all__ = ("Code", "git", "look_at_code")

_SECONDS = 30
_TIMES = 10
"""All changes together may be this many times what one file may be."""


@dataclass
class Code:
    """The state of the code when a run began.

    Attributes:
        repository: the folder of the git repository, or None outside of one.
        commit: the commit checked out, or None before the first.
        branch: its branch, or '' where the commit itself is checked out.
        imported_from: folders of the repository that Python imports from.
        diff: what differs from the commit, as git writes it, binary files too.
        untracked: small files that git does not know and does not ignore, by their paths.
        script: the script itself, by its name, where it is in no repository.
        left_out: what is not kept with the run, and why.
    """

    repository: Path | None = None
    commit: str | None = None
    branch: str = ""
    imported_from: list[str] = field(default_factory=list)
    diff: bytes = b""
    untracked: dict[str, bytes] = field(default_factory=dict)
    script: dict[str, bytes] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """What is known of it, without the contents."""
        return {
            "repository": None if self.repository is None else str(at_home(self.repository)),
            "imported_from": self.imported_from,
            "commit": self.commit,
            "branch": self.branch,
            "changed": bool(self.diff),
            "untracked": sorted(self.untracked),
            "script": next(iter(self.script), None),
            "left_out": self.left_out,
        }


def git(folder: Path, *arguments: str) -> bytes | None:
    """What a git command says, or None where it fails, is not there or takes too long."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def look_at_code(folder: WorkspaceFolder) -> Code:
    """The repository of the script that runs, else of the current folder."""
    script = Path(sys.argv[0]).resolve() if sys.argv and sys.argv[0] else Path()
    most = folder.settings.runs.most_untracked
    repository = _repository(script.parent) if script.is_file() else _repository(Path.cwd())
    if repository is None and script.suffix == ".py" and script.is_file():
        code = Code()
        if script.stat().st_size <= most:
            code.script[script.name] = script.read_bytes()
        return code
    if repository is None:
        return Code()
    commit = git(repository, "rev-parse", "HEAD")
    branch = git(repository, "branch", "--show-current")
    code = Code(repository, None if commit is None else commit.decode().strip(),
                "" if branch is None else branch.decode("utf-8", "replace").strip())  # fmt: skip
    code.imported_from = [
        str(Path(place).relative_to(repository))
        for place in sys.path
        if place and Path(place).is_relative_to(repository)
    ]
    _take_diff(code, repository, most * _TIMES)
    _take_untracked(code, folder, repository, most)
    return code


def _repository(start: Path) -> Path | None:
    top = git(start, "rev-parse", "--show-toplevel")
    return None if top is None else Path(top.decode("utf-8", "surrogateescape").rstrip("\n"))


def _take_diff(code: Code, repository: Path, most: int) -> None:
    if code.commit is None:
        return
    diff = git(repository, "diff", "HEAD", "--binary", "--no-color", "--no-ext-diff")
    if diff is None:
        code.left_out.append("the changes since the commit: git gave none in time")
    elif len(diff) > most:
        code.left_out.append(
            f"the changes since the commit: {format_bytes(len(diff))}, more than "
            f"{format_bytes(most)}"
        )
    else:
        code.diff = diff


def _take_untracked(code: Code, folder: WorkspaceFolder, repository: Path, most: int) -> None:
    listed = git(repository, "ls-files", "--others", "--exclude-standard", "-z")
    taken = 0
    for name in (listed or b"").decode("utf-8", "surrogateescape").split("\0"):
        path = repository / name
        if not name or _is_data(folder, path) or path.is_symlink() or not path.is_file():
            continue
        size = path.stat().st_size
        if size > most or taken + size > most * _TIMES:
            code.left_out.append(f"{name}: {format_bytes(size)}, and git does not track it")
            continue
        try:
            code.untracked[name] = path.read_bytes()
        except OSError as error:
            code.left_out.append(f"{name}: {error.strerror}")
            continue
        taken += size


def _is_data(folder: WorkspaceFolder, path: Path) -> bool:
    """Whether a file is data of the workspace, which is pinned and not copied."""
    path = at_home(path)
    lake = folder.settings.lake.path
    places = [str(folder.private), *volumes(folder).values()]
    if not is_remote(lake):
        places.append(str(folder.root / lake))
    return any(not is_remote(place) and path.is_relative_to(place) for place in places)
