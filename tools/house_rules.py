"""House rules that no linter knows; `make check` fails where one is broken.

1. Whatever writes, renames, deletes or commits stands inside ``with step(…)``, so that the crash
   tests know of it (see `lakelet.workspace.steps`).
2. Every module says what it offers in ``__all__``, a tuple.
3. The core never imports pandas, pyarrow, polars, MLflow or torch at module level.
4. No file in the repository names a machine's own paths.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "lakelet"
SEAM = SOURCE / "workspace" / "steps.py"

WRITERS = {
    "write_deltalake", "create_write_transaction", "create_checkpoint", "vacuum", "write_parquet",
    "write_text", "write_bytes", "unlink", "rmdir", "rmtree", "mkdir", "makedirs", "rename",
    "remove_tree", "copytree", "copyfile", "symlink_to", "touch",
}  # fmt: skip
"""Names of calls that change something, whatever they are called on."""
ON_OPENED = {"delete", "update", "restore", "merge", "compact", "z_order", "cleanup_metadata"}
"""Names that change a table when called on one that was just opened, or on its ``optimize``."""
LAZY = {"pandas", "pyarrow", "polars", "mlflow", "torch", "fsspec", "obstore", "keyring", "gguf",
        "xllamacpp", "numpy"}  # fmt: skip
# The lock file's own folder and the scratch space of a process are nobody's data.
ALLOWED = {"workspace/locks.py"}
# A call that is allowed outside a step says why on its own line.
EXCUSE = "house: "


def main() -> int:
    """Check everything; print what is wrong."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        name = path.relative_to(ROOT)
        found += [f"{name}:{line}: {what}" for line, what in _broken(path, tree, text)]
    found += list(_machine_paths())
    for line in found:
        print(line)
    print(f"house rules: {len(found)} broken" if found else "house rules: all kept")
    return 1 if found else 0


def _broken(path: Path, tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    lines = text.splitlines()
    if path != SEAM and str(path.relative_to(SOURCE)) not in ALLOWED:
        for line, call in _unnamed_writes(tree):
            if EXCUSE not in lines[line - 1]:
                yield line, f"{call} changes something outside `with step(…)`"
    if path.name not in ("__main__.py",) and not _has_all(tree) and len(tree.body) > 1:
        yield 1, "__all__ is missing or not a tuple"
    for node in tree.body:
        for module in _imported(node):
            if module in LAZY:
                yield (
                    node.lineno,
                    f"{module} is imported with the module; import it where it is used",
                )


def _unnamed_writes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and any(_is_step(item.context_expr) for item in node.items):
            inside.update(ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node not in inside and (name := _writer(node)):
            yield node.lineno, name


def _is_step(expression: ast.expr) -> bool:
    return isinstance(expression, ast.Call) and getattr(expression.func, "id", "") == "step"


def _writer(call: ast.Call) -> str | None:
    """The name under which a call changes something, or None."""
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if name == "open" and _mode_writes(call):
        return "open(… for writing)"
    if name in WRITERS and not (name == "remove_tree" and isinstance(function, ast.Name)):
        return name
    if isinstance(function, ast.Attribute) and name in ON_OPENED:
        owner = function.value
        opened = isinstance(owner, ast.Call) and getattr(owner.func, "attr", "") == "open"
        optimize = isinstance(owner, ast.Attribute) and owner.attr == "optimize"
        if opened or optimize:
            return name
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Attribute):
        return name if function.value.attr == "alter" else None
    if isinstance(function, ast.Attribute) and name == "create":
        return name if getattr(function.value, "id", "") == "DeltaTable" else None
    return None


def _mode_writes(call: ast.Call) -> bool:
    modes = [a.value for a in call.args if isinstance(a, ast.Constant)]
    modes += [k.value.value for k in call.keywords
              if k.arg == "mode" and isinstance(k.value, ast.Constant)]  # fmt: skip
    return any(isinstance(m, str) and re.fullmatch(r"[rwxabt+]*[wxa+][rwxabt+]*", m) for m in modes)


def _has_all(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Assign)
        and any(getattr(target, "id", "") == "__all__" for target in node.targets)
        and isinstance(node.value, ast.Tuple)
        for node in tree.body
    ) or all(isinstance(node, ast.Expr | ast.ImportFrom) for node in tree.body)


def _imported(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module.split(".")[0]]
    return []


def _machine_paths() -> Iterator[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    pattern = re.compile("/(?:" + "work|root|home/[a-z]+|tmp/bash" + ")/")
    for name in listed:
        path = ROOT / name
        if name.startswith("tools/") or not path.is_file():
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            if pattern.search(line):
                yield f"{name}:{number}: names a path of one machine"


if __name__ == "__main__":
    sys.exit(main())
