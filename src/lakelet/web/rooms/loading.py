"""Files into a table: what a load would do, seen on the beginning of the files, and doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request

from lakelet.errors import CommandError, LakeletError
from lakelet.lake import TableName
from lakelet.lake.type_text import parse_hints
from lakelet.loading.options import check_mode, parse_options
from lakelet.session.trial import Trial
from lakelet.web.acts import Act, Done, add_act
from lakelet.web.answer import Open, add_page
from lakelet.web.faults import Marked, marked
from lakelet.web.room import Room
from lakelet.web.rooms.commands import begun

__all__ = ("router",)

router = Room(["files"])
_COLUMNS = 2000


@dataclass(frozen=True)
class LoadForm:
    """A load as it stands in the form.

    Attributes:
        source: file, folder, pattern or volume path.
        into: the table.
        hints: types of columns.
        options: how to read the files, one ``name=value`` a line.
        evolve: what becomes of new fields; '' for the workspace's setting.
        key: columns that identify a row, with commas.
        on_changed: what becomes of files that changed; '' for the workspace's setting.
    """

    source: str
    into: str
    hints: str
    options: str
    evolve: str
    key: str
    on_changed: str

    @property
    def keys(self) -> list[str]:
        """The columns that identify a row."""
        return [part.strip() for part in self.key.split(",") if part.strip()]

    @property
    def given(self) -> dict[str, object]:
        """The options by name."""
        lines = [line.strip() for line in self.options.splitlines() if line.strip()]
        for line in lines:
            if "=" not in line:
                raise CommandError(
                    f"{line!r} says nothing of how to read files.", hint="write header=true."
                )
        return dict(line.partition("=")[::2] for line in lines)

    def arguments(self) -> list[str]:
        """The command that loads so."""
        found = ["load", "--into", self.into]
        said = (
            ("--hints", self.hints), ("--evolve", self.evolve), ("--key", ",".join(self.keys)),
            ("--on-changed", self.on_changed),
        )  # fmt: skip
        for name, value in said:
            if value:
                found += [name, value]
        for option, given in self.given.items():
            found += (
                ["--format", str(given)]
                if option == "format"
                else ["--option", f"{option}={given}"]
            )
        return [*found, *(["--"] if self.source.startswith("-") else []), self.source]


@dataclass(frozen=True)
class Loading:
    """What a load would do.

    Attributes:
        form: the load.
        trial: what it would do; None where too little is said so far.
        wrong: why it cannot be done so.
        hint: what to do about it.
        marks: of each row that would be rejected, the text before the fault, the fault, the text
            after it.
    """

    form: LoadForm
    trial: Trial | None
    wrong: str
    hint: str
    marks: list[Marked]


Text = Annotated[str, Query()]


def loading(
    request: Request,
    workspace: Open,
    source: Annotated[str, Query(description="File, folder, pattern or volume path.")] = "",
    into: Annotated[str, Query(description="The table, schema.table.")] = "",
    hints: Annotated[str, Query(description="Types of columns.")] = "",
    options: Annotated[str, Query(description="How to read the files, a line each.")] = "",
    evolve: Annotated[str, Query(description="What becomes of new fields.")] = "",
    key: Annotated[str, Query(description="Columns that identify a row.")] = "",
    on_changed: Annotated[str, Query(description="What becomes of changed files.")] = "",
) -> Loading:
    """What a load would do, tried on the beginning of its files; nothing is changed."""
    edited = _edited(request)
    form = LoadForm(source.strip(), into.strip(), _merged(hints.strip(), edited), options, evolve,
                    key.strip(), on_changed)  # fmt: skip
    if not form.source or not form.into:
        return Loading(form, None, "", "", [])
    try:
        check_mode("evolve", form.evolve or None)
        check_mode("on_changed", form.on_changed or None)
        found = workspace.try_load(
            form.source, form.into, hints=form.hints, options=form.given,
            evolve=form.evolve or None, key=form.keys,
        )  # fmt: skip
    except LakeletError as error:
        return Loading(form, None, error.message, error.hint or "", [])
    marks = [marked(str(row["record"]), str(row["reason"])) for row in found.rejects]
    return Loading(form, found, "", "", marks)


def _edited(request: Request) -> dict[str, str]:
    """Types that a person wrote beside the columns, where they differ from those inferred."""
    given = request.query_params
    found = {}
    for number in range(_COLUMNS):
        name = given.get(f"column-{number}")
        if name is None:
            break
        kind = given.get(f"type-{number}", "").strip()
        if kind and kind != given.get(f"was-{number}", ""):
            found[name] = kind
    return found


def _merged(hints: str, edited: dict[str, str]) -> str:
    """Hints with some columns' types in the place of, or behind, those they name."""
    if not edited:
        return hints
    try:
        known = {column.name: column.type.sql for column in parse_hints(hints or None)}
    except LakeletError:
        return hints  # told as wrong by the trial
    kept = {name: kind for name, kind in known.items() if name.lower() not in
            {other.lower() for other in edited}}  # fmt: skip
    return ", ".join(f"{_quoted(name)} {kind}" for name, kind in {**kept, **edited}.items())


def _quoted(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else f"`{name.replace('`', '``')}`"


def load(act: Act) -> Done:
    """Load files into a table, by a command of its own."""
    form = LoadForm(*(act.one(name) for name in LoadForm.__dataclass_fields__))
    TableName.parse(form.into).refuse_own()
    check_mode("evolve", form.evolve or None)
    check_mode("on_changed", form.on_changed or None)
    parse_options(form.given)
    parse_hints(form.hints or None)
    query = {name: value for name in LoadForm.__dataclass_fields__ if (value := act.one(name))}
    return begun(act, form.arguments(), back=f"/load?{urlencode(query)}")


add_page(router, "/load", "load.html", loading)
add_act(router, "/load", load)
