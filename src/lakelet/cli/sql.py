"""`lakelet sql`: statements one after another, each result in the form asked for."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakelet.cli.context import current_workspace, words

if TYPE_CHECKING:
    from lakelet.engines.dialect.splitting import Piece
    from lakelet.session.result import Result

__all__ = ("sql",)

_FORMS = ("table", "json", "jsonl", "csv", "parquet", "markdown")
_SHOWN = 200
_LONGEST = 60


@click.command()
@click.argument("text", metavar='["…"]', required=False)
@click.option("-f", "--file", "file", type=click.Path(path_type=Path), help="SQL from a file.")
@click.option(
    "--as", "form", metavar="|".join(_FORMS), help="The form of the result.",
    shell_complete=words(*_FORMS),
)  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write it to a file.")
@click.option("--at", metavar="TIMESTAMP", help="Read all tables as of that moment.")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Value of :NAME.")
@click.option(
    "--dialect", metavar="databricks|duckdb", help="Otherwise as lakelet.toml says.",
    shell_complete=words("databricks", "duckdb"),
)  # fmt: skip
def sql(
    text: str | None, file: Path | None, form: str | None, output: Path | None,
    at: str | None, params: tuple[str, ...], dialect: str | None,
) -> None:  # fmt: skip
    """Run SQL queries and statements over the tables of the lake.

    Several, with ; between them, run one after another; the first that fails ends them.

    \b
    lakelet sql "SELECT forum, count(*) FROM bronze.posts GROUP BY ALL"
    lakelet sql "SELECT * FROM bronze.posts VERSION AS OF 3" --as jsonl
    lakelet sql "DELETE FROM bronze.posts WHERE id = :id" --param id=7
    lakelet sql -f report.sql --at 2026-11-01T12:00 --as csv -o report.csv
    echo "SELECT 1" | lakelet sql
    """
    form = form or (_form_of(output) if output else "table")
    if form not in _FORMS:
        raise click.UsageError(f"--as is one of {', '.join(_FORMS)}.")
    if dialect not in (None, "databricks", "duckdb"):
        raise click.UsageError("--dialect is databricks or duckdb.")
    if form == "parquet" and output is None:
        raise click.UsageError("--as parquet needs -o FILE.")
    if output is not None and output.is_dir():
        raise click.UsageError(f"-o {output} is a folder; nothing was run. Name a file in it.")
    if output is not None and not output.parent.is_dir():
        raise click.UsageError(
            f"-o {output}: there is no folder {output.parent}; nothing was run. mkdir makes it."
        )
    named: dict[str, Any] = dict(map(_split, params))
    statement = _statement(text, file)
    _tell_unused(named, statement)
    workspace = current_workspace()
    from lakelet.engines.dialect.splitting import split_statements

    workspace.source = "command line"
    workspace.say = lambda text: click.echo(text, err=True)
    spoken: Any = dialect or workspace.folder.settings.sql.dialect
    pieces = split_statements(statement, spoken)
    if len(pieces) > 1 and output is not None:
        raise click.UsageError(
            f"-o takes the result of one statement, and here are {len(pieces)}; nothing was run."
        )
    texts = [piece.text for piece in pieces] if len(pieces) > 1 else [statement]
    for number, text in enumerate(texts, 1):
        if number > 1 and form == "table":
            click.echo()
        with _told(pieces, number):
            result = workspace.sql(text, named, at=at, dialect=spoken)
            for warning in result.warnings:
                click.echo(click.style("Warning: ", fg="yellow") + warning, err=True)
            _write(result, form, output)


@contextmanager
def _told(pieces: Sequence[Piece], number: int) -> Iterator[None]:
    """Say of a failure in the body which of several statements it is, and what became of others."""
    from lakelet.errors import LakeletError

    try:
        yield
    except LakeletError as error:
        if len(pieces) > 1:
            piece = pieces[number - 1]
            error.say(
                f"statement {number} of {len(pieces)} (line {piece.line}: "
                f"{_short(piece.first_line)}) failed: {error.message}\n"
                f"{_others(number - 1, len(pieces) - number)}"
            )
        raise


def _others(before: int, after: int) -> str:
    done = "The one before it is done, and stays." if before == 1 else (
        f"The {before} before it are done, and stay." if before else "Nothing was done before it."
    )  # fmt: skip
    left = "The one after it was not run." if after == 1 else (
        f"The {after} after it were not run." if after else ""
    )  # fmt: skip
    return f"{done} {left}".rstrip()


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _tell_unused(named: dict[str, Any], statement: str) -> None:
    for name in named:
        if not re.search(rf"[:$]{re.escape(name)}\b", statement):
            click.echo(
                f"{click.style('Warning: ', fg='yellow')}--param {name} is not used: the SQL has "
                f"no :{name}.",
                err=True,
            )


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--param {text}: write NAME=VALUE.")
    return name, value


def _statement(text: str | None, file: Path | None) -> str:
    if text is not None and file is not None:
        raise click.UsageError("give the SQL as text or with -f, not both.")
    if text == "-" or (text is None and file is None and not sys.stdin.isatty()):
        return sys.stdin.read()
    if file is not None:
        try:
            return file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise click.UsageError(
                f"{file} is not text in UTF-8 (byte {error.start + 1}); nothing was run."
            ) from None
        except OSError as error:
            raise click.UsageError(f"{file} cannot be read: {error.strerror}.") from None
    if text is None:
        raise click.UsageError("give the SQL as text, with -f FILE, or on standard input.")
    return text


def _form_of(output: Path) -> str:
    endings = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv",
               ".parquet": "parquet", ".md": "markdown"}  # fmt: skip
    return endings.get(output.suffix.lower(), "table")


def _write(result: Result, form: str, output: Path | None) -> None:
    from lakelet.cli.forms import write_form

    if output is None and form == "table":
        _show(result)
        return
    write_form(result, form, output)
    if output is not None:
        click.echo(f"Wrote {output}.", err=True)


def _show(result: Result) -> None:
    from lakelet.cli.output import counted, number, print_table

    rows, count = result.first(_SHOWN)
    if result.columns == ["status"] and not rows:
        click.echo("Done.")
        return
    headers = sum(map(len, result.columns)) + 2 * len(result.columns)
    if count == 1 and headers > shutil.get_terminal_size((100, 24)).columns:
        # The names of a single row's columns matter more than that it stands on one line.
        print_table(("column", "value"), list(zip(result.columns, rows[0], strict=True)))
        return
    print_table(result.columns, rows)
    if count > _SHOWN:
        click.echo(f"… the first {_SHOWN} of {number(count)} rows; --as csv writes them all.")
    elif count != 1:
        click.echo(counted(count, "row"))
