"""A web address, with what is secret in it kept apart from what is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from lakelet.errors import StorageError
from lakelet.workspace.secrets import redact, remember

__all__ = ("WebAddress", "without_secrets")

_SECRET = re.compile(
    r"(?i)^(x-(amz|goog|oss|cos|obs)-.*|.*(signature|token|secret|passw|credential|api_?key).*"
    r"|key|sig|s[etvprk]|auth.*|awsaccesskeyid|expires|policy|key-pair-id)$"
)
_ADDRESS = re.compile(r"(?i)https?://[^\s'\"<>]+")
_SHORTEST = 8
_ALLOWED = "/%:=&?~#+!$,;'@()*[]"


@dataclass(frozen=True, slots=True)
class WebAddress:
    """Where a file is on the web.

    Attributes:
        shown: the URL without login and signature; the file's name everywhere.
        asked: the URL as the server is asked for it, without the login.
        login: ``user:password`` as bytes, or empty.
    """

    shown: str
    asked: str = field(repr=False)
    login: bytes = field(repr=False)

    @classmethod
    def parse(cls, url: str) -> WebAddress:
        """Take a URL apart; what is secret in it is remembered as such.

        Raises:
            StorageError: it has no host, or its port is no number.
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            # What is wrong may stand inside a login, so nothing behind the scheme is shown.
            raise StorageError(
                f"{url.partition('://')[0]}://… is no address: a bracket in it has no pair."
            ) from None
        host = parts.netloc.rpartition("@")[2]
        try:
            valid = bool(parts.hostname) and (parts.port or True)
        except ValueError:
            valid = False
        if not valid:
            raise StorageError(f"{parts.scheme}://{host}{parts.path} is no address of a file.")
        user, password = parts.username or "", parts.password or ""
        for secret in (password, unquote(password)):
            remember(secret)
        kept = []
        for pair in parts.query.split("&") if parts.query else []:
            name, _, value = pair.partition("=")
            if _SECRET.match(name):
                # A short value (sp=r) is none of the secrets, and would be cut out of every text.
                for secret in (value, unquote(value)):
                    remember(secret if len(secret) >= _SHORTEST else "")
            else:
                kept.append(pair)
        return cls(
            urlunsplit((parts.scheme, host, parts.path, "&".join(kept), "")),
            urlunsplit(
                (parts.scheme, host, quote(parts.path, _ALLOWED), quote(parts.query, _ALLOWED), "")
            ),
            f"{unquote(user)}:{unquote(password)}".encode() if parts.username is not None else b"",
        )


def without_secrets(text: str) -> str:
    """A text to be kept or shown: addresses in it without login and signature."""

    def shown(match: re.Match[str]) -> str:
        try:
            return WebAddress.parse(match[0]).shown
        except StorageError:
            return f"{match[0].partition('://')[0]}://…"

    return redact(_ADDRESS.sub(shown, text))
