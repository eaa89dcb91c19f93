"""What is said of a table, and what it holds its rows to: comments, tags, constraints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lakelet.errors import CommandError, LakeletError
from lakelet.lake import TableName
from lakelet.session.table import Table
from lakelet.web.acts import Act, Done, add_act
from lakelet.web.answer import add_page
from lakelet.web.failure import RequestError
from lakelet.web.links import table_path
from lakelet.web.room import Room
from lakelet.web.rooms.table_head import Head, TableHead
from lakelet.web.statements import (
    DIALECT,
    add_check,
    as_sql_command,
    comment_on,
    drop_check,
    set_tags,
    unset_tags,
)

__all__ = ("refuse_nameless", "refuse_other", "router", "table_of")

router = Room(["table"])
_COLUMNS = 500
_TAGS = 60


@dataclass(frozen=True)
class Changing:
    """What can be changed of a table that is not its rows.

    Attributes:
        head: the table, with its comments, tags and constraints.
        most: columns that have a field at once.
    """

    head: Head
    most: int


def changing(head: TableHead) -> Changing:
    """Comments, tags and constraints of a table, to be changed."""
    return Changing(head, _COLUMNS)


def table_of(act: Act) -> Table:
    """The table an act is about."""
    return act.workspace.table(TableName.of(act.where["schema"], act.where["table"]))


def refuse_other(
    table: Table, seen: str, told: Callable[[dict[str, Any]], Any] | None = None
) -> None:
    """Refuse an act where the table is not what its page showed any more.

    Args:
        table: the table.
        seen: the version the page showed.
        told: what the page showed of a description; that may be equal though the version is not:
            a load changes no comment.

    Raises:
        RequestError: it has come to another version.
    """
    now = table.version
    if seen == str(now):
        return
    if (
        told is not None
        and seen.isdecimal()
        and told(table.at(version=int(seen)).describe()) == told(table.describe())
    ):
        return
    raise RequestError(
        409, "changed", f"{table.name} has come to version {now} since this page was made; nothing "
        "was changed.", "look at it as it is now.",
    )  # fmt: skip


def _run(act: Act, table: Table, statements: Sequence[str], said: str) -> Done:
    """Run statements one after the other; what was done before one that fails is told."""
    if not statements:
        raise CommandError("nothing was changed: all of it is as it was.")
    before, done = table.version, list[str]()
    for statement in statements:
        try:
            act.workspace.sql(statement, dialect=DIALECT)
        except LakeletError as error:
            told = f" Done before it: {'; '.join(done)}." if done else ""
            raise CommandError(f"{error.message}{told}", hint=error.hint) from None
        done.append(statement)
    name = table.qualified
    # A pipeline's table is not gone back with by hand.
    undo = f"{table_path(name, 'restore')}?to={before}"
    return Done(
        f"{said} That is version {table.version}.", table_path(name, "change"),
        "\n".join(as_sql_command(act.workspace, one) for one in statements),
        "" if table.brief()["pipeline"] else undo,
    )  # fmt: skip


def _comments(told: dict[str, Any]) -> Any:
    return told["comment"], [(one["name"], one["comment"]) for one in told["columns"]]


def comments(act: Act) -> Done:
    """Change the comments of a table and of its columns."""
    table = table_of(act)
    refuse_other(table, act.one("seen"), _comments)
    facts = table.describe()
    known = {one["name"]: one["comment"] for one in facts["columns"]}
    name, statements = table.qualified, list[str]()
    if "comment" in act.form and act.one("comment") != (facts["comment"] or "").strip():
        statements.append(comment_on(name, None, act.one("comment")))
    for number in range(_COLUMNS):
        column = act.form.get(f"column-{number}", [""])[0]
        if column in known and act.one(f"comment-{number}") != (known[column] or "").strip():
            statements.append(comment_on(name, column, act.one(f"comment-{number}")))
    return _run(act, table, statements, f"The comments of {table.name} are as given.")


def tags(act: Act) -> Done:
    """Give a table tags, and take some off."""
    table = table_of(act)
    refuse_other(table, act.one("seen"), lambda told: told["tags"])
    now = table.describe()["tags"]
    given, off = dict[str, str](), list[str]()
    for number in range(_TAGS):
        tag, value = act.one(f"tag-{number}"), act.one(f"value-{number}")
        refuse_nameless(tag, value)
        if tag in now and f"off-{number}" in act.form:
            off.append(tag)
        elif tag and now.get(tag) != value:
            given[tag] = value
    name, statements = table.qualified, list[str]()
    if off:
        statements.append(unset_tags(name, off))
    if given:
        statements.append(set_tags(name, given))
    return _run(act, table, statements, f"The tags of {table.name} are as given.")


def refuse_nameless(tag: str, value: str) -> None:
    """Refuse a value that was typed without the name of its tag.

    Raises:
        CommandError: there is no name.
    """
    if value and not tag:
        raise CommandError(
            f"{value!r} is the value of no tag; nothing was changed.",
            hint="write the tag's name beside it.",
        )


def constraint(act: Act) -> Done:
    """Add a constraint, or drop one; the first is refused where rows break it."""
    table = table_of(act)
    refuse_other(table, act.one("seen"), lambda told: told["constraints"])
    gone, name = act.one("drop"), act.one("name")
    if gone:
        statement, said = drop_check(table.qualified, gone), f"The constraint {gone} is dropped."
    elif not name or not act.one("condition"):
        raise CommandError("a constraint has a name and a condition; nothing was changed.")
    else:
        statement = add_check(table.qualified, name, act.one("condition"))
        said = f"Every row of {table.name} meets {name}, and no other can be written."
    return _run(act, table, [statement], said)


_PATH = "/tables/{schema}/{table}/change"
add_page(router, _PATH, "table/change.html", changing)
for act in (comments, tags, constraint):
    add_act(router, f"{_PATH}/{act.__name__}", act)
