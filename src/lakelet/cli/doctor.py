"""`lakelet doctor`: what works, what is missing, and how to get it."""

from __future__ import annotations

from pathlib import Path

import click

from lakelet.cli.context import as_json

__all__ = ("doctor",)

_MARKS = {"ok": ("✓", "green"), "note": ("•", "yellow"), "broken": ("✗", "red")}


@click.command()
@as_json
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Look at the installation and the workspace: versions, settings, storage, disk.

    Ends with exit code 1 when something is broken. In a bucket it writes one small object and
    removes it, to see whether conditional writes hold.

    \b
    lakelet doctor
    lakelet --workspace ../my-research doctor
    """
    from lakelet.cli.output import print_json
    from lakelet.session.doctor import examine

    broken = 0
    found = []
    for finding in examine(context.find_root().obj or Path.cwd()):
        broken += finding.state == "broken"
        if as_json:
            found.append(finding.as_dict())
            continue
        mark, color = _MARKS[finding.state]
        click.echo(f"{click.style(mark, fg=color)} {finding.what:<20} {finding.text}")
        if finding.hint:
            click.echo(f"{'':<23}{finding.hint}")
    if as_json:
        print_json(found)
    if broken:
        context.exit(1)
