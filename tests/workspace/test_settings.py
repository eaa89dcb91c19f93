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
        ("[resources]\nthreads = -1\n", r"resources\.threads is -1"),
        ('[resources]\nmemory = "150%"\n', r"resources\.memory is '150%'(?s:.*)up to 100 %"),
        ('[resources]\nmemory = "0 GB"\n', r"resources\.memory is '0 GB'"),
        (
            '[resources]\nmemory = "lots"\n',
            r"resources\.memory: 'lots' is not a number with a unit",
        ),
        (
            '[resources]\nmin_free_disk = "2 apples"\n',
            r"resources\.min_free_disk: .*no unit of size",
        ),
        ('[loading]\nwiden_limit = "x"\n', r"loading\.widen_limit: 'x'"),
        ('[lake]\nretention = "3 moons"\n', r"lake\.retention: .*no unit of time"),
        ('[lake]\nretention = "99999999999999 days"\n', r"lake\.retention: .*longer than"),
    ],
)
def test_a_wrong_line_is_told_with_what_belongs_there(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "lakelet.toml").write_text(text)
    with pytest.raises(SettingsError, match=told):
        read_settings(tmp_path / "lakelet.toml")
