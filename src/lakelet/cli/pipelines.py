"""`lakelet plan`, `update`, `updates`, `why` and `new`: pipelines from the command line."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from lakelet.cli.context import as_json, current_workspace
from lakelet.cli.output import counted, print_json, print_table, when
from lakelet.cli.update_tree import UpdateTree

if TYPE_CHECKING:
    from lakelet.pipelines import Plan, UpdateReport

__all__ = ("new", "plan", "stop", "take_over", "update", "updates", "why")

_WATCH_SECONDS = 1.0
_AS_DECIDED = ("published", "finished", "waiting", "skipped", "view")
"""States of a step that need no word beside what was decided for it."""


@click.command()
@click.argument("name", metavar="NAME")
@as_json
def plan(name: str, as_json: bool) -> None:
    """Say what an update of a pipeline would do, and why; nothing is done.

    Unknown tables and columns, types that do not fit and circles are told with file and line;
    so is what would stop the update: a version another program committed, a stream whose source
    had rows changed, files that are not there.

    \b
    lakelet plan forum
    """
    _tell_plan(current_workspace().plan(name), as_json=as_json)


def _tell_plan(found: Plan, *, as_json: bool) -> None:
    """Tell a plan; what would stop the update ends the command as the update would end."""
    print_json(_plan_dict(found)) if as_json else _show_plan(found)
    if found.stops:
        click.get_current_context().exit(1)


def _show_plan(found: Plan) -> None:
    print_table(
        ("dataset", "what", "why"),
        [(str(d.dataset.name), d.how, d.reason) for d in found.decisions],
    )
    for decision in found.decisions:
        if diff := decision.details.get("diff"):
            click.echo(f"\n{decision.dataset.name}:")
            for line in str(diff).splitlines():
                click.secho(f"  {line}", fg={"+": "green", "-": "red"}.get(line[:1]))
        if note := decision.details.get("note"):
            click.echo(f"{decision.dataset.name}: {note}.")
        if changed := decision.details.get("changed"):
            click.echo(f"{decision.dataset.name}: {counted(len(changed), 'file')} changed since.")
    for table in found.abandoned:
        click.echo(
            f"{table} is abandoned: no file declares it any more. It stays readable; "
            "lakelet update … --drop-abandoned drops it, recoverably."
        )
    for stop in found.stops:
        click.echo(click.style("An update would stop: ", fg="red", bold=True) + str(stop), err=True)


def _plan_dict(found: Plan) -> dict[str, Any]:
    return {
        "datasets": [
            {
                "dataset": str(d.dataset.name), "kind": d.dataset.kind, "how": d.how,
                "reason": d.reason, "place": str(d.dataset.place), **d.details,
            }
            for d in found.decisions
        ],
        "abandoned": [str(name) for name in found.abandoned],
        "stops": [{"error": stop.message, "hint": stop.hint} for stop in found.stops],
    }  # fmt: skip


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--only", multiple=True, metavar="DATASET", help="Run these datasets only.")
@click.option(
    "--full-refresh", "refresh", is_flag=False, flag_value="*", multiple=True, metavar="[DATASET]",
    help="Make anew, whatever changed; all datasets without a name.",
)  # fmt: skip
@click.option("--even-if-lost", is_flag=True, help="Also where something cannot be read again.")
@click.option("--drop-abandoned", is_flag=True, help="Drop tables no file declares any more.")
@click.option("--adopt", is_flag=True, help="Show what another program committed to its tables.")
@click.option("--discard", is_flag=True, help="Put such tables back to what was published.")
@click.option("--dry-run", is_flag=True, help="As `lakelet plan`.")
@click.option("--watch", is_flag=True, help="Update again as inputs change, until Ctrl-C.")
@as_json
def update(
    name: str, only: tuple[str, ...], refresh: tuple[str, ...], even_if_lost: bool,
    drop_abandoned: bool, adopt: bool, discard: bool, dry_run: bool, watch: bool, as_json: bool,
) -> None:  # fmt: skip
    """Bring a pipeline's tables up to date and publish them together, or not at all.

    \b
    lakelet update forum
    lakelet update forum --only posts --only by_forum
    lakelet update forum --full-refresh posts
    """
    workspace = current_workspace()
    if adopt and discard:
        raise click.UsageError("--adopt and --discard exclude one another.")
    foreign = "adopt" if adopt else "discard" if discard else "stop"
    if dry_run:
        found = workspace.plan(
            name, only=only, full_refresh=refresh, even_if_lost=even_if_lost, foreign=foreign
        )
        _tell_plan(found, as_json=as_json)
        return
    while True:
        tree = UpdateTree(enabled=not as_json)
        report = tree.watch(
            workspace.update, name, only=only, full_refresh=refresh, even_if_lost=even_if_lost,
            drop_abandoned=drop_abandoned, listen=tree.see,
            foreign=foreign,
        )  # fmt: skip
        _show_update(report, tree, as_json=as_json, quiet=watch)
        if not watch:
            return
        refresh = ()
        try:
            time.sleep(_WATCH_SECONDS)
        except KeyboardInterrupt:
            return


def _show_update(report: UpdateReport, tree: UpdateTree, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        print_json(
            {
                "pipeline": report.pipeline, "update": report.update,
                "published": report.published,
                "datasets": [
                    {
                        "dataset": str(d.dataset), "how": d.how, "reason": d.reason,
                        "state": d.state, "rows": d.rows, "kept": d.kept, "dropped": d.dropped,
                        "rejected": d.rejected, "broken": d.broken,
                        "seconds": round(d.seconds, 3), "message": d.message,
                        "changed": list(d.changed),
                    }
                    for d in report.datasets
                ],
                "abandoned": [str(name) for name in report.abandoned],
                "dropped": [str(name) for name in report.dropped],
                "adopted": [str(name) for name in report.adopted],
                "discarded": [str(name) for name in report.discarded],
            }
        )  # fmt: skip
        return
    for table in report.adopted:
        click.echo(f"{table}: what another program committed is shown now.")
    for table in report.discarded:
        click.echo(f"{table}: what another program committed is undone.")
    if report.update is not None:
        tree.finish(report)
    elif report.adopted or report.discarded:
        click.echo(f"{report.pipeline}: nothing else to do.")
    elif not quiet:
        click.echo(f"{report.pipeline}: nothing to do; nothing was committed.")
    if not (quiet and report.update is None):
        _show_changed(report)
    if report.update is None:
        return
    for table in report.dropped:
        click.echo(f"{table} is dropped; UNDROP TABLE {table} brings it back.")
    for table in report.abandoned:
        click.echo(f"{table} is abandoned; --drop-abandoned drops it.")
    dropped = sum(d.dropped + d.rejected for d in report.datasets)
    if dropped:
        names = [str(d.dataset) for d in report.datasets if d.dropped or d.rejected]
        click.echo(f"  lakelet rejected {names[0]}   shows rows that were rejected, and why")


def _show_changed(report: UpdateReport) -> None:
    for one in report.datasets:
        if one.changed:
            click.echo(
                f"{one.dataset}: {counted(len(one.changed), 'file')} changed after being "
                f"taken, and the rows stay as they were ({one.changed[0]}"
                f"{', …' if len(one.changed) > 1 else ''}); --full-refresh {one.dataset} takes "
                "everything anew."
            )


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--id", "update_id", type=int, help="The events of one update.")
@as_json
def updates(name: str | None, update_id: int | None, as_json: bool) -> None:
    """List the updates of a pipeline, or of all; the newest first.

    \b
    lakelet updates
    lakelet updates forum
    lakelet updates --id 3
    """
    workspace = current_workspace()
    if update_id is not None:
        events = workspace.events(update_id)
        if as_json:
            print_json(events)
            return
        if not events:
            raise click.UsageError(f"there is no update {update_id}.")
        print_table(
            ("time", "dataset", "what", "message"),
            [
                (when(e["time"], workspace.time_zone), e["dataset"] or "", e["kind"], e["message"])
                for e in events
            ],
        )
        return
    found = workspace.updates(name)
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("There was no update yet.")
        return
    print_table(
        ("update", "pipeline", "state", "began", "seconds", "what"),
        [
            (
                u["update"], u["pipeline"], u["state"], when(u["started"], workspace.time_zone),
                f"{(u['ended'] - u['started']).total_seconds():.1f}" if u["ended"] else "",
                u["message"] or "",
            )
            for u in found
        ],
    )  # fmt: skip


@click.command()
@click.argument("name", metavar="NAME")
@click.argument("dataset", metavar="DATASET")
@as_json
def why(name: str, dataset: str, as_json: bool) -> None:
    """Say why a dataset ran, or did not, update by update; the newest first.

    \b
    lakelet why forum posts
    """
    workspace = current_workspace()
    found = workspace.why(name, dataset)
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo(f"{dataset} was in no update of {name} yet.")
        return
    for one in found:
        rows = "" if one["kept"] is None else f", {counted(one['kept'], 'row')}"
        took = "" if one["seconds"] is None else f" in {one['seconds']:.2f} s"
        moment = when(one["time"], workspace.time_zone)
        how = one["how"] + ("" if one["state"] in _AS_DECIDED else f", {one['state']}")
        click.echo(f"update {one['update']}, {moment}: {how}{rows}{took}")
        click.echo(f"  {one['reason']}")
        if one["choice"]:
            click.echo(f"  {one['choice']}")
        if saved := _saved(one):
            click.secho(f"  {saved}", dim=True)
        for line in str(one["diff"] or "").splitlines():
            click.secho(f"    {line}", fg={"+": "green", "-": "red"}.get(line[:1]))


def _saved(one: dict[str, Any]) -> str:
    """What an update of a dataset saved, in words; '' where it is not known, or nothing."""
    if not one["saved_seconds"] or one["saved_seconds"] < 0:
        return ""
    rows = f"{counted(one['saved_rows'], 'row')} and " if one["saved_rows"] else ""
    return f"saved {rows}{one['saved_seconds']:.2f} s against computing all of it"


@click.command()
@click.argument("name", metavar="NAME")
def stop(name: str) -> None:
    """Stop the running update of a pipeline, as Ctrl-C in its terminal does.

    Nothing of it is published; what it made so far is used by the next update.

    \b
    lakelet stop forum
    """
    number = current_workspace().stop_update(name)
    click.echo(f"Update {number} of {name} is asked to end; nothing of it is published.")


@click.command("take-over")
def take_over() -> None:
    """Let this workspace update the lake, in the place of another one that did.

    A lake is updated by one workspace; others may read it.

    \b
    lakelet take-over
    """
    workspace = current_workspace()
    workspace.take_over()
    click.echo(f"{workspace.lake.root} is updated by this workspace from now on.")


@click.command()
@click.argument("what", metavar="pipeline", type=click.Choice(["pipeline"]))
@click.argument("name", metavar="NAME")
def new(what: str, name: str) -> None:
    """Make a new pipeline from a template.

    \b
    lakelet new pipeline forum
    """
    made = current_workspace().new_pipeline(name)
    click.echo(f"{made} is there. Edit it, then: lakelet plan {name}")
    sys.stdout.flush()
