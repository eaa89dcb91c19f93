"""`lakelet compare`: what differs between runs."""

from __future__ import annotations

import click

from lakelet.cli.context import as_json, current_workspace
from lakelet.cli.output import counted, print_json, print_table

__all__ = ("compare",)


@click.command()
@click.argument("runs", metavar="RUN RUN…", nargs=-1, required=True)
@as_json
def compare(runs: tuple[str, ...], as_json: bool) -> None:
    """Say what differs between runs: parameters, metrics, inputs, code, packages.

    A run is named by its id, the first letters of it, or folder/name for the newest of that name.

    \b
    lakelet compare 3b28400d 7a546afd
    lakelet compare baselines/logistic baselines/forest
    """
    if len(runs) < 2:
        raise click.UsageError("name two runs or more; `lakelet runs` lists them.")
    found = current_workspace().compare(*runs)
    if as_json:
        print_json(
            {
                "runs": [{"id": r.id, "folder": r.folder, "name": r.name} for r in found.runs],
                "differences": [
                    {"section": d.section, "name": d.name, "values": list(d.values)}
                    for d in found.differences
                ],
                "same": found.same,
            }
        )
        return
    titles = [f"{run.full_name} {run.id[:8]}" for run in found.runs]
    if found.differences:
        print_table(
            ("", "", *titles),
            [(d.section, d.name, *("" if v is None else v for v in d.values))
             for d in found.differences],
        )  # fmt: skip
    else:
        click.echo("Nothing differs.")
    same = [counted(n, *_SAME[section]) for section, n in found.same.items() if n]
    if same:
        click.echo(f"\nThe same: {', '.join(same)}.")


_SAME = {
    "params": ("parameter",), "metrics": ("metric",), "inputs": ("input",),
    "code": ("part of the code", "parts of the code"), "packages": ("package",),
    "machine": ("fact of the machine", "facts of the machine"),
    "command": ("part of the command line", "parts of the command line"), "tags": ("tag",),
}  # fmt: skip
