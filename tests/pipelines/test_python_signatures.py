"""The decorators have the names and arguments of Spark's own."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable

import pytest

from lakelet import pipelines as dp

SPARK = ("table", "materialized_view", "temporary_view", "create_streaming_table", "append_flow", "create_auto_cdc_flow")  # fmt: skip


SPARK_4_3 = {
    "table": "query_function=None, *, name=None, comment=None, spark_conf=None, "
    "table_properties=None, partition_cols=None, cluster_by=None, schema=None, format=None",
    "materialized_view": "query_function=None, *, name=None, comment=None, spark_conf=None, "
    "table_properties=None, partition_cols=None, cluster_by=None, schema=None, format=None",
    "temporary_view": "query_function=None, *, name=None, comment=None, spark_conf=None",
    "create_streaming_table": "name, *, comment=None, table_properties=None, partition_cols=None, "
    "cluster_by=None, schema=None, format=None",
    "append_flow": "*, target, name=None, spark_conf=None",
    "create_auto_cdc_flow": "target, source, keys, sequence_by, apply_as_deletes=None, "
    "column_list=None, except_column_list=None, stored_as_scd_type=None, name=None, *, "
    "track_history_column_list=None, track_history_except_column_list=None, spark_conf=None",
}
"""Of pyspark 4.3.0, pyspark/pipelines/api.py, types left out."""


def compare(name: str, theirs: inspect.Signature) -> None:
    ours = inspect.signature(getattr(dp, name)).parameters
    assert list(ours)[: len(theirs.parameters)] == list(theirs.parameters)
    for one in theirs.parameters.values():
        assert (ours[one.name].kind, ours[one.name].default) == (one.kind, one.default), one
    for one in list(ours.values())[len(theirs.parameters) :]:
        assert one.kind is one.KEYWORD_ONLY, f"{one.name}: what is our own is given by name"
        assert one.default is not one.empty


@pytest.mark.parametrize("name", SPARK)
def test_signatures_are_those_of_spark_4_3(name: str) -> None:
    spark: dict[str, Callable[..., None]] = {}
    exec(f"def {name}({SPARK_4_3[name]}): ...", spark)
    compare(name, inspect.signature(spark[name]))


@pytest.mark.parametrize("name", SPARK)
def test_signatures_are_those_of_the_installed_spark(name: str) -> None:
    try:
        spark = importlib.import_module("pyspark.pipelines")
    except ImportError:
        pytest.skip("no pyspark.pipelines")
    if not hasattr(spark, name):
        pytest.skip(f"this pyspark.pipelines has no {name}")
    compare(name, inspect.signature(getattr(spark, name)))


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
