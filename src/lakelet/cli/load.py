"""`lakelet load`: raw files into a table."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lakelet.cli.bar import bar_of_bytes
from lakelet.cli.context import as_json, current_workspace
from lakelet.cli.output import counted, number, print_json, print_table
from lakelet.cli.reading import interruptible, one_of, parse_given, reading_options
from lakelet.workspace.quantities import format_bytes

if TYPE_CHECKING:
    from lakelet.loading import LoadReport
    from lakelet.session import Workspace
    from lakelet.session.trial import Trial

__all__ = ("load",)

_WATCH_SECONDS = 1.0


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option("--into", required=True, metavar="SCHEMA.TABLE", help="The table; made when missing.")
@reading_options
@click.option("--key", default="", metavar="a,b", help="Merge by these columns; the last wins.")
@click.option("--on-changed", metavar="report|replace|fail", help="Files changed since loaded.")
@click.option("--watch", is_flag=True, help="Go on loading as files arrive, until Ctrl-C.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@as_json
def load(
    source: str, into: str, format_: str | None, hints: str, options: tuple[str, ...],
    evolve: str | None, key: str, on_changed: str | None, watch: bool, dry_run: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Load raw files into a Delta table, each exactly once.

    SOURCE is a file, a folder, a pattern, a volume path (raw:posts), or an s3:// or https:// URL.

    \b
    lakelet load files/posts --into bronze.posts
    lakelet load 'files/*.csv' --into bronze.prices --hints "price DECIMAL(18,2)"
    lakelet load raw:posts --into bronze.posts --key id --watch
    """
    workspace = current_workspace()
    given = parse_given(format_, options)

    def run(stop: Callable[[], bool]) -> LoadReport:
        with bar_of_bytes(workspace, enabled=not as_json) as progress:
            return workspace.load(
                source, into, hints=hints, options=given, evolve=one_of(evolve, "evolve"),
                key=[part.strip() for part in key.split(",") if part.strip()],
                on_changed=one_of(on_changed, "on-changed"), dry_run=dry_run, base=Path.cwd(),
                progress=progress, stop=stop,
            )  # fmt: skip

    def tried() -> Trial:
        return workspace.try_load(
            source, into, hints=hints, options=given, evolve=one_of(evolve, "evolve"),
            key=[part.strip() for part in key.split(",") if part.strip()], base=Path.cwd(),
        )  # fmt: skip

    with interruptible() as stop:
        if dry_run:
            _show(workspace, run(stop), as_json=as_json, trial=tried())
            return
        if not watch:
            _show(workspace, run(stop), as_json=as_json)
            return
        _watch(workspace, source, run, stop, as_json=as_json)


def _watch(
    workspace: Workspace, source: str, run: Callable[[Callable[[], bool]], LoadReport],
    stop: Callable[[], bool], *, as_json: bool,
) -> None:  # fmt: skip
    """Load what is there and what arrives, until asked to stop; a folder may be empty so far."""
    from lakelet.loading import NothingThereError

    first, told = True, set[str]()
    while first or not stop():
        if not first:
            time.sleep(_WATCH_SECONDS)
        try:
            report = run(stop)
            news = not told.issuperset(report.changed)
            if first or report.entries or report.left or news:
                _show(workspace, report, as_json=as_json)
            told = set(report.changed)
        except NothingThereError:
            if first and not as_json:
                click.echo(f"{source}: no file so far; waiting for some, until Ctrl-C.")
        first = False


def _show(
    workspace: Workspace, report: LoadReport, *, as_json: bool, trial: Trial | None = None
) -> None:
    if as_json:
        more = {} if trial is None else {"trial": asdict(trial)}
        print_json({**_as_dict(report), **more})
        return
    for decided in report.decided:
        click.echo(f"{decided}.")
    if report.dry_run:
        _show_dry_run(report)
        if trial is not None:
            _show_trial(trial)
        return
    if report.entries:
        _show_counts(report)
    elif not report.changed and not report.left:
        click.echo(f"{report.table}: nothing new ({counted(report.same, 'file')} loaded before).")
    _show_columns(report)
    _show_left(report)
    _show_next(report)


