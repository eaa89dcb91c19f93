"""Commits that nobody was ever to see: made by an update that did not publish, and undone.

`lakelet.pipelines.publishing.commit` puts a table back by one further commit. What is between, and
that commit itself, come to nothing for whoever asks what changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ("PUT_BACK", "undone_by")

PUT_BACK = "PUT BACK"
"""The operation of a commit that undoes others."""


def undone_by(info: Mapping[str, Any], version: int, since: int) -> range:
    """The versions that a commit undoes, itself included; none for any other commit.

    Args:
        info: its ``commitInfo``.
        version: its own version.
        since: the version it goes back to, where its log does not say.
    """
    if info.get("lakelet.operation") != PUT_BACK:
        return range(0)
    target = int((info.get("operationParameters") or {}).get("version", since))
    return range(target + 1, version + 1)
