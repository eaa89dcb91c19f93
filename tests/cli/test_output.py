"""What is printed says what is there, digit for digit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lakelet.cli.output import cell_text, json_text


@pytest.mark.parametrize(
    "digits", ["9007199254740993", "123456789012345678.25", "-0.10", "18446744073709551616"]
)
def test_decimals_keep_their_digits(digits: str) -> None:
    assert json_text({"a": [Decimal(digits), 1.5, "x"]}) == f'{{"a": [{digits}, 1.5, "x"]}}'
    assert cell_text([Decimal(digits)]) == f"[{digits}]"
