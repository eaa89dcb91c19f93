"""What a function is made by: which changes of the workspace's files count, and which do not."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lakelet.pipelines.python.code.packages import Packages
from lakelet.pipelines.python.code.reached import code_of
from lakelet.pipelines.python.code.source_file import Modules

MAIN = """
import json
import lib.tools
import lib.more as more
from lib.names import FIRST, SECOND as second
from lakelet import pipelines as dp

LIMIT = 10
OTHER = LIMIT + 1
TABLE = {}
TABLE["a"] = 1

def used(x):
    return x + LIMIT

def unused(x):
    return OTHER

class Kind:
    scale = 2

@dp.materialized_view(comment="said")
def posts(raw, factor=LIMIT):
    return [Kind.scale * used(x) + lib.tools.add(x) + more.sub(x) + second for x in raw]

@dp.materialized_view
def totals(posts):
    unused = posts
    return [TABLE, unused]
"""
FILES = {
    "main.py": MAIN,
    "lib/__init__.py": "",
    "lib/tools.py": "STEP = 1\ndef add(x): return x + STEP\ndef never(x): return x - STEP\n",
    "lib/more.py": "import polars\ndef sub(x): return polars.lit(x)\n",
    "lib/names.py": "FIRST = 1\nSECOND = 2\n",
}


def code(root: Path, function: str, **changed: tuple[str, str]) -> str:
    """The code of a function of ``main.py``, after replacing text in files (``lib_tools`` is one)."""
    files = dict(FILES)
    for key, (old, new) in changed.items():
        name = key.replace("_", "/", 1) + ".py"
        assert old in files[name], old
        files[name] = files[name].replace(old, new)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return code_of(loaded(root / "main.py", function), Modules(root, [root]), Packages())


def loaded(path: Path, function: str) -> Callable[..., Any]:
    before = sys.dont_write_bytecode, list(sys.path)
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location("main_of_test", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, function)  # type: ignore[no-any-return]
    finally:
        sys.dont_write_bytecode, sys.path[:] = before
        for name in [n for n in sys.modules if n == "lib" or n.startswith("lib.")]:
            del sys.modules[name]


COUNTS = {
    "its body": {"main": ("* used(x)", "* used(x + 1)")},
    "a constant": {"main": ("LIMIT = 10", "LIMIT = 11")},
    "a function it calls": {"main": ("x + LIMIT", "x - LIMIT")},
    "a class it uses": {"main": ("scale = 2", "scale = 3")},
    "a default": {"main": ("factor=LIMIT", "factor=1")},
    "a function of a module": {"lib_tools": ("x + STEP", "x * STEP")},
    "a constant of a module": {"lib_tools": ("STEP = 1", "STEP = 2")},
    "a function of a module by another name": {"lib_more": ("lit(x)", "lit(x + 1)")},
    "a name from a module": {"lib_names": ("SECOND = 2", "SECOND = 3")},
    "another name from a module": {"main": ("SECOND as second", "FIRST as second")},
    "a call beside it": {"lib_tools": ("STEP = 1", "STEP = 1\nprint(STEP)")},
}
DOES_NOT = {
    "layout and comments": {"main": ("+ second for x", "+ # why\n      second  for x")},
    "a constant it does not use": {"main": ("OTHER = LIMIT + 1", "OTHER = 5")},
    "a function it does not call": {"main": ("return OTHER", "return 7")},
    "its comment": {"main": ('comment="said"', 'comment="said again"')},
    "another dataset": {"main": ("[TABLE, unused]", "[unused]")},
    "a function of a module it does not call": {"lib_tools": ("x - STEP", "x // STEP")},
    "a name it does not import": {"lib_names": ("FIRST = 1", "FIRST = 7")},
}


@pytest.mark.parametrize("changed", COUNTS.values(), ids=COUNTS)
def test_changes_that_count(tmp_path: Path, changed: dict[str, tuple[str, str]]) -> None:
    assert code(tmp_path, "posts") != code(tmp_path, "posts", **changed)


@pytest.mark.parametrize("changed", DOES_NOT.values(), ids=DOES_NOT)
def test_changes_that_do_not(tmp_path: Path, changed: dict[str, tuple[str, str]]) -> None:
    assert code(tmp_path, "posts") == code(tmp_path, "posts", **changed)


def test_what_is_found(tmp_path: Path) -> None:
    found = code(tmp_path, "posts")
    for part in ("LIMIT = 10", "STEP = 1", "SECOND = 2", "# polars ", "# Python 3."):
        assert part in found, found
    assert "dp." not in found
    assert "the whole of" not in found
    assert "never" not in found
    totals = code(tmp_path, "totals")
    assert "TABLE['a'] = 1" in totals, "what is stored into a constant counts"
    assert "def posts" not in totals, "a parameter is no function of the file"
    assert "def unused" not in totals, "a local name is no function of the file"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("x + LIMIT", "eval('x + LIMIT')", "main.py counts .*: line 14 uses eval"),
        ("import json", "from lib.tools import *", "main.py counts .*: line 2 imports"),
        ("more.sub(x)", "getattr(more, 'sub')(x)", "lib/more.py counts .*: the module lib.more is"),
        ("lib.tools.add(x)", "lib.tools.nowhere(x)", "lib/tools.py counts .*: nowhere is not"),
    ],
)
def test_where_it_cannot_be_told_the_whole_file_counts(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    import re

    found = code(tmp_path, "posts", main=(old, new))
    assert re.search(f"# the whole of {why}", found), found


def test_what_a_decorator_may_register_counts(tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    text = (
        "import functools\nKNOWN = {}\n"
        "def known(f): KNOWN[f.__name__] = f; return f\n"
        "@known\ndef one(): return 1\n"
        "@functools.cache\ndef other(): return 1\n"
        "def posts(): return [KNOWN['one']()]\n"
    )
    path.write_text(text)
    found = code_of(loaded(path, "posts"), Modules(tmp_path, [tmp_path]), Packages())
    assert "def one" in found
    assert "def other" not in found


def test_functions_made_in_a_loop_count_with_their_values(tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_text(
        "def make(n, what):\n    def made(raw, k=n): return (raw, what, n)\n    return made\n"
        "one = make(1, 'a')\ntwo = make(2, 'a')\nodd = make(3, object())\n"
    )
    found = {
        name: code_of(loaded(path, name), Modules(tmp_path, [tmp_path]), Packages())
        for name in ("one", "two", "odd")
    }
    assert found["one"] != found["two"]
    assert "k = 1" in found["one"]
    assert "the whole of main.py counts" in found["odd"]
    assert "is made with what, a object" in found["odd"]
