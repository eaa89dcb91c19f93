"""`lakelet up`: the web interface, in the foreground."""

from __future__ import annotations

import gc
import webbrowser

import click

from lakelet.cli.context import current_workspace
from lakelet.errors import MissingExtraError

__all__ = ("up",)

_PORT = 8320


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=_PORT, show_default=True,
              help="On 127.0.0.1; 0 for one that is free.")  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Open no browser.")
def up(port: int, no_browser: bool) -> None:
    """Serve the web interface on this machine, until Ctrl-C.

    \b
    lakelet up
    lakelet up --port 0 --no-browser
    """
    workspace = current_workspace()
    # What is loaded now stays: looking for garbage among it takes a tenth of the start.
    gc.disable()
    try:
        from lakelet.web.serving import serve
    except ModuleNotFoundError:
        raise MissingExtraError.needs("web", "the web interface") from None

    def ready(address: str) -> None:
        gc.freeze()
        gc.enable()
        click.echo(f"Lakelet shows {workspace.folder.root.name} at {address} (Ctrl-C ends it).")
        if not no_browser:
            webbrowser.open(address)

    serve(workspace.folder.root, port=port, ready=ready)
