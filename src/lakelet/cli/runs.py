"""`lakelet runs`: the runs of a workspace, without MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lakelet.cli.context import as_json, current_workspace
from lakelet.cli.output import counted, print_json, print_table, when

if TYPE_CHECKING:
    from lakelet.runs.index.reading import RunRecord

__all__ = ("runs",)

_COLUMNS = 4
"""As many metrics and parameters have columns in a terminal."""


@click.command()
@click.argument("folder", metavar="[FOLDER]", required=False, default="")
@click.option("--where", default="", metavar="CONDITION", help="Only runs of which this is true.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many.")
@click.option("--archived", is_flag=True, help="Those that were archived.")
@as_json
def runs(folder: str, where: str, limit: int, archived: bool, as_json: bool) -> None:
    """List runs, the newest first.

    A run that was killed is marked so, and what it read is told to MLflow.

    \b
    lakelet runs
    lakelet runs baselines --where "metrics.f1 > 0.8 and params.model = 'logistic'"
    lakelet runs --where 'inputs."gold.problems" = 12 or status = "FAILED"'
    """
    workspace = current_workspace()
    if archived:
        away = workspace.archived_runs()
        if as_json:
            print_json([{"id": one[0], "folder": one[1], "name": one[2]} for one in away])
        elif away:
            print_table(("run", "name"), [(one[0][:8], f"{one[1]}/{one[2]}") for one in away])
        else:
            click.echo("No run was archived.")
        return
    behind = workspace.refresh_runs(complete=True)
    found = workspace.runs(folder, where=where, limit=limit)
    if behind:
        click.echo(f"What follows may be old: {behind}.", err=True)
    if as_json:
        print_json([run_as_dict(run) for run in found])
        return
    if not found:
        click.echo(
            "No runs meet that."
            if folder or where
            else 'No runs yet. In Python, `with ws.run("baselines/first") as run:` starts one.'
        )
        return
    from lakelet.runs.telling import telling_names

    params = telling_names(found, "params", _COLUMNS)
    metrics = telling_names(found, "metrics", _COLUMNS)
    print_table(
        ("run", "name", "status", "started", "seconds", *metrics, *params, "inputs"),
        [
            (
                run.id[:8], run.full_name, run.status.lower(),
                when(run.started, workspace.time_zone),
                "" if run.seconds is None else round(run.seconds, 1),
                *(_short(run.metrics.get(name, "")) for name in metrics),
                *(run.params.get(name, "") for name in params),
                _inputs(run),
            )
            for run in found
        ],
    )  # fmt: skip
    if len(found) == limit:
        click.echo(f"\nThe newest {counted(limit, 'run')}; --limit shows more.")


def run_as_dict(run: RunRecord) -> dict[str, Any]:
    """A run for programs."""
    return {
        "id": run.id, "folder": run.folder, "name": run.name, "status": run.status,
        "started": run.started, "ended": run.ended, "seconds": run.seconds, "user": run.user,
        "artifacts": None if run.artifacts is None else str(run.artifacts),
        "params": run.params, "metrics": run.metrics, "tags": run.tags,
        "inputs": [
            {"kind": i.kind, "name": i.name, "version": i.version, "digest": i.digest,
             "named": i.named}
            for i in run.inputs
        ],
    }  # fmt: skip


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _inputs(run: RunRecord) -> str:
    tables = [f"{i.name}@{i.version}" for i in run.inputs if i.version is not None]
    tables += [i.name for i in run.inputs if i.kind == "model"]
    files = sum(i.version is None and i.kind != "model" for i in run.inputs)
    return ", ".join(tables + ([counted(files, "file")] if files else []))
