"""The documentation says what is there: every command, setting and public name, and examples run."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import typing
from pathlib import Path

import pytest

import lakelet
from lakelet.cli.app import COMMANDS
from lakelet.session import Table, Workspace
from lakelet.workspace.settings import Settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def tool(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_commands_is_up_to_date() -> None:
    assert (DOCS / "cli.md").read_text() == tool("write_docs").cli_page(), "run `make docs`"


def test_every_command_is_in_the_documentation() -> None:
    pages = (ROOT / "README.md").read_text() + "".join(p.read_text() for p in DOCS.glob("*.md"))
    for name in COMMANDS:
        assert f"lakelet {name}" in pages, name


def names(kind: type, prefix: str = "") -> list[str]:
    hints = typing.get_type_hints(kind)
    found = []
    for field in dataclasses.fields(kind):
        inner = hints[field.name]
        if dataclasses.is_dataclass(inner):
            found += names(inner, f"{prefix}{field.name}.")
        elif typing.get_origin(inner) is dict:
            value = typing.get_args(inner)[1]
            of = {"storage": "BUCKET", "jobs": "PIPELINE"}.get(field.name, "NAME")
            one = f"{prefix}{field.name}.{of}"
            found += names(value, one + ".") if dataclasses.is_dataclass(value) else [one]
        else:
            found.append(prefix + field.name)
    return found


def test_every_setting_is_documented_and_in_the_template() -> None:
    from lakelet.workspace.template import SETTINGS_TEMPLATE

    page = (DOCS / "settings.md").read_text()
    for name in names(Settings):
        assert f"`{name}`" in page, name
        last = name.rsplit(".", 1)[-1]
        assert last == "NAME" or f"{last} =" in SETTINGS_TEMPLATE, name


@pytest.mark.parametrize("kind", [Workspace, Table])
def test_every_public_method_is_documented(kind: type) -> None:
    page = (DOCS / "python.md").read_text()
    for name in dir(kind):
        if not name.startswith("_") and name not in (
            "pin",
            "lake",
            "folder",
            "time_zone",
            "name",
            "version",
        ):
            assert f".{name}" in page, name


def test_every_public_name_of_the_package_is_documented() -> None:
    page = (DOCS / "python.md").read_text()
    for name in lakelet.__all__:
        assert name == "__version__" or name in page, name


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_examples_of_the_python_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text(), re.DOTALL)
    assert len(blocks) >= 2
    exec("\n".join(blocks), {})
