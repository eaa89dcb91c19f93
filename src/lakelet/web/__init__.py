"""The web interface: pages over the same functions as the command line, on this machine only."""

from lakelet.web.app import create_app

__all__ = ("create_app",)