def _show_counts(report: LoadReport) -> None:
    made = "made" if report.created else "version " + str(report.version)
    files = sum(entry.state == "loaded" for entry in report.entries)
    text = f"{report.table} ({made}): {counted(report.kept, 'row')} from {counted(files, 'file')}"
    if report.same:
        text += f", {number(report.same)} loaded before"
    click.echo(text + ".")
    rows = [
        (e.found.name, e.kept, e.rescued, e.rejected, e.reason or e.state) for e in report.entries
    ]
    if len(rows) > 20:
        odd = [row for row in rows if row[2] or row[3] or row[4] != "loaded"]
        rows = odd[:20]
    if rows:
        print_table(("file", "kept", "rescued", "rejected", "state"), rows)


def _show_columns(report: LoadReport) -> None:
    if report.new_columns:
        kind = "Columns" if report.created else "New columns"
        click.echo(f"{kind}: {', '.join(f'{c.name} {c.type.sql}' for c in report.new_columns)}")
    for change in report.widened:
        click.echo(f"Widened: {change}")
    for left in report.not_widened:
        click.echo(f"Not widened: {left}; values that do not fit are rescued.")


def _show_left(report: LoadReport) -> None:
    for hint in report.unused_hints:
        click.echo(
            f"The hint {hint} matches no column so far; a file that comes later may have it."
        )
    if report.changed:
        click.echo(
            f"{counted(len(report.changed), 'file')} changed after being loaded and left alone: "
            f"{', '.join(report.changed[:5])}{' …' if len(report.changed) > 5 else ''}\n"
            "  --on-changed replace loads them in place of their earlier rows."
        )
    for name in report.left:
        click.echo(f"{name} changed while it was read; the next load takes it.")
    if report.interrupted:
        click.echo("Stopped early, as asked; the same command goes on.")


def _show_next(report: LoadReport) -> None:
    if report.rescued:
        click.echo(f"  lakelet rescued {report.table}    shows what fits no column")
    if report.rejected:
        click.echo(f"  lakelet rejected {report.table}   shows what was no record, and why")


def _show_dry_run(report: LoadReport) -> None:
    replaced = f" ({number(n)} in place of earlier rows)" if (n := len(report.replaced)) else ""
    click.echo(
        f"{report.table}: {counted(len(report.entries), 'file')} would be loaded{replaced}, "
        f"{number(report.same)} loaded already, {number(len(report.changed))} changed and left "
        "alone. Nothing was written."
    )
    _show_columns(report)
    _show_left(replace(report, changed=[]))
    for entry in report.quarantined:
        click.echo(f"{entry.found.name} would be set aside: {entry.reason}")


def _show_trial(trial: Trial) -> None:
    """What was seen on the beginning of the files."""
    if not trial.looked_at:
        return
    how = "looked at whole"
    if not trial.whole:
        how = f"of which {format_bytes(trial.looked_at)} were looked at"
    click.echo(
        f"{format_bytes(trial.bytes)}, {how}: {counted(trial.kept, 'row')} would be kept, "
        f"{number(trial.rescued)} of them with values that fit no column, "
        f"{number(trial.rejected)} rejected."
    )
    if trial.fields:
        print_table(
            ("rescued field", "rows", "samples"),
            [(one.path, one.count, " · ".join(one.samples)) for one in trial.fields],
        )
    if trial.rejects:
        print_table(
            ("file", "line", "rejected since", "text"),
            [(one["file"], one["line"], one["reason"], one["record"]) for one in trial.rejects],
        )
        if trial.rejected > len(trial.rejects):
            click.echo(f"… {number(trial.rejected - len(trial.rejects))} more")
    if trial.rows:
        print_table(trial.names, [tuple(row) for row in trial.rows])


def _as_dict(report: LoadReport) -> dict[str, object]:
    return {
        "table": report.table, "created": report.created, "version": report.version,
        "kept": report.kept, "rescued": report.rescued, "rejected": report.rejected,
        "same": report.same, "changed": report.changed, "replaced": report.replaced,
        "left": report.left, "interrupted": report.interrupted, "dry_run": report.dry_run,
        "new_columns": [{"name": c.name, "type": c.type.sql} for c in report.new_columns],
        "widened": report.widened, "not_widened": report.not_widened,
        "unused_hints": report.unused_hints, "decided": report.decided,
        "files": [
            {"file": e.found.name, "kept": e.kept, "rescued": e.rescued, "rejected": e.rejected,
             "state": e.state, "reason": e.reason}
            for e in report.entries
        ],
    }  # fmt: skip
