"""Settings that cannot be are told in a few words."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.errors import SettingsError
from lakelet.workspace.settings import read_settings


def test_a_value_that_cannot_be_is_told_briefly(tmp_path: Path) -> None:
    path = tmp_path / "lakelet.toml"
    for zone, hint in (
        ("Mars/X", "it is one of Africa/Abidjan, "),
        ("Europe/Berln", "Europe/Berlin"),
    ):
        path.write_text(f'time_zone = "{zone}"\n')
        with pytest.raises(SettingsError, match="cannot be") as told:
            read_settings(path)
        assert hint in str(told.value)
        assert len(str(told.value)) < 400


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[sql\n", r"not valid TOML.*line 1(?s:.*)text stands in quotes"),
        ("[lake]\nretention = 30\n", r"lake: retention is 30; it must be text in quotes"),
        ("[sql]\nhistory = 3\n", r"sql: history is 3; it must be true or false"),
    ],
)
def test_a_wrong_line_is_told_with_what_belongs_there(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "lakelet.toml").write_text(text)
    with pytest.raises(SettingsError, match=told):
        read_settings(tmp_path / "lakelet.toml")
