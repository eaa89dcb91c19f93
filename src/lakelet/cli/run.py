"""`lakelet run`: one run renamed, moved, tagged, archived or brought back; its model registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lakelet.cli.context import current_workspace
from lakelet.cli.output import counted
from lakelet.workspace.quantities import format_bytes

if TYPE_CHECKING:
    from lakelet.runs.index.reading import RunRecord
    from lakelet.session import Workspace

__all__ = ("run",)


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--rename", metavar="NAME", help="Give it another name; its folder stays.")
@click.option("--move", metavar="FOLDER", help="Move it to another folder.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="Give it a tag.")
@click.option("--untag", "off", multiple=True, metavar="NAME", help="Take a tag off.")
@click.option("--register", metavar="NAME", help="Register its model under a name.")
@click.option("--model", metavar="MODEL", help="With --register: which of its models.")
@click.option("--alias", metavar="ALIAS", help="With --register: let this alias mean it.")
@click.option("--archive", is_flag=True, help="Put it away; its pins hold nothing any more.")
@click.option("--restore", is_flag=True, help="Bring it back.")
@click.option("--dry-run", is_flag=True, help="With --archive: say what would be un-pinned.")
def run(
    run: str, rename: str | None, move: str | None, tags: tuple[str, ...], off: tuple[str, ...],
    register: str | None, model: str | None, alias: str | None, archive: bool, restore: bool,
    dry_run: bool,
) -> None:  # fmt: skip
    """Change one run: its name, folder or tags; register its model; put it away, or bring it back.

    A run that is put away is deleted in MLflow's words: MLflow's interface and `mlflow gc` know it
    as that.

    \b
    lakelet run baselines/logistic --rename lr-small
    lakelet run 3b28400d --move papers/one --tag reviewed=yes
    lakelet run 3b28400d --register spam-filter --alias champion
    lakelet run 3b28400d --archive --dry-run
    lakelet run 3b28400d --restore
    """
    if sum((archive, restore, bool(register), bool(rename or move or tags or off))) != 1:
        raise click.UsageError(
            "say one thing to do: --rename, --move, --tag and --untag go together, --register, "
            "--archive and --restore alone."
        )
    if (model or alias) and not register:
        raise click.UsageError("--model and --alias go with --register.")
    if dry_run and not archive:
        raise click.UsageError("--dry-run goes with --archive.")
    pairs = dict(tag.partition("=")[::2] for tag in tags)
    workspace = current_workspace()
    if restore:
        workspace.restore_run(run)
        click.echo(f"{run} is back.")
        return
    # The name may change on the way; the id does not.
    found = workspace.run_record(run)
    if register:
        _register(workspace, found, register, model or "", alias)
        return
    if archive:
        _archive(workspace, found, dry_run=dry_run)
        return
    if rename:
        workspace.rename_run(found.id, rename)
    if move:
        workspace.move_run(found.id, move)
    if pairs:
        workspace.tag_run(found.id, pairs)
    if off:
        workspace.untag_run(found.id, off)
    now = workspace.run_record(found.id)
    said = {k: v for k, v in now.tags.items() if not k.startswith(("mlflow.", "lakelet."))}
    click.echo(f"{now.full_name} {now.id[:8]}, {counted(len(said), 'tag')}"
               + "".join(f", {k}={v}" for k, v in sorted(said.items())) + ".")  # fmt: skip


def _register(
    workspace: Workspace, found: RunRecord, name: str, model: str, alias: str | None
) -> None:
    version = workspace.register_model(found.id, name, model=model, alias=alias or "")
    click.echo(f"It is {name} version {version}{f', and {alias}' if alias else ''}.")


def _archive(workspace: Workspace, found: RunRecord, *, dry_run: bool) -> None:
    for one in workspace.unpinned_by(found.id):
        click.echo(
            f"{one.table} version {one.version} {'would be' if dry_run else 'is'} held for no "
            f"run any more: {format_bytes(one.bytes)} that only it needs."
        )
    if dry_run:
        click.echo("Nothing was changed.")
        return
    workspace.archive_run(found.id)
    click.echo(f"{found.full_name} is archived; `lakelet run {found.id[:8]} --restore` brings "
               "it back.")  # fmt: skip
