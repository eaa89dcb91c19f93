"""What a function is made by: its own code and all that it reaches in the workspace's files.

Told from the source, without running it: the function's syntax tree, then every name it uses that
its file binds (functions, classes, constants), and so on through the workspace's own modules; the
versions of the packages it imports; and statements of these files that may change what names mean.
Where a name could be anything (``eval``, ``import *``, a module handed on as a whole) the whole
file counts, and the text says so.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lakelet.pipelines.python.code.packages import Packages
from lakelet.pipelines.python.code.source_file import (
    Modules,
    SourceFile,
    is_ours,
    locals_of,
    statement_lines,
)

__all__ = ("code_of",)

_OPAQUE = ("eval", "exec", "compile", "globals", "vars", "__import__", "importlib", "__doc__")
_ANYTHING = {"__subclasses__", "__dict__", "__globals__", "modules"}
_SIMPLE = (bool, int, float, complex, str, bytes, type(None))


def code_of(function: Callable[..., Any], modules: Modules, packages: Packages) -> str:
    """The text of all that a function's rows depend on besides its inputs.

    Formatting and comments are not in it, so that a reformatted function gives the same.
    """
    inner = inspect.unwrap(function)
    path, line = Path(inner.__code__.co_filename), inner.__code__.co_firstlineno
    reached = _Reached(modules, packages)
    if not path.is_file() or not path.is_relative_to(modules.root):
        versions = packages.versions(str(inner.__module__).split(".")[0])
        return "\n".join([f"def {function.__name__}: of no file here", *versions])
    source = modules.read(path)
    statement = source.enclosing(line)
    if statement is None:
        reached.whole(source, f"{function.__name__} is not found in it")
    else:
        if line != statement_lines(statement)[0] or not isinstance(statement, ast.FunctionDef):
            reached.values(source, inner)
        reached.take(source, statement)
    return reached.text()


@dataclass
class _Reached:
    modules: Modules
    packages: Packages
    parts: dict[tuple[str, int], str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    versions: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    def text(self) -> str:
        found = list(self.parts.values())
        found += [self.notes[name] for name in sorted(self.notes)]
        found += [f"# {version}" for version in sorted(self.versions)]
        found.append(f"# Python {sys.version_info.major}.{sys.version_info.minor}")
        return "\n".join(found)

    def whole(self, source: SourceFile, why: str) -> None:
        """Count a whole file, and everything its names lead to."""
        if source.shown in self.notes:
            return
        digest = hashlib.sha256(source.raw).hexdigest()[:16]
        self.notes[source.shown] = f"# the whole of {source.shown} counts ({digest}): {why}"
        for name in source.bindings:
            self.name(source, name)

    def values(self, source: SourceFile, function: Any) -> None:
        """Take the values that a function made inside something else was made with."""
        for name, value in _values(function):
            if _is_simple(value):
                self.parts[f"{function.__qualname__}.{name}", 0] = f"{name} = {value!r}"
            else:
                kind = type(value).__name__
                self.whole(source, f"{function.__name__} is made with {name}, a {kind}")

    def take(self, source: SourceFile, statement: ast.stmt) -> None:
        """Take a statement of a file's top level, and all that it reaches."""
        key = (source.shown, statement.lineno)
        if key in self.parts:
            return
        bare = source.bare(statement)
        self.parts[key] = ast.unparse(bare)
        _Visitor(self, source).visit(bare)
        self.effects(source)

    def effects(self, source: SourceFile) -> None:
        if source.shown in self.seen:
            return
        self.seen.add(source.shown)
        for statement in source.effects:
            self.take(source, statement)

    def name(self, source: SourceFile, name: str) -> None:
        """Take whatever a file's top level binds to a name."""
        for statement in source.bindings.get(name, ()):
            if isinstance(statement, ast.Import):
                self.imported(source, statement, name, ())
            elif isinstance(statement, ast.ImportFrom):
                self.imported_from(source, statement, name, ())
            else:
                self.take(source, statement)

    def imported(
        self, source: SourceFile, statement: ast.Import, name: str, chain: tuple[str, ...]
    ) -> None:
        """Take what ``import a.b`` gives a name, as far as it is used."""
        for alias in statement.names:
            if (alias.asname or alias.name.split(".")[0]) == name:
                module = alias.name if alias.asname else alias.name.split(".")[0]
                if "." in alias.name and not alias.asname:
                    self.module(alias.name.rsplit(".", 1)[0], None)
                self.module(module, chain)

    def imported_from(
        self, source: SourceFile, statement: ast.ImportFrom, name: str, chain: tuple[str, ...]
    ) -> None:
        """Take what ``from a import b`` gives a name, as far as it is used."""
        module: str | None = statement.module or ""
        if statement.level:
            module = self.modules.relative(source, statement.level, statement.module)
        for alias in statement.names:
            if alias.name == "*":
                self.whole(source, f"line {statement.lineno} imports * from {module}")
                self.module(module or "", ())
            elif (alias.asname or alias.name) == name and not is_ours(statement, name):
                self.module(module or "", (alias.name, *chain))

    def module(self, module: str, chain: tuple[str, ...] | None) -> None:
        """Take what a chain of attributes of a module leads to; all of it for an empty chain."""
        path = self.modules.find(module)
        deeper = f"{module}.{chain[0]}" if chain else ""
        if deeper and self.modules.find(deeper) and not self._binds(path, deeper):
            self.module(deeper, (chain or ())[1:])
            return
        if path is None:
            self.versions.update(self.packages.versions(module.split(".")[0]))
            return
        source = self.modules.read(path)
        self.effects(source)
        if chain is None:
            return
        if not chain:
            self.whole(source, f"the module {module} is used as a whole")
        elif chain[0] in source.bindings:
            self.name(source, chain[0])
        else:
            self.whole(source, f"{chain[0]} is not bound at its top level")

    def _binds(self, path: Path | None, deeper: str) -> bool:
        return path is not None and deeper.rsplit(".", 1)[1] in self.modules.read(path).bindings


