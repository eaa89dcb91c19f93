"""CREATE TABLE as it is written (Databricks SQL reference, "CREATE TABLE [USING]")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from lakelet.engines.duckdb_types import from_duckdb
from lakelet.engines.statements.cursor import Cursor
from lakelet.errors import SqlError
from lakelet.lake import TableName
from lakelet.lake.type_text import parse_type
from lakelet.lake.types import DataType

__all__ = ("CreateTable", "NewColumn", "read_column", "read_create_table", "read_properties")

_AFTER_TYPE = (
    "NOT", "NULL", "COMMENT", "GENERATED", "DEFAULT", "PRIMARY", "CHECK", "CONSTRAINT",
    "REFERENCES", "MASK", "COLLATE", "UNIQUE", "FIRST", "AFTER", ",",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewColumn:
    """A column as it is declared.

    Attributes:
        name: its name.
        type: its type.
        nullable: whether NULL is allowed.
        comment: what is said about it.
        generated: the expression it is computed by, or None.
        checks: name ('' for none given) and condition of constraints written beside it.
    """

    name: str
    type: DataType
    nullable: bool = True
    comment: str | None = None
    generated: str | None = None
    checks: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class CreateTable:
    """CREATE TABLE, with columns or with a query, or LIKE another table."""

    table: TableName
    replace: bool = False
    if_absent: bool = False
    columns: list[NewColumn] = field(default_factory=list)
    checks: list[tuple[str, str]] = field(default_factory=list)
    partition_by: tuple[str, ...] = ()
    comment: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    query: str | None = None
    like: TableName | None = None


def _refuse(what: str, hint: str) -> NoReturn:
    raise SqlError(f"{what} is refused; no table was made.", hint=hint)


def read_create_table(cursor: Cursor, *, replace: bool = False) -> CreateTable:
    """What follows CREATE [OR REPLACE] TABLE."""
    if_absent = cursor.accept("IF", "NOT", "EXISTS")
    if if_absent and replace:
        raise SqlError("OR REPLACE and IF NOT EXISTS exclude one another; no table was made.")
    made = CreateTable(cursor.table(), replace, if_absent)
    if cursor.accept("LIKE"):
        made.like = cursor.table()
    elif (token := cursor.peek()) and token.text == "(":
        _elements(cursor, made)
    while not cursor.ended and not cursor.accept("AS"):
        _clause(cursor, made)
    before = cursor.rest()
    made.query = before or None
    if made.query and made.columns:
        _refuse(
            "a list of columns beside AS query",
            "the query gives the columns; CAST in it sets their types.",
        )
    if not (made.query or made.columns or made.like):
        _refuse(
            "CREATE TABLE without columns",
            "list them; `lakelet load` and COPY INTO make a table from what the files hold.",
        )
    return made


def _clause(cursor: Cursor, made: CreateTable) -> None:
    if cursor.accept("USING"):
        kind = cursor.name("DELTA")
        if kind.upper() != "DELTA":
            _refuse(f"USING {kind.upper()}", "tables here are Delta tables: USING DELTA.")
    elif cursor.accept("PARTITIONED", "BY"):
        inner = Cursor(cursor.parenthesised(), cursor.dialect)
        names = [inner.name("a column")]
        while inner.accept(","):
            names.append(inner.name("a column"))
        if not inner.ended:
            _refuse("a type in PARTITIONED BY", "name columns that are listed above.")
        made.partition_by = tuple(names)
    elif cursor.accept("COMMENT"):
        cursor.accept("=")
        made.comment = cursor.string()
    elif cursor.accept("TBLPROPERTIES") or cursor.accept("OPTIONS"):
        made.properties.update(read_properties(cursor))
    elif cursor.accept("LOCATION"):
        place = cursor.string()
        _refuse(
            f"LOCATION {place!r}",
            f"`lakelet attach {place} --name {made.table}` reads a table that is there; leave "
            "LOCATION out to make one in the lake.",
        )
    elif cursor.accept("CLUSTER", "BY"):
        _refuse("CLUSTER BY", f"OPTIMIZE {made.table} ZORDER BY (…) puts like rows together.")
    elif not cursor.ended:
        raise cursor.wrong("PARTITIONED BY, COMMENT, TBLPROPERTIES or AS")


def read_properties(cursor: Cursor) -> dict[str, str]:
    """``('name' = 'value', …)``; names may be bare words joined by points."""
    found: dict[str, str] = {}
    cursor.expect("(")
    while not found or cursor.accept(","):
        token = cursor.peek()
        if token and token.kind == "string":
            name = cursor.string()
        else:
            name = ".".join(cursor.names("a property"))
        cursor.accept("=")
        value = cursor.peek()
        if value is not None and value.kind in ("word", "number"):
            cursor.until(",", ")")
            found[name] = value.text
        else:
            found[name] = cursor.string("a value")
    cursor.expect(")")
    return found


def _elements(cursor: Cursor, made: CreateTable) -> None:
    inner = Cursor(cursor.parenthesised(), cursor.dialect)
    first = True
    while first or inner.accept(","):
        first = False
        name = ""
        if inner.accept("CONSTRAINT"):
            name = inner.name("the constraint's name")
        if name or (inner.word in ("CHECK", "PRIMARY", "FOREIGN", "UNIQUE") and _opens(inner)):
            made.checks.append((name, read_check(inner)))
            continue
        column = read_column(inner)
        made.columns.append(column)
        made.checks += column.checks
    inner.end()


def _opens(cursor: Cursor) -> bool:
    """Whether a constraint stands here, not a column of that name."""
    following = cursor.peek(1)
    return following is not None and (following.text == "(" or following.word == "KEY")


def read_check(cursor: Cursor) -> str:
    """``CHECK (condition)``."""
    if cursor.word in ("PRIMARY", "FOREIGN", "UNIQUE", "REFERENCES"):
        raise SqlError(
            f"{cursor.word} is refused: nothing here would hold anyone to it; nothing was changed.",
            hint="MERGE INTO by the key keeps it unique; CHECK and NOT NULL are enforced.",
        )
    cursor.expect("CHECK")
    condition = cursor.parenthesised()
    for word in ("ENFORCED", "RELY", "NORELY"):
        cursor.accept(word)
    return condition


def read_type(cursor: Cursor) -> DataType:
    """A type, up to what can follow it."""
    depth = 0
    pieces: list[str] = []
    while (token := cursor.peek()) is not None:
        if depth <= 0 and pieces and (token.word in _AFTER_TYPE or token.text in ",)"):
            break
        depth += (token.text in ("<", "(")) - (token.text in (">", ")"))
        pieces.append(token.text if token.kind != "word" else token.text + " ")
        cursor.take()
    if not pieces:
        raise cursor.wrong("a type")
    text = "".join(pieces).strip()
    if text.upper().replace(" ", "").startswith(("VARCHAR(", "CHAR(")):
        raise SqlError(
            f"{text.replace(' ', '')} is refused: text has no length limit here; nothing was made.",
            hint="use STRING.",
        )
    return parse_type(text) if cursor.dialect == "databricks" else from_duckdb(text.upper())


def read_column(cursor: Cursor) -> NewColumn:
    """``name TYPE [NOT NULL] [GENERATED ALWAYS AS (…)] [COMMENT '…'] [CHECK (…)]``."""
    name = cursor.name("a column")
    kind = read_type(cursor)
    nullable, comment, generated = True, None, None
    checks: list[tuple[str, str]] = []
    while not cursor.ended:
        if cursor.accept("NOT", "NULL"):
            nullable = False
        elif cursor.accept("NULL"):
            nullable = True
        elif cursor.accept("COMMENT"):
            comment = cursor.string()
        elif cursor.accept("GENERATED"):
            generated = _generated(cursor, name)
        elif cursor.word == "CONSTRAINT":
            cursor.expect("CONSTRAINT")
            checks.append((cursor.name("the constraint's name"), read_check(cursor)))
        elif cursor.word in ("CHECK", "PRIMARY", "FOREIGN", "UNIQUE", "REFERENCES"):
            checks.append(("", read_check(cursor)))
        elif cursor.word in ("DEFAULT", "COLLATE", "MASK"):
            _refuse(
                f"{cursor.word} for the column {name}",
                "name the value in INSERT where it is known.",
            )
        else:
            break
    return NewColumn(name, kind, nullable, comment, generated, tuple(checks))


def _generated(cursor: Cursor, name: str) -> str:
    always = cursor.accept("ALWAYS") or cursor.accept("BY", "DEFAULT")
    cursor.expect("AS")
    if cursor.accept("IDENTITY") or not always:
        _refuse(
            f"GENERATED AS IDENTITY for the column {name}",
            "several writers cannot count together; use a STRING column filled with uuid().",
        )
    return cursor.parenthesised()
