"""What becomes of a view without groups: rows that come, rows that go, and rows made single."""

from __future__ import annotations

from lakelet.engines.rewrite import Target
from lakelet.engines.routes.file_source import PLACE_FILE, PLACE_ROW
from lakelet.pipelines.datasets.swapping import same_values
from lakelet.pipelines.incremental.asking import WORK, Asking, FellThroughError, Limits
from lakelet.pipelines.incremental.changes import SIGN
from lakelet.pipelines.incremental.edits import with_doubles
from lakelet.pipelines.incremental.moved import NUMBER, MovedRows, net

__all__ = ("change_rows", "find_distinct", "fresh_distinct")


def change_rows(asking: Asking, moved: MovedRows, target: Target) -> None:
    """Make the tables ``come`` and ``gone`` for a query whose rows each come from one row.

    Raises:
        FellThroughError: the view lacks rows that the query made of rows that went.
    """
    engine, names = asking.engine, ", ".join(asking.names)
    _net(asking, moved)
    engine.execute(
        f"CREATE TABLE {WORK}.come AS SELECT {names} FROM "
        f"(SELECT *, unnest(range({NUMBER})) FROM {WORK}.changed WHERE {NUMBER} > 0)"
    )
    engine.execute(
        f"CREATE TABLE {WORK}.go AS SELECT *, -{NUMBER} AS times, row_number() OVER () AS place "
        f"FROM {WORK}.changed WHERE {NUMBER} < 0"
    )
    # One row like another: any of them may go, as many as went.
    engine.execute(
        f"CREATE TABLE {WORK}.gone AS SELECT file, row FROM (SELECT a.{PLACE_FILE} AS file, "
        f"a.{PLACE_ROW} AS row, b.times, row_number() OVER (PARTITION BY b.place) AS nth "
        f"FROM {target.VIEW} AS a JOIN {WORK}.go AS b ON {same_values('a', 'b', asking.names)}) "
        "WHERE nth <= times"
    )
    ((wanted,),) = engine.execute(f"SELECT coalesce(sum(times), 0) FROM {WORK}.go").fetchall()
    if asking.count(f"{WORK}.gone") != int(wanted):
        raise FellThroughError("does not give the same for the same rows")


def find_distinct(asking: Asking, moved: MovedRows) -> None:
    """Make the table ``affected`` of the rows of which there are more, or fewer, than before."""
    _net(asking, moved, doubles=True)
    asking.engine.execute(
        f"CREATE TABLE {WORK}.affected AS SELECT {', '.join(asking.names)} FROM {WORK}.changed"
    )


def fresh_distinct(asking: Asking, *, limits: Limits) -> None:
    """Make the table ``fresh`` of the affected rows that are there now, each once.

    Raises:
        FellThroughError: computing all of the view is cheaper.
    """
    engine, names = asking.engine, ", ".join(asking.names)
    engine.execute(
        f"CREATE TABLE {WORK}.fresh AS SELECT {names} FROM {WORK}.changed WHERE {NUMBER} > 0"
    )
    engine.execute(
        f"CREATE TABLE {WORK}.fewer AS SELECT {names} FROM {WORK}.changed WHERE {NUMBER} < 0"
    )
    count = asking.count(f"{WORK}.fewer")
    if not count:
        return
    limits.refuse_dearer(count, "would look for rows:")
    select = asking.select(None, with_doubles)
    engine.execute(
        f"INSERT INTO {WORK}.fresh SELECT DISTINCT {names} FROM ({select}) AS a "
        f"SEMI JOIN {WORK}.fewer AS b ON {same_values('a', 'b', asking.names)}"
    )


def _net(asking: Asking, moved: MovedRows, *, doubles: bool = False) -> None:
    """Make the table ``changed`` of the query's rows that came or went, with their number."""
    engine, names = asking.engine, ", ".join(asking.names)
    edit = with_doubles if doubles else None
    parts = []
    for table, rows, sign in (("came", moved.came, 1), ("went", moved.went, -1)):
        if rows is not None:
            engine.execute(f"CREATE TABLE {WORK}.{table} AS {asking.select(rows, edit)}")
            parts.append(f"SELECT *, {sign} AS {SIGN} FROM {WORK}.{table}")
    net(engine, f"{WORK}.changed", " UNION ALL ".join(parts), names)
