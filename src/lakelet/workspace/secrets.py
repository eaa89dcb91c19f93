"""Secrets by reference, and the promise that they appear nowhere.

Settings hold ``env:NAME``, ``file:PATH`` or ``keyring:NAME`` instead of the secret itself. Every
value resolved here is remembered, so that `redact` can take it out of any text shown to a person.
"""

from __future__ import annotations

import os
from pathlib import Path

from lakelet.errors import MissingExtraError, SettingsError

__all__ = ("redact", "remember", "resolve")

_known: set[str] = set()
_SHORTEST = 4


def resolve(reference: str, *, root: Path) -> str:
    """The value behind ``env:NAME``, ``file:PATH`` (from ``root``) or ``keyring:NAME``.

    Text without one of these prefixes is returned as it is and not treated as a secret.

    Raises:
        SettingsError: the variable, file or keyring entry is not there.
        MissingExtraError: ``keyring:`` without the keyring package.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = os.environ.get(name)
        if value is None:
            raise SettingsError(
                f"the environment variable {name} is not set.",
                hint=f"export {name}=… before the command, or use file:PATH.",
            )
    elif kind == "file":
        path = root / Path(name).expanduser()
        if not path.is_file():
            raise SettingsError(f"the secret file {path} is not there.")
        value = path.read_text(encoding="utf-8").strip()
    elif kind == "keyring":
        value = _from_keyring(name)
    else:
        return reference
    remember(value)
    return value


def remember(value: str) -> None:
    """Have a secret that came another way, such as inside a URL, taken out of what is shown.

    One of up to three characters is not: it stands in half of all words, and guards nothing.
    """
    if len(value) >= _SHORTEST:
        _known.add(value)


def _from_keyring(name: str) -> str:
    try:
        import keyring
    except ImportError as error:
        raise MissingExtraError.needs("keyring", f"keyring:{name}") from error
    value: str | None = keyring.get_password("lakelet", name)
    if value is None:
        raise SettingsError(
            f"the keyring has no entry {name!r} for the service 'lakelet'.",
            hint=f"keyring set lakelet {name}",
        )
    return value


def redact(text: str) -> str:
    """``text`` with every secret resolved so far replaced by ``•••``."""
    for value in sorted(_known, key=len, reverse=True):
        text = text.replace(value, "•••")
    return text
