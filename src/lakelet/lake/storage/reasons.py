"""The cause of a failure, out of the many lines that the object-store libraries report.

Both obstore and delta-rs speak through the same Rust library, whose errors hold the request, the
server's XML answer and a dump of the error value. A person needs one short sentence of it.
"""

from __future__ import annotations

import re

from lakelet.workspace.secrets import redact

__all__ = ("is_passing", "is_reported_by_store", "lacks_range", "short_reason")

_ANSI = re.compile(r"\x1b\[[\d;]*m|↳")
_CODE = re.compile(r"<Code>([^<]*)</Code>")
_MESSAGE = re.compile(r"<Message>([^<]*)</Message>")
_STATUS = re.compile(r"status code\W+(\d{3}(?: [A-Z][A-Za-z ]*)?)")
_CONNECT = (
    ("Connection refused", "the server refused the connection"),
    ("dns error", "the server's name is not known"),
    ("failed to lookup address", "the server's name is not known"),
    ("certificate", "the server's certificate is not trusted"),
    ("operation timed out", "the server did not answer in time"),
    ("TimedOut", "the server did not answer in time"),
    ("Network is unreachable", "there is no network"),
    ("169.254.169.254", "there are no keys for it: no setting, no environment variable, no role"),
    ("URL scheme is not allowed", "it is an http:// address where https:// is expected"),
    ("error sending request", "the connection broke"),
)
# Answers that speak of the caller, the hour or the network, and not of the object asked for.
_PASSING = re.compile(
    r"<Code>(ExpiredToken|InvalidToken|InvalidAccessKeyId|SignatureDoesNotMatch|"
    r"RequestTimeTooSkewed|SlowDown|ServiceUnavailable|InternalError)</Code>"
    r"|status code\W+5\d\d|error sending request|HTTP error|dns error|tcp connect"
)


def short_reason(error: object) -> str:
    """One short cause without a full stop, never holding a secret."""
    text = _ANSI.sub("", str(error))
    code, message = _CODE.search(text), _MESSAGE.search(text)
    if code is not None:
        said = f": {message[1].strip().rstrip('.')}" if message and message[1].strip() else ""
        return redact(f"the server says {code[1]}{said}")
    for sign, meaning in _CONNECT:
        if sign in text:
            return meaning
    status = _STATUS.search(text)
    if status is not None:
        return f"the server says {status[1].strip()}"
    lines = text.strip().splitlines()
    return redact(lines[0].rstrip(".") if lines else type(error).__name__)


def is_reported_by_store(error: object) -> bool:
    """Whether an error's many lines are the object-store library's, not those of delta-rs."""
    text = str(error)
    return "Error performing " in text or "Generic S3 error" in text


def lacks_range(error: object) -> bool:
    """Whether the store had no such range to give: an empty object has none at all."""
    text = str(error)
    return "416" in text or "InvalidRange" in text or "non-partial response" in text


def is_passing(error: object) -> bool:
    """Whether another try, other keys or a network would help: the object is not to blame."""
    return _PASSING.search(_ANSI.sub("", str(error))) is not None
