"""`lakelet jobs`: pipelines updated on a schedule, when files arrive, or when a table moves."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from lakelet.cli.context import as_json, current_workspace
from lakelet.cli.output import print_json, print_table, when
from lakelet.cli.reading import interruptible

__all__ = ("jobs",)


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def jobs(context: click.Context, as_json: bool) -> None:
    """List the jobs: what they wait for, when they are due, what became of them.

    \b
    lakelet jobs add forum --cron "0 6 * * *"
    lakelet jobs add forum --on-files
    lakelet jobs start
    """
    if context.invoked_subcommand is not None:
        return
    workspace = current_workspace()
    found = workspace.jobs()
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo('There are no jobs. `lakelet jobs add PIPELINE --cron "0 6 * * *"` adds one.')
        return
    zone = workspace.time_zone
    print_table(
        ("pipeline", "when", "next", "ran", "state"),
        [
            (
                j["pipeline"],
                j["trigger"],
                when(j["next"], zone),
                when(j["started"], zone),
                j["state"],
            )
            for j in found
        ],
    )  # fmt: skip


@jobs.command()
@click.argument("name", metavar="PIPELINE")
@click.option("--cron", default="", metavar='"M H D M W"', help="In the workspace's time zone.")
@click.option("--on-files", is_flag=True, help="When the files it reads change.")
@click.option("--on-table", default="", metavar="TABLE", help="When a table has a new version.")
def add(name: str, cron: str, on_files: bool, on_table: str) -> None:
    """Add a job to lakelet.toml."""
    current_workspace().add_job(name, cron=cron, on_files=on_files, on_table=on_table)
    click.echo(f"{name} has a job. `lakelet jobs start` runs it.")


@jobs.command()
@click.argument("name", metavar="PIPELINE")
def remove(name: str) -> None:
    """Take a job out of lakelet.toml."""
    current_workspace().remove_job(name)
    click.echo(f"{name} has no job any more.")


@jobs.command()
def start() -> None:
    """Run the jobs, in the foreground, until Ctrl-C."""
    from lakelet.pipelines.jobs.scheduler import Scheduler

    workspace = current_workspace()

    def say(text: str) -> None:
        click.echo(f"{when(datetime.now(UTC), workspace.time_zone)}  {text}")

    with interruptible() as stop:
        Scheduler(workspace.lake, say, stop).run()
