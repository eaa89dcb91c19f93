"""`lakelet gateway`: models of this machine for clients that speak OpenAI's or Ollama's API."""

from __future__ import annotations

import click

from lakelet.cli.context import current_workspace

__all__ = ("gateway",)


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8321, show_default=True,
              help="On 127.0.0.1; 0 for one that is free.")  # fmt: skip
@click.option("--context", default="", metavar="16k", help="Tokens of prompt and answer together.")
def gateway(port: int, context: str) -> None:
    """Serve the models of this machine on loopback, by the APIs of OpenAI and Ollama, until Ctrl-C.

    Whatever a client sends is counted before it goes to the model, and refused with numbers where
    it does not fit; old thoughts go back only to models that were trained with them.

    \b
    lakelet gateway
    lakelet gateway --port 0 --context 16k
    """
    from lakelet.inference.gateway.serving import serve_gateway
    from lakelet.models.wishes import parse_tokens

    workspace = current_workspace()
    offered = workspace.offered_models(parse_tokens(context) if context else None)

    def ready(address: str) -> None:
        click.echo(f"Models are at {address} (Ctrl-C ends it).")

    serve_gateway(offered, port=port, ready=ready)
