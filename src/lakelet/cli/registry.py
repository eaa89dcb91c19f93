"""`lakelet registry`: MLflow's registered models, their versions and aliases."""

from __future__ import annotations

from typing import Any

import click

from lakelet.cli.context import as_json, current_workspace
from lakelet.cli.output import print_json, print_table, when
from lakelet.errors import CommandError

__all__ = ("registry",)


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--alias", "aliases", multiple=True, metavar="ALIAS=VERSION",
              help="Let an alias mean a version, whichever it meant before.")  # fmt: skip
@click.option("--drop-alias", "off", multiple=True, metavar="ALIAS", help="Take an alias off.")
@as_json
def registry(
    name: str | None, aliases: tuple[str, ...], off: tuple[str, ...], as_json: bool
) -> None:
    """List registered models, or the versions of one; move its aliases.

    `lakelet run RUN --register NAME` registers a model that a run kept. Code finds one by its
    alias: `mlflow.pyfunc.load_model("models:/NAME@ALIAS")`.

    \b
    lakelet registry
    lakelet registry spam-filter
    lakelet registry spam-filter --alias champion=3
    lakelet registry spam-filter --drop-alias champion
    """
    workspace = current_workspace()
    if name is None:
        if aliases or off:
            raise click.UsageError("say which registered model: lakelet registry NAME --alias …")
        found = workspace.registered_models()
        if as_json:
            print_json([{"name": one.name, "versions": len(one.versions), "aliases": one.aliases}
                        for one in found])  # fmt: skip
        elif found:
            print_table(
                ("name", "newest", "aliases"),
                [(one.name, one.versions[0].version if one.versions else "", _told(one.aliases))
                 for one in found],
            )  # fmt: skip
        else:
            click.echo("No model is registered. `lakelet run RUN --register NAME` registers one "
                       "that a run kept.")  # fmt: skip
        return
    for alias, version in [_pair(text) for text in aliases]:
        workspace.set_alias(name, alias, version)
    for alias in off:
        workspace.drop_alias(name, alias)
    models = workspace.registered_models(name)
    if not models:
        raise CommandError(f"no model is registered as {name!r}.", hint="`lakelet registry` lists "
                           "the names there are.")  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"version": one.version, "made": one.made, "run": one.run, "source": one.source,
         "aliases": one.aliases}
        for one in models[0].versions
    ]  # fmt: skip
    if as_json:
        print_json([{**row, "made": row["made"].isoformat()} for row in rows])
        return
    print_table(
        ("version", "registered", "run", "aliases", "source"),
        [(row["version"], when(row["made"], workspace.time_zone), row["run"][:8],
          ", ".join(row["aliases"]), row["source"]) for row in rows],
    )  # fmt: skip


def _told(aliases: dict[str, int]) -> str:
    return ", ".join(f"{alias} {version}" for alias, version in aliases.items())


def _pair(text: str) -> tuple[str, int]:
    alias, equals, version = text.partition("=")
    if not equals or not version.isdecimal():
        raise click.BadParameter(f"{text!r} is no ALIAS=VERSION, such as champion=3.")
    return alias, int(version)
