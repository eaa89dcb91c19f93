"""A Python file of the workspace as a tree: what its top level binds, and what it does besides."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

__all__ = ("Modules", "SourceFile", "is_ours", "locals_of", "statement_lines")

_OURS = "lakelet.pipelines"
_PURE = ("abc", "contextlib", "dataclasses", "functools", "typing")
"""Modules whose decorators note nothing anywhere."""
Inner = ast.Lambda | ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
"""What has a scope of its own inside an expression."""
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass
class SourceFile:
    """One file.

    Attributes:
        path: where it is.
        shown: its path from the workspace's folder.
        raw: its bytes.
    """

    path: Path
    shown: str
    raw: bytes = field(repr=False)

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.raw)

    @cached_property
    def bindings(self) -> dict[str, list[ast.stmt]]:
        """The statements of the top level by the names they bind."""
        found: dict[str, list[ast.stmt]] = {}
        for statement in self.tree.body:
            for name in _bound(statement):
                found.setdefault(name, []).append(statement)
        return found

    @cached_property
    def effects(self) -> list[ast.stmt]:
        """Statements that may change what others mean: calls, stores into things, and blocks."""
        return [statement for statement in self.tree.body if self._acts(statement)]

    def _acts(self, statement: ast.stmt) -> bool:
        if isinstance(statement, Definition):
            return any(self._may_register(one) for one in statement.decorator_list)
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass):
            return False
        if isinstance(statement, ast.Expr):
            return not isinstance(statement.value, ast.Constant) and not self._declares(
                statement.value
            )
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            return not all(isinstance(target, ast.Name | ast.Tuple) for target in targets)
        if isinstance(statement, ast.If) and {"__name__", "TYPE_CHECKING"} & set(
            _names(statement.test)
        ):
            return False
        inner = [node for node in ast.walk(statement) if isinstance(node, ast.FunctionDef)]
        return not any(self._declares(one) for node in inner for one in node.decorator_list)

    def _may_register(self, decorator: ast.expr) -> bool:
        """Whether a decorator may note what it decorates somewhere others look for it."""
        name = _root(decorator)
        return not self._declares(decorator) and not any(
            _module(statement) in _PURE for statement in self.bindings.get(name, [])
        )

    def _declares(self, expression: ast.expr) -> bool:
        """Whether an expression is a decorator or a call of our own."""
        name = _root(expression)
        return any(is_ours(statement, name) for statement in self.bindings.get(name, []))

    def bare(self, statement: ast.stmt) -> ast.stmt:
        """A statement without our own decorators, whose arguments are told elsewhere."""
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            return statement
        kept = [one for one in statement.decorator_list if not self._declares(one)]
        if len(kept) == len(statement.decorator_list):
            return statement
        values = {name: getattr(statement, name) for name in statement._fields}
        found = type(statement)(**{**values, "decorator_list": kept})
        return ast.copy_location(found, statement)

    def enclosing(self, line: int) -> ast.stmt | None:
        """The statement of the top level that a line belongs to."""
        for statement in self.tree.body:
            first, last = statement_lines(statement)
            if first <= line <= last:
                return statement
        return None


def statement_lines(statement: ast.stmt) -> tuple[int, int]:
    """First and last line of a statement, decorators included."""
    decorators: Sequence[ast.expr] = getattr(statement, "decorator_list", ())
    first = min([statement.lineno, *(one.lineno for one in decorators)])
    return first, statement.end_lineno or statement.lineno


def is_ours(statement: ast.stmt, name: str) -> bool:
    """Whether a statement imports `lakelet.pipelines`, or something of it, under a name."""
    if isinstance(statement, ast.ImportFrom) and not statement.level:
        full = {a.asname or a.name: f"{statement.module}.{a.name}" for a in statement.names}
    elif isinstance(statement, ast.Import):
        full = {a.asname or a.name.split(".")[0]: a.name for a in statement.names}
    else:
        return False
    return full.get(name, "").startswith(_OURS)


def _root(expression: ast.expr) -> str:
    """The name that a chain of attributes and calls begins with."""
    root = expression
    while isinstance(root, ast.Call | ast.Attribute):
        root = root.func if isinstance(root, ast.Call) else root.value
    return root.id if isinstance(root, ast.Name) else ""


def _module(statement: ast.stmt) -> str:
    if isinstance(statement, ast.ImportFrom):
        return (statement.module or "").split(".")[0]
    return statement.names[0].name.split(".")[0] if isinstance(statement, ast.Import) else ""


def _names(node: ast.AST) -> list[str]:
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]


def _bound(node: ast.AST) -> Iterator[str]:
    """Names a statement binds in its own scope."""
    if isinstance(node, Definition):
        yield node.name
        return
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name.split(".")[0]
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name
    for child in ast.iter_child_nodes(node):
        yield from _bound(child)


def locals_of(body: Sequence[ast.AST]) -> set[str]:
    """The names that a function's body makes its own."""
    found: set[str] = set()
    free: set[str] = set()

    def look(node: ast.AST) -> None:
        if isinstance(node, Definition):
            found.add(node.name)
            return
        if isinstance(node, Inner):
            return
        if isinstance(node, ast.Global):
            free.update(node.names)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        for child in ast.iter_child_nodes(node):
            look(child)

    for node in body:
        look(node)
    return found - free


class Modules:
    """Modules by name, as far as they are files of the workspace.

    Attributes:
        root: the workspace's folder.
        folders: where modules are looked for, in order.
    """

    def __init__(self, root: Path, folders: Sequence[Path]) -> None:
        self.root = root
        self.folders = folders
        self._read: dict[Path, SourceFile] = {}

    def read(self, path: Path) -> SourceFile:
        """A file, read once."""
        if path not in self._read:
            self._read[path] = SourceFile(path, str(path.relative_to(self.root)), path.read_bytes())
        return self._read[path]

    def find(self, name: str) -> Path | None:
        """The file of a module, or None where it is no file of the workspace."""
        parts = name.split(".")
        if parts[0] in sys.stdlib_module_names or parts[0] == "lakelet":
            return None
        for folder in self.folders:
            place = folder.joinpath(*parts)
            for path in (place / "__init__.py", place.with_suffix(".py")):
                if path.is_file():
                    return path
        return None

    def relative(self, source: SourceFile, level: int, module: str | None) -> str | None:
        """The full name of a relatively imported module."""
        folder = source.path.parent
        for _ in range(level - 1):
            folder = folder.parent
        for base in self.folders:
            if folder.is_relative_to(base):
                parts = [*folder.relative_to(base).parts, *(module.split(".") if module else [])]
                return ".".join(parts)
        return None

    def files(self) -> list[Path]:
        """The files read so far."""
        return list(self._read)
