"""Importing a pipeline's files, as modules that nobody else sees."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from lakelet.errors import LakeletError, PipelineError
from lakelet.pipelines.python.declared import Collected, collecting

__all__ = ("import_files", "loaded_files", "look_in", "told")


class _Finder:
    """Finds modules in the workspace's folders: the pipeline's own, then the workspace's."""

    def __init__(self, folders: Sequence[Path], *, packages: bool) -> None:
        self.folders = [str(folder) for folder in folders]
        self.packages = packages

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is not None or name in sys.stdlib_module_names or name == "lakelet":
            return None
        found = PathFinder.find_spec(name, self.folders)
        # A folder without __init__.py is a module only where nothing installed has its name.
        return found if found is not None and (found.origin is not None) != self.packages else None


def look_in(folders: Sequence[Path]) -> None:
    """Let imports find the modules of some folders."""
    sys.dont_write_bytecode = True
    sys.meta_path.insert(0, _Finder(folders, packages=False))
    sys.meta_path.append(_Finder(folders, packages=True))


def import_files(root: Path, folder: Path, files: Sequence[str]) -> Collected:
    """Import files of a pipeline and collect what they declare.

    Args:
        root: the workspace's folder.
        folder: the pipeline's.
        files: paths from the workspace's folder.

    Raises:
        PipelineError: a file cannot be imported, with file and line.
    """
    collected = collecting()
    for file in files:
        path = root / file
        collected.module = file
        name = ".".join(path.relative_to(folder).with_suffix("").parts)
        if getattr(sys.modules.get(name), "__file__", None) == str(path):
            continue
        if name in sys.modules or name.split(".")[0] in sys.stdlib_module_names:
            name = f"pipeline file {file}"
        try:
            _import(name, path)
        except BaseException as error:
            raise told(error, root) from error
    return collected


def _import(name: str, path: Path) -> None:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


def told(error: BaseException, root: Path) -> PipelineError:
    """What went wrong in a person's code, with the line of it that was running.

    Args:
        error: what was raised.
        root: the workspace's folder.
    """
    said = error.message if isinstance(error, LakeletError) else _said(error)
    hint = error.hint if isinstance(error, LakeletError) else None
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if _is_own(path, root):
            place = f"{path.relative_to(root)}:{frame.lineno}: "
    if isinstance(error, SyntaxError) and error.filename and _is_own(Path(error.filename), root):
        place = f"{Path(error.filename).relative_to(root)}:{error.lineno}: "
    return PipelineError(f"{place}{said}", hint=hint)


def _is_own(path: Path, root: Path) -> bool:
    """Whether a file is the workspace's, and not of an environment that lies in its folder."""
    return path.is_relative_to(root) and not {"site-packages", "dist-packages"} & set(path.parts)


def _said(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    kind = type(error).__name__
    return f"{kind}: {text}" if text else kind


def loaded_files(root: Path) -> list[Path]:
    """The files of the workspace that were imported."""
    found = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and _is_own(Path(file), root) and Path(file).suffix == ".py":
            found.add(Path(file))
    return sorted(found)
