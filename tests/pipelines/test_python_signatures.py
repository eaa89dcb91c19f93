"""The decorators have the names and arguments of Spark's own."""

from __future__ import annotations

import importlib
import inspect

import pytest

from lakelet import pipelines as dp

SPARK = ("table", "materialized_view", "temporary_view", "create_streaming_table", "append_flow", "create_auto_cdc_flow")  # fmt: skip


@pytest.mark.parametrize("name", SPARK)
def test_signatures_are_those_of_spark(name: str) -> None:
    try:
        spark = importlib.import_module("pyspark.pipelines")
    except ImportError:
        pytest.skip("no pyspark.pipelines")
    if not hasattr(spark, name):
        pytest.skip(f"this pyspark.pipelines has no {name}")
    theirs = inspect.signature(getattr(spark, name)).parameters
    ours = inspect.signature(getattr(dp, name)).parameters
    assert list(ours)[: len(theirs)] == list(theirs)
    for one in theirs.values():
        assert (ours[one.name].kind, ours[one.name].default) == (one.kind, one.default), one
    for one in list(ours.values())[len(theirs) :]:
        assert one.kind is one.KEYWORD_ONLY, f"{one.name}: what is our own is given by name"
        assert one.default is not one.empty


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("expect", ["name", "inv"]), ("expect_or_drop", ["name", "inv"]),
        ("expect_or_fail", ["name", "inv"]), ("expect_all", ["expectations"]),
        ("expect_all_or_drop", ["expectations"]), ("expect_all_or_fail", ["expectations"]),
    ],
)  # fmt: skip
def test_expectations_are_those_of_databricks(name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(dp, name)).parameters) == parameters


def test_every_public_name_is_there() -> None:
    for name in dp.__all__:
        assert getattr(dp, name) is not None
    with pytest.raises(AttributeError):
        _ = dp.nowhere  # type: ignore[attr-defined]
