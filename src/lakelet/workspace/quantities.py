"""Sizes and spans of time as people write them: ``"1 GB"``, ``"50%"``, ``"30 days"``."""

from __future__ import annotations

import re
from datetime import timedelta

from lakelet.errors import SettingsError

__all__ = ("counted", "format_bytes", "parse_bytes", "parse_duration")

_BYTES = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z%]+)\s*")


def _split(text: str, units: str) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise SettingsError(f"{text!r} is not a number with a unit.", hint=f"units: {units}.")
    return float(match[1]), match[2].lower()


def parse_bytes(text: str, *, whole: int | None = None) -> int:
    """Bytes from ``"1 GB"`` (10^9), ``"512 MiB"`` (2^20), or a share of ``whole`` from ``"50%"``.

    Raises:
        SettingsError: no number, or a unit that is not one of bytes.
    """
    number, unit = _split(text, "B, KB, MB, GB, TB, KiB, MiB, GiB, TiB, %")
    if unit == "%" and whole is not None:
        return int(whole * number / 100)
    if unit not in _BYTES:
        raise SettingsError(f"{text!r}: {unit!r} is no unit of size.", hint="write MB, GB or GiB.")
    return int(number * _BYTES[unit])


def parse_duration(text: str) -> timedelta:
    """A span of time from ``"30 days"``, ``"12 hours"`` or ``"2 weeks"``.

    Raises:
        SettingsError: no number, or a unit that is not one of time.
    """
    number, unit = _split(text, "seconds, minutes, hours, days, weeks")
    seconds = _SECONDS.get(unit.removesuffix("s"))
    if seconds is None:
        raise SettingsError(
            f"{text!r}: {unit!r} is no unit of time.", hint="write hours, days or weeks."
        )
    try:
        return timedelta(seconds=number * seconds)
    except OverflowError:
        raise SettingsError(f"{text!r} is longer than time is counted.") from None


def counted(count: int, what: str, many: str | None = None) -> str:
    """A number with its noun: ``1 file``, ``2,000 files``.

    Args:
        count: how many.
        what: the noun for one.
        many: the noun for several where it is not the one with an s.
    """
    return f"{count:,} {what if count == 1 else many or what + 's'}"


def format_bytes(count: float) -> str:
    """A size for people, in decimal units: ``"1.2 MB"``."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
