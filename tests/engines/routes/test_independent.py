"""The same rows as readers that share nothing with these routes; and no packages but the core."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines.routes.handmade import VIEW, rows
from lakelet.engines.routes import open_snapshot, plan_route


def evolving_table(location: str) -> None:
    """Three appends, each with more columns, two partitions."""
    base = {
        "id": pa.array(range(50), pa.int64()),
        "day": pa.array([dt.date(2024, 1, 1 + n % 3) for n in range(50)]),
        "kind": pa.array([None if n % 5 == 0 else f"k {n % 2}/=%" for n in range(50)]),
    }
    more = {"price": pa.array([Decimal(n) / 4 for n in range(50)], pa.decimal128(12, 2))}
    most = {
        "seen": pa.array(range(50), pa.timestamp("us", "UTC")),
        "tags": pa.array([[str(n)] * (n % 3) for n in range(50)]),
        "who": pa.array([{"name": str(n), "age": n} if n % 2 else None for n in range(50)]),
        "raw": pa.array([bytes([n]) for n in range(50)]),
    }
    for columns in (base, base | more, base | more | most):
        write_deltalake(
            location,
            pa.table(columns),
            mode="append",
            schema_mode="merge",
            partition_by=["day", "kind"],
        )


def ordered(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(found, key=repr)


def test_the_same_as_pyarrow_and_polars(tmp_path: Path) -> None:
    location = str(tmp_path / "posts")
    evolving_table(location)
    route = plan_route(open_snapshot(location))
    assert route.kind == "files"
    names = [name for name, _ in route.columns]
    # The instants as microseconds, so that each reader's own idea of a zone does not matter.
    query = f"SELECT * REPLACE (epoch_us(seen) AS seen) FROM {VIEW}"
    here = ordered(rows(route, query))
    arrow = DeltaTable(location).to_pyarrow_table()
    at = arrow.schema.get_field_index("seen")
    arrow = arrow.set_column(at, "seen", arrow["seen"].cast(pa.int64()))
    assert here == ordered([tuple(row[name] for name in names) for row in arrow.to_pylist()])
    frame = pl.read_delta(location).with_columns(pl.col("seen").dt.epoch("us"))
    assert here == ordered(frame.select(names).rows())


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    values=st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6),
        min_size=1,
        max_size=4,
        unique=True,
    )
)
def test_any_text_as_a_partition_value(tmp_path_factory: Any, values: list[str]) -> None:
    location = str(tmp_path_factory.mktemp("any") / "posts")
    source = pa.table({"id": pa.array(range(len(values)), pa.int64()), "p": values})
    write_deltalake(location, source, partition_by=["p"])
    assert rows(plan_route(open_snapshot(location))) == list(enumerate(values))


def test_the_core_install_is_enough(tmp_path: Path) -> None:
    location = str(tmp_path / "posts")
    evolving_table(location)
    script = f"""
import sys
for name in ("pyarrow", "pandas", "polars", "numpy"):
    sys.modules[name] = None
import duckdb
from lakelet.engines.routes import open_snapshot, plan_route
from lakelet.engines.routes.columns import read_columns
from lakelet.engines.routes.scan_source import ScanSource
table = open_snapshot({location!r})
connection = duckdb.connect()
route = plan_route(table, connection)
route.attach(connection, '"v"')
scan = ScanSource.of(table, read_columns(table), "asked for").relation(connection, "s")
sql = 'SELECT count(*), count(seen), max(seen) FROM '
assert connection.execute(sql + '"v"').fetchall() == connection.execute(
    sql + f'({{scan}})').fetchall()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)
