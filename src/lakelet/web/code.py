"""What a page shows, as code a person can paste and run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from lakelet.lake import TableName
from lakelet.lake.names import literal
from lakelet.lake.storage.url import without_secrets

__all__ = (
    "as_command",
    "as_name",
    "as_python",
    "as_sql",
    "identifier",
    "model_as_python",
    "run_as_python",
    "run_as_sql",
)


def as_command(arguments: Sequence[str]) -> str:
    """What a person types in a terminal."""
    return shlex.join(["lakelet", *arguments])


def as_python(name: TableName, at: str | None, version: str | None = None) -> str:
    """Python that reads the table as the page shows it."""
    moment = "" if at is None else f".at({at!r})"
    if version is not None and version.isdecimal():
        moment = f".at(version={version})"
    return f"import lakelet\n\nws = lakelet.open()\ntable = ws.table({str(name)!r}){moment}\n"


def as_sql(name: TableName, at: str | None, version: str | None = None) -> str:
    """SQL that reads the table as the page shows it."""
    parts = ".".join(identifier(part) for part in (name.schema, name.table))
    moment = "" if at is None else f" TIMESTAMP AS OF {literal(at)}"
    if version is not None and version.isdecimal():
        moment = f" VERSION AS OF {version}"
    return f"SELECT * FROM {parts}{moment} LIMIT 100"


def as_name(schema: str, table: str) -> str:
    """A table's name as commands and SQL take it."""
    return f"{identifier(schema)}.{identifier(table)}"


def run_as_python(run: str) -> str:
    """Python that finds a run."""
    return f"import lakelet\n\nws = lakelet.open()\nrun = ws.run_record({run!r})\n"


def run_as_sql(run: str) -> str:
    """SQL that finds a run."""
    return f"SELECT * FROM system.runs WHERE id = {literal(run)}"


def model_as_python(tracking: str, model: str) -> str:
    """Python that loads a registered model from where this workspace keeps runs."""
    where = without_secrets(tracking)
    return (
        f"import mlflow\n\nmlflow.set_tracking_uri({where!r})\n"
        f"model = mlflow.pyfunc.load_model({model!r})\n"
    )


def identifier(name: str) -> str:
    """A name as SQL has it, in backticks where it must be."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()
    return name if plain else "`" + name.replace("`", "``") + "`"