class _Visitor(ast.NodeVisitor):
    """Follows the names in a piece of code."""

    def __init__(self, reached: _Reached, source: SourceFile) -> None:
        self.reached = reached
        self.source = source
        self.scopes: list[set[str]] = []

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        arguments = node.args
        own = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        own += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
        outside: list[ast.AST | None] = [*arguments.defaults, *arguments.kw_defaults]
        outside += [one.annotation for one in own]
        if not isinstance(node, ast.Lambda):
            outside += [*node.decorator_list, node.returns]
        for one in outside:
            if one is not None:
                self.visit(one)
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        self.scopes.append({one.arg for one in own} | locals_of(body))
        for inner in body:
            self.visit(inner)
        self.scopes.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function  # noqa: N815

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> None:
        targets = {
            one.id
            for part in node.generators
            for one in ast.walk(part.target)
            if isinstance(one, ast.Name)
        }
        # Only the first source is looked up outside, but a name more harms nobody.
        for part in node.generators:
            self.visit(part.iter)
        self.scopes.append(targets)
        self.generic_visit(node)
        self.scopes.pop()

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension  # noqa: N815

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain: list[str] = []
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            chain.insert(0, root.attr)
            root = root.value
        if not _ANYTHING.isdisjoint(chain):
            self.reached.whole(self.source, f"line {node.lineno} uses {node.attr}")
        if isinstance(root, ast.Name):
            self._name(root, tuple(chain))
        else:
            self.visit(root)

    def visit_Name(self, node: ast.Name) -> None:
        self._name(node, ())

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.split(".")[0] in _OPAQUE:
                self.reached.whole(self.source, f"line {node.lineno} imports {alias.name}")
            self.reached.imported(self.source, node, alias.asname or alias.name.split(".")[0], ())

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.reached.imported_from(self.source, node, alias.asname or alias.name, ())

    def _name(self, node: ast.Name, chain: tuple[str, ...]) -> None:
        name, source = node.id, self.source
        if any(name in scope for scope in self.scopes):
            return
        if name in _OPAQUE and (name == "importlib" or name not in source.bindings):
            self.reached.whole(source, f"line {node.lineno} uses {name}")
        for statement in source.bindings.get(name, ()):
            if isinstance(statement, ast.Import):
                self.reached.imported(source, statement, name, chain)
            elif isinstance(statement, ast.ImportFrom):
                self.reached.imported_from(source, statement, name, chain)
            else:
                self.reached.take(source, statement)
        if name not in source.bindings and "*" in source.bindings:
            self.reached.name(source, "*")


def _values(function: Any) -> Iterator[tuple[str, Any]]:
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    yield from zip(names[len(names) - len(defaults) :], defaults, strict=True)
    yield from (function.__kwdefaults__ or {}).items()
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not bound yet
            continue


def _is_simple(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_simple, value))
    if isinstance(value, dict):
        return all(_is_simple(k) and _is_simple(v) for k, v in value.items())
    return type(value) in _SIMPLE
