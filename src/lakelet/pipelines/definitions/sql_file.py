"""Reading a ``.sql`` file of a pipeline: Databricks' pipeline SQL.

Source: Databricks, "Pipeline SQL language reference": CREATE STREAMING TABLE, CREATE MATERIALIZED
VIEW, REFRESH POLICY, CREATE TEMPORARY VIEW, CREATE FLOW, AUTO CDC INTO.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from lakelet.engines.statements.cursor import Cursor
from lakelet.engines.statements.syntax.create import read_column, read_properties
from lakelet.errors import LakeletError, SqlError
from lakelet.lake import TableName
from lakelet.lake.types import Column
from lakelet.pipelines.definitions.dataset import (
    Cdc,
    Dataset,
    Expectation,
    Flow,
    Kind,
    Place,
    RefreshPolicy,
)
from lakelet.pipelines.definitions.statements import split_statements

__all__ = ("LooseFlow", "read_sql_file")

_ACTIONS = {("DROP", "ROW"): "drop", ("FAIL", "UPDATE"): "fail"}
_POLICIES: tuple[tuple[tuple[str, ...], RefreshPolicy], ...] = (
    (("INCREMENTAL", "STRICT"), "incremental strict"),
    (("INCREMENTAL",), "incremental"),
    (("AUTO",), "auto"),
    (("FULL",), "full"),
)
_BEFORE_QUERY = ("AS",)


@dataclass(frozen=True, slots=True)
class LooseFlow:
    """A flow declared apart from its dataset."""

    target: TableName
    flow: Flow


@dataclass
class _Table:
    columns: list[Column] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)
    partition_by: tuple[str, ...] = ()
    cluster_by: tuple[str, ...] = ()
    comment: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    refresh_policy: RefreshPolicy = "auto"


def read_sql_file(text: str, file: str, schema: str) -> list[Dataset | LooseFlow]:
    """The datasets and flows that a file declares.

    Args:
        text: its text.
        file: its path, for messages.
        schema: where unqualified names belong.

    Raises:
        SqlError: with the file and line of what cannot be read.
    """
    found: list[Dataset | LooseFlow] = []
    try:
        statements = list(split_statements(text))
    except SqlError as error:
        raise SqlError(f"{file}: {error.message}", hint=error.hint) from None
    for statement, line in statements:
        try:
            found.append(_Reader(statement, Place(file, line), schema).read())
        except LakeletError as error:
            raise SqlError(f"{file}:{line}: {error.message}", hint=error.hint) from None
    return found


class _Reader:
    def __init__(self, text: str, place: Place, schema: str) -> None:
        self.cursor = Cursor(text, "databricks")
        self.place = place
        self.schema = schema

    def read(self) -> Dataset | LooseFlow:
        cursor = self.cursor
        if cursor.accept("CREATE", "FLOW"):
            return self._flow(cursor.name("the name of a flow"))
        if not cursor.accept("CREATE"):
            raise SqlError(
                f"{cursor.word or 'this'} is no statement of a pipeline; nothing was run.",
                hint="CREATE OR REFRESH STREAMING TABLE, CREATE OR REFRESH MATERIALIZED VIEW, "
                "CREATE TEMPORARY VIEW and CREATE FLOW are.",
            )
        if not cursor.accept("OR", "REFRESH"):
            cursor.accept("OR", "REPLACE")
        cursor.accept("PRIVATE")
        kinds: tuple[tuple[tuple[str, ...], Kind], ...] = (
            (("STREAMING", "TABLE"), "streaming table"),
            (("MATERIALIZED", "VIEW"), "materialized view"),
            (("TEMPORARY", "VIEW"), "temporary view"),
            (("TEMPORARY", "LIVE", "VIEW"), "temporary view"),
        )
        for words, kind in kinds:
            if cursor.accept(*words):
                cursor.accept("IF", "NOT", "EXISTS")
                return self._dataset(kind)
        raise cursor.wrong("STREAMING TABLE, MATERIALIZED VIEW, TEMPORARY VIEW or FLOW")

    def _name(self) -> TableName:
        parts = self.cursor.names("the name of a dataset")
        if len(parts) == 3:
            parts = parts[1:]
        if len(parts) > 2:
            raise SqlError(f"{'.'.join(parts)} has too many parts; write schema.table.")
        return TableName.of(*parts) if len(parts) == 2 else TableName.of(self.schema, parts[0])

    def _dataset(self, kind: Kind) -> Dataset:
        cursor = self.cursor
        name = self._name()
        table = _Table()
        if (token := cursor.peek()) is not None and token.text == "(":
            self._elements(Cursor(cursor.parenthesised(), "databricks"), table)
        while not cursor.ended and not cursor.accept("AS"):
            if cursor.word == "FLOW":
                break
            self._clause(table)
        query = self._query() if cursor.word != "FLOW" else ""
        flows: tuple[Flow, ...] = ()
        if query:
            flows = (Flow(str(name), self.place, query),)
        elif cursor.accept("FLOW"):
            flows = (replace(self._auto_cdc(str(name), into=False), name=str(name)),)
        if not flows and kind != "streaming table":
            raise cursor.wrong("AS and a query")
        if kind == "temporary view" and table.expectations:
            raise SqlError(
                "a temporary view stores no rows that an expectation could count or drop.",
                hint="put the expectation on the table that reads the view.",
            )
        if kind != "materialized view" and table.refresh_policy != "auto":
            raise SqlError("REFRESH POLICY is of materialized views.")
        if kind == "temporary view" and (table.partition_by or table.properties):
            raise SqlError("a temporary view has no partitions and no properties.")
        return Dataset(
            name, kind, self.place, flows, table.comment, tuple(table.columns) or None,
            tuple(table.expectations), table.partition_by, table.cluster_by, table.properties,
            table.refresh_policy,
        )  # fmt: skip

    def _query(self) -> str:
        """The query from here on, behind as many empty lines as are before it in the file.

        So the line and column in a message about it are those of the file.
        """
        token = self.cursor.peek()
        if token is None:
            return ""
        lines = self.place.line - 1 + self.cursor.text.count("\n", 0, token.start)
        column = token.start - (self.cursor.text.rfind("\n", 0, token.start) + 1)
        return "\n" * lines + " " * column + self.cursor.rest()

    def _elements(self, inner: Cursor, table: _Table) -> None:
        while not inner.ended:
            if inner.accept("CONSTRAINT"):
                table.expectations.append(_expectation(inner))
            else:
                column = read_column(inner)
                if column.checks or column.generated:
                    raise SqlError(
                        f"{column.name}: a dataset's columns have types, NOT NULL and comments; "
                        "what should hold is CONSTRAINT name EXPECT (condition)."
                    )
                table.columns.append(
                    Column(column.name, column.type, column.nullable, column.comment)
                )
            if not inner.accept(","):
                break
        inner.end()

    def _clause(self, table: _Table) -> None:
        cursor = self.cursor
        if cursor.accept("COMMENT"):
            table.comment = cursor.string("the comment")
        elif cursor.accept("PARTITIONED", "BY"):
            table.partition_by = self._names()
        elif cursor.accept("CLUSTER", "BY"):
            table.cluster_by = () if cursor.accept("AUTO") else self._names()
        elif cursor.accept("TBLPROPERTIES"):
            table.properties = read_properties(cursor)
        elif cursor.accept("REFRESH", "POLICY"):
            table.refresh_policy = self._refresh_policy()
        elif cursor.accept("USING"):
            if cursor.name("DELTA").upper() != "DELTA":
                raise SqlError("tables here are Delta tables: USING DELTA.")
        else:
            raise cursor.wrong("AS and a query, or COMMENT, PARTITIONED BY, TBLPROPERTIES")

    def _refresh_policy(self) -> RefreshPolicy:
        for words, policy in _POLICIES:
            if self.cursor.accept(*words):
                return policy
        raise self.cursor.wrong("AUTO, INCREMENTAL, INCREMENTAL STRICT or FULL")

    def _names(self) -> tuple[str, ...]:
        return _listed(Cursor(self.cursor.parenthesised(), "databricks"))

    def _flow(self, name: str) -> LooseFlow:
        cursor = self.cursor
        if cursor.accept("COMMENT"):
            cursor.string("the comment")
        cursor.expect("AS")
        if cursor.word == "AUTO":
            target_at = self._auto_cdc(name, into=True)
            return LooseFlow(self.target, target_at)
        cursor.expect("INSERT", "INTO")
        once = cursor.accept("ONCE")
        target = self._name()
        cursor.expect("BY", "NAME")
        return LooseFlow(target, Flow(name, self.place, self._query(), once=once))

    def _auto_cdc(self, name: str, *, into: bool) -> Flow:
        cursor = self.cursor
        if not cursor.accept("AUTO", "CDC"):
            cursor.expect("APPLY", "CHANGES")
        once = cursor.accept("ONCE")
        if into:
            cursor.expect("INTO")
            self.target = self._name()
        cursor.expect("FROM")
        source = cursor.until("KEYS")
        cursor.expect("KEYS")
        cdc = Cdc(self._names(), "")
        clauses: dict[tuple[str, ...], Callable[[], dict[str, object]]] = {
            ("IGNORE", "NULL", "UPDATES"): lambda: {"ignore_null": True},
            ("APPLY", "AS", "DELETE", "WHEN"): lambda: {"delete_when": self._expression()},
            ("APPLY", "AS", "TRUNCATE", "WHEN"): lambda: {"truncate_when": self._expression()},
            ("SEQUENCE", "BY"): lambda: {"sequence_by": self._expression()},
            ("COLUMNS", "*", "EXCEPT"): lambda: {"except_columns": self._names()},
            ("COLUMNS",): lambda: {"columns": self._names()},
            ("STORED", "AS", "SCD", "TYPE"): lambda: {"scd": self._scd()},
            ("TRACK", "HISTORY", "ON", "*", "EXCEPT"): lambda: {"track_except": self._names()},
            ("TRACK", "HISTORY", "ON"): lambda: {"track": self._names()},
        }
        while not cursor.ended:
            for words, read in clauses.items():
                if cursor.accept(*words):
                    cdc = replace(cdc, **read())  # type: ignore[arg-type]
                    break
            else:
                raise cursor.wrong("SEQUENCE BY, APPLY AS DELETE WHEN, COLUMNS or STORED AS SCD")
        if not cdc.sequence_by:
            raise SqlError("AUTO CDC needs SEQUENCE BY: what orders the changes of a key.")
        return Flow(name, self.place, f"SELECT * FROM {source}", once=once, cdc=cdc)

    def _expression(self) -> str:
        clauses = ("IGNORE", "APPLY", "SEQUENCE", "COLUMNS", "STORED", "TRACK")
        # A column may be called like a clause, and an expression is never empty.
        first = self.cursor.name("an expression") if self.cursor.word in clauses else ""
        return f"{first} {self.cursor.until(*clauses)}".strip()

    def _scd(self) -> int:
        found = self.cursor.number("1 or 2")
        if found not in (1, 2):
            raise SqlError("STORED AS SCD TYPE is 1 or 2.")
        return found


def _expectation(cursor: Cursor) -> Expectation:
    name = cursor.name("the name of the expectation")
    cursor.expect("EXPECT")
    condition = cursor.parenthesised()
    if cursor.accept("ON", "VIOLATION"):
        for words, action in _ACTIONS.items():
            if cursor.accept(*words):
                return Expectation(name, condition, action)  # type: ignore[arg-type]
        raise cursor.wrong("DROP ROW or FAIL UPDATE")
    return Expectation(name, condition, "warn")


def _listed(inner: Cursor) -> tuple[str, ...]:
    names = [inner.name("a column")]
    while inner.accept(","):
        names.append(inner.name("a column"))
    inner.end()
    return tuple(names)
