"""One module a room: what its pages show, found through the workspace."""

__all__ = ()
