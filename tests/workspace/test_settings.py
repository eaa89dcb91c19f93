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
