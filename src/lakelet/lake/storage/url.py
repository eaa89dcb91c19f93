"""A web address, with what is secret in it kept apart from what is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from lakelet.errors import StorageError
from lakelet.workspace.secrets import remember

__all__ = ("WebAddress",)

_SECRET = re.compile(
    r"(?i)^(x-(amz|goog|oss|cos|obs)-.*|.*(signature|token|secret|passw|credential|api_?key).*"
    r"|key|sig|s[etvprk]|auth.*|awsaccesskeyid|expires|policy|key-pair-id)$"
)
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
        parts = urlsplit(url)
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
