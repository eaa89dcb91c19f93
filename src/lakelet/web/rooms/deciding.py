"""Decisions about surprising fields: what each would do, and doing them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from fastapi import Query, Request

from lakelet.errors import CommandError, LakeletError
from lakelet.lake import TableName
from lakelet.loading.proposal import Proposal
from lakelet.loading.shape import METADATA, RESCUED
from lakelet.session.inbox import Waiting, inbox
from lakelet.session.table import Table
from lakelet.web.acts import Act, Done, add_act
from lakelet.web.answer import Open, add_page
from lakelet.web.code import as_command
from lakelet.web.links import table_path
from lakelet.web.room import Room
from lakelet.web.rooms.table_head import Head, Pinned, TableHead
from lakelet.workspace.quantities import counted

__all__ = ("router",)

router = Room(["table"])
_MOST = 100


@dataclass(frozen=True)
class Inbox:
    """Surprising fields of all tables.

    Attributes:
        tables: tables with fields that wait for a decision.
    """

    tables: list[Waiting]


def waiting(workspace: Open) -> Inbox:
    """Surprising fields of all tables that wait for a decision."""
    return Inbox(inbox(workspace))


@dataclass(frozen=True)
class Rescued:
    """Values that fit no column, by field.

    Attributes:
        head: the table.
        fields: path, count, samples, files, when seen, the column it would fill, whether it is
            ignored.
        columns: the columns that a field may fill.
    """

    head: Head
    fields: list[dict[str, Any]]
    columns: list[str]


def rescued(head: TableHead, table: Pinned) -> Rescued:
    """Values that fit no column of a table, by field."""
    found = table.rescued()
    columns = [one.name for one in table.columns if one.name not in (RESCUED, METADATA)]
    return Rescued(head, [asdict(field) for field in found[:_MOST]], columns)


@dataclass(frozen=True)
class ProposalPage:
    """What a decision would do.

    Attributes:
        proposal: what it would do.
    """

    proposal: Proposal


def proposal(
    table: Pinned,
    field: Annotated[str, Query(description="The rescued field.")],
    action: Annotated[str, Query(description="promote, widen or map")] = "promote",
) -> ProposalPage:
    """The column that is proposed for a rescued field, and how many of its values fit."""
    return ProposalPage(table.propose(action, field))


@dataclass(frozen=True)
class Choice:
    """A decision as it stands in a form.

    Attributes:
        action: ``promote``, ``widen``, ``map`` or ``ignore``.
        field: the rescued field.
        type: the type of the column; '' for the one proposed.
        column: the column that the field fills; '' for that of its own name.
        would: what it would do.
        wrong: why it cannot be done.
    """

    action: str
    field: str
    type: str
    column: str
    would: Proposal | None = None
    wrong: str = ""

    def command(self, table: str) -> str:
        """What makes this decision in a terminal."""
        words = {
            "promote": ["--promote", self.field, *([self.type] if self.type else [])],
            "widen": ["--widen", self.column, self.type],
            "map": ["--map", self.field, self.column],
            "ignore": ["--ignore", self.field],
        }[self.action]
        return as_command(["rescued", table, *words])


@dataclass(frozen=True)
class Deciding:
    """Decisions that are about to be made.

    Attributes:
        head: the table.
        choices: the decisions, with what each would do.
        command: what makes them in a terminal.
    """

    head: Head
    choices: list[Choice]
    command: str


def _choices(form: dict[str, list[str]]) -> list[Choice]:
    """The decisions of a form, whose fields are numbered: ``field-0``, ``decide-0``, …."""

    def one(key: str) -> str:
        return next(iter(form.get(key, ())), "").strip()

    found = []
    for number in range(_MOST):
        action = one(f"decide-{number}")
        if action not in ("", "promote", "widen", "map", "ignore"):
            raise CommandError(f"{action!r} is no decision; nothing was changed.")
        if action and f"field-{number}" in form:
            found.append(
                Choice(action, form[f"field-{number}"][0], one(f"type-{number}"),
                       one(f"column-{number}"))
            )  # fmt: skip
    return found


def deciding(request: Request, head: TableHead, table: Pinned) -> Deciding:
    """What some decisions about rescued fields would do, before they are made."""
    given: dict[str, list[str]] = {}
    for key, value in request.query_params.multi_items():
        given.setdefault(key, []).append(value)
    found = [_looked_at(table, choice) for choice in _choices(given)]
    command = "\n".join(choice.command(table.name) for choice in found if not choice.wrong)
    return Deciding(head, found, command)


def _looked_at(table: Table, choice: Choice) -> Choice:
    if choice.action == "ignore":
        return choice
    try:
        would = table.propose(
            choice.action, choice.field, column=choice.column or None, kind=choice.type or None
        )
    except LakeletError as error:
        return replace(choice, wrong=error.message)
    return replace(choice, would=would, type=would.type, column=would.column)


def decide(act: Act) -> Done:
    """Make decisions about rescued fields, one after the other."""
    table = act.workspace.table(TableName.of(act.where["schema"], act.where["table"]))
    before = table.version
    choices = _choices(dict(act.form))
    if not choices:
        raise CommandError(
            "nothing was decided; nothing was changed.", hint="choose what becomes of a field."
        )
    said: list[str] = []
    for choice in choices:
        try:
            said.append(_decided(table, choice))
        except LakeletError as error:
            done = f" Before it: {' '.join(said)}" if said else ""
            raise CommandError(f"{choice.field}: {error.message}{done}", hint=error.hint) from None
    name = table.qualified
    undo = f"{table_path(name, 'restore')}?to={before}" if table.version != before else ""
    command = "\n".join(choice.command(table.name) for choice in choices)
    return Done("\n".join(said), table_path(name, "rescued"), command, undo)


def _decided(table: Table, choice: Choice) -> str:
    if choice.action == "ignore":
        count = table.ignore(choice.field)
        return f"{choice.field} is ignored; {counted(count, 'value stays', 'values stay')} aside."
    if choice.action == "promote":
        made = table.promote(choice.field, choice.type or None)
    elif choice.action == "widen":
        made = table.widen(choice.column, choice.type)
    else:
        made = table.map_field(choice.field, choice.column)
    left = f", {made.left:,} still do not fit" if made.left else ""
    return (
        f"{made.column} {made.type}: {counted(made.filled, 'value')} moved there{left}; "
        f"version {made.version}."
    )


_TABLE = "/tables/{schema}/{table}/rescued"
add_page(router, "/inbox", "inbox.html", waiting)
add_page(router, "/parts/inbox", "inbox_part.html", waiting, twin=False)
add_page(router, _TABLE, "table/rescued.html", rescued)
add_page(router, f"{_TABLE}/proposal", "table/proposal.html", proposal)
add_page(router, f"{_TABLE}/decide", "table/decide.html", deciding)
add_act(router, f"{_TABLE}/decide", decide)
