"""`lakelet rerun`: a run again, with its code and data as they were."""

from __future__ import annotations

import click

from lakelet.cli.context import current_workspace
from lakelet.cli.output import print_table

__all__ = ("rerun",)


@click.command()
@click.argument("run", metavar="RUN")
@click.pass_context
def rerun(context: click.Context, run: str) -> None:
    """Run a run again: its commit and saved changes, its command, the versions it read.

    The code is checked out under .lakelet for the while. Tables are read at the versions the run
    read; what it writes is written anew. What can no longer be matched is said first: packages,
    machine, files. At the end the new run is compared with the old one.

    \b
    lakelet rerun 3b28400d
    lakelet rerun baselines/logistic
    """
    workspace = current_workspace()
    old, code = workspace.rerun(run, say=click.echo)
    new = [one for one in workspace.runs(where=f"tags.`lakelet.repeats` = '{old.id}'")
           if one.full_name == old.full_name]  # fmt: skip
    if not new:
        click.echo("\nThe command started no run of that name.")
        context.exit(code or 1)
    found = workspace.compare(old.id, new[0].id)
    click.echo(f"\nThe run {new[0].id[:8]} repeats {old.id[:8]}.")
    told = [d for d in found.differences if d.section in ("params", "metrics", "inputs", "code")]
    if told:
        print_table(
            ("", "", f"then {old.id[:8]}", f"now {new[0].id[:8]}"),
            [(d.section, d.name, *("" if v is None else v for v in d.values)) for d in told],
        )
    else:
        click.echo("Parameters, metrics, inputs and code are the same.")
    context.exit(code)
