"""The web interface: pages over the same functions as the command line, on this machine only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakelet.web.app import create_app

__all__ = ("create_app",)


def __getattr__(name: str) -> Any:
    """The application, imported when it is asked for: processes beside it need none of it."""
    if name == "create_app":
        from lakelet.web.app import create_app

        return create_app
    raise AttributeError(name)
