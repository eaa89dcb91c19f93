"""Random changes in random splits and orders come to what plain Python says they come to."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakelet.pipelines.datasets.cdc_history import DELETED, SEQUENCE, History
from lakelet.pipelines.definitions.dataset import Cdc
from lakelet.session import Workspace
from pipelines.cdc_oracle import Change, history, newest
from pipelines.writing import define

CHANGES = st.lists(
    st.builds(
        Change,
        key=st.sampled_from([1, 1, 1, None]),
        at=st.integers(0, 5),
        deletes=st.sampled_from([False, False, True]),
        a=st.sampled_from([None, 1, 2]),
        b=st.sampled_from([None, "x", "y"]),
    ),
    max_size=9,
)
KINDS = [
    Cdc(("key",), "at"),
    Cdc(("key",), "at", ignore_null=True),
    Cdc(("key",), "at", scd=2),
    Cdc(("key",), "at", scd=2, ignore_null=True),
    Cdc(("key",), "at", scd=2, track=("a",)),
    Cdc(("key",), "at", scd=2, track_except=("a",), ignore_null=True),
]


def expected(cdc: Cdc, changes: Sequence[Change]) -> set[tuple[object, ...]]:
    if cdc.scd == 1:
        return newest(changes, cdc.ignore_null)
    tracked = cdc.track or tuple(n for n in ("a", "b") if n not in cdc.track_except)
    return history(changes, cdc.ignore_null, tracked)


def split(changes: Sequence[Change], cuts: Iterable[int]) -> list[list[Change]]:
    places = [0, *sorted(min(cut, len(changes)) for cut in cuts), len(changes)]
    return [list(changes[a:b]) for a, b in pairwise(places)]


@pytest.mark.parametrize("cdc", KINDS, ids=str)
@settings(deadline=None, max_examples=120)
@given(changes=CHANGES, cuts=st.lists(st.integers(1, 8), min_size=1, max_size=3))
def test_what_is_kept_of_changes_is_all_that_matters(
    cdc: Cdc, changes: list[Change], cuts: list[int]
) -> None:
    made = History(cdc, ("key", "a", "b"))
    typed = ("INTEGER", "INTEGER", "VARCHAR", "INTEGER", "BOOLEAN")
    names = ("key", "a", "b", SEQUENCE, DELETED)
    with duckdb.connect(config={"threads": 1}) as engine:
        columns = ", ".join(f"{n} {t}" for n, t in zip(names, typed, strict=True))
        engine.execute(f"CREATE TABLE kept ({columns})")
        for part in split(changes, cuts):
            engine.execute(f"CREATE OR REPLACE TABLE every AS {made.needed('FROM kept')}")
            for c in part:
                a, b = (None, None) if c.deletes else (c.a, c.b)
                engine.execute(
                    "INSERT INTO every VALUES (?, ?, ?, ?, ?)", [c.key, a, b, c.at, c.deletes]
                )
            engine.execute(f"CREATE OR REPLACE TABLE kept AS {made.needed('FROM every')}")
        found = engine.execute(made.rows("FROM kept")).fetchall()
    assert len(found) == len(set(found))
    assert set(found) == expected(cdc, changes)


@pytest.mark.parametrize("cdc", KINDS[:5], ids=str)
def test_updates_in_any_order_come_to_the_same(ws: Workspace, cdc: Cdc) -> None:
    ws.sql("CREATE TABLE s.c (key INT, at INT, gone BOOLEAN, a INT, b STRING)")
    ignore = "IGNORE NULL UPDATES" if cdc.ignore_null else ""
    track = f"TRACK HISTORY ON ({', '.join(cdc.track)})" if cdc.track else ""
    define(
        ws,
        "CREATE STREAMING TABLE t;"
        f"CREATE FLOW f AS AUTO CDC INTO t FROM STREAM s.c KEYS (key) {ignore} "
        "APPLY AS DELETE WHEN gone SEQUENCE BY at COLUMNS * EXCEPT (gone, at) "
        f"STORED AS SCD TYPE {cdc.scd} {track};"
        "CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM t",
    )
    dice = random.Random(len(repr(cdc)))
    changes = [
        Change(
            dice.choice([1, 2, 3, 4, None]), dice.randint(0, 20), dice.random() < 0.3,
            dice.choice([None, 1, 2]), dice.choice([None, "x", "y"]),
        )
        for _ in range(60)
    ]  # fmt: skip
    for number, part in enumerate(split(changes, [0, 5, 17, 18, 40])):
        given = [f"({_sql(c.key)}, {c.at}, {c.deletes}, {_sql(c.a)}, {_sql(c.b)})" for c in part]
        if given:
            ws.sql(f"INSERT INTO s.c VALUES {', '.join(given)}")
        ws.update("p")
        done = changes[: [0, 5, 17, 18, 40, 60][number]]
        found = ws.sql("SELECT * FROM p.t").rows()
        assert len(found) == len(set(found))
        assert set(found) == expected(cdc, done)
        assert ws.sql("SELECT n FROM p.n").rows() == [(len(found),)]
    ws.update("p", full_refresh=["t"])
    assert set(ws.sql("SELECT * FROM p.t").rows()) == expected(cdc, changes)


@pytest.mark.parametrize("ignore", ["", "IGNORE NULL UPDATES"])
@pytest.mark.parametrize("seed", range(3))
def test_truncations_in_any_order_come_to_the_same(ws: Workspace, ignore: str, seed: int) -> None:
    ws.sql("CREATE TABLE s.c (key INT, at INT, op STRING, a INT, b STRING)")
    define(
        ws,
        f"CREATE STREAMING TABLE t; CREATE FLOW f AS AUTO CDC INTO t FROM STREAM s.c KEYS (key) "
        f"{ignore} APPLY AS DELETE WHEN op = 'd' APPLY AS TRUNCATE WHEN op = 't' SEQUENCE BY at "
        "COLUMNS * EXCEPT (op, at)",
    )
    dice, keys = random.Random(seed), [1, 2, 3, 4, None]
    done: list[Change] = []
    for _ in range(7):
        for _ in range(dice.randint(1, 5)):
            op = dice.choice("uuuuudt")
            one = Change(
                dice.choice(keys), dice.randint(0, 20), op != "u",
                dice.choice([None, 1, 2]), dice.choice([None, "x", "y"]),
            )  # fmt: skip
            values = ", ".join(map(_sql, (one.key, one.at, op, one.a, one.b)))
            ws.sql(f"INSERT INTO s.c VALUES ({values})")
            # A truncation is a deletion of every key there is or will be.
            done += [replace(one, key=k) for k in keys] if op == "t" else [one]
        ws.update("p")
        found = ws.sql("SELECT * FROM p.t").rows()
        assert len(found) == len(set(found))
        assert set(found) == newest(done, bool(ignore))
    ws.update("p", full_refresh=["t"])
    assert set(ws.sql("SELECT * FROM p.t").rows()) == newest(done, bool(ignore))


def _sql(value: object) -> str:
    return "NULL" if value is None else repr(value)
