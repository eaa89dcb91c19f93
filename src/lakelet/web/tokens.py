"""Tokens of forms: which page of this workspace a form was sent from, and that it is sent once.

A token names one filled-in form. It is signed with a key of the workspace, so that no other site
can make one up (OWASP, Cross-Site Request Forgery Prevention, signed tokens), and so that a page
stays good when the server is started anew under it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

from lakelet.web.failure import RequestError
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.store import open_store

__all__ = ("GOOD_SECONDS", "Tokens")

GOOD_SECONDS = 7 * 24 * 3600
"""How long a form that was handed out may be sent."""


class Tokens:
    """Makes and checks the tokens of a workspace's pages."""

    def __init__(self, folder: WorkspaceFolder) -> None:
        self.folder = folder
        self._key: bytes | None = None

    def new(self) -> str:
        """A token for one form."""
        name = f"{int(time.time()):x}-{secrets.token_hex(8)}"
        return f"{name}.{self._sign(name)}"

    def check(self, token: str) -> str:
        """The name of the form that a token belongs to.

        Raises:
            RequestError: it was made by somebody else, or too long ago.
        """
        name, _, signature = token.partition(".")
        if not signature or not hmac.compare_digest(
            self._sign(name).encode(), signature.encode("utf-8", "replace")
        ):
            raise RequestError(
                403, "refused", "this form was not made by a page of this workspace; nothing was "
                "changed.", "open the page again, and send the form from there.",
            )  # fmt: skip
        if time.time() - int(name.partition("-")[0], 16) > GOOD_SECONDS:
            raise RequestError(
                409, "too old", "this form is more than a week old; nothing was changed.",
                "open the page again: what it shows may have changed since.",
            )  # fmt: skip
        return name

    def _sign(self, name: str) -> str:
        return hmac.new(self._secret(), name.encode(), hashlib.sha256).hexdigest()

    def _secret(self) -> bytes:
        if self._key is None:
            with open_store(self.folder) as store:
                row = store.execute("SELECT key FROM page_keys").fetchone()
                if row is None:
                    row = (secrets.token_hex(32),)
                    store.execute("INSERT INTO page_keys (key) VALUES (?)", row)
            self._key = bytes.fromhex(row[0])
        return self._key
