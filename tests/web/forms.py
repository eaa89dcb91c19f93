"""Forms as a browser sends them: with the token that their page carries."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlencode

from starlette.testclient import TestClient

FORM = {"content-type": "application/x-www-form-urlencoded"}


def token(pages: TestClient, page: str) -> str:
    """A token of a page that has a form."""
    found = re.search(r'name="token" value="([^"]+)"', pages.get(page).text)
    assert found, page
    return found[1]


def send(pages: TestClient, address: str, form: dict[str, Any], *, page: str, **more: Any) -> Any:
    """Send a form and follow where it leads, as a browser does."""
    form = {"token": more.pop("token", None) or token(pages, page), "from": page, **form}
    headers = {"accept": "text/html", **FORM, **more.pop("headers", {})}
    return pages.post(address, content=urlencode(form, doseq=True), headers=headers, **more)


def told(page: str) -> str:
    """What a page says of the act that led to it."""
    found = re.search(r'class="note outcome.*?<div>(.*?)</div>', page, re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", found[1])).strip() if found else ""
