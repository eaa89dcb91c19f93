"""Answers of a Spark-compatible engine, run in process; it stands in for Databricks."""

from __future__ import annotations

import datetime as dt
import os
import time
import warnings
from collections.abc import Iterable
from typing import Any

from engines.dialect.canonical import ZONE, query_of, value_of


def answers(cases: Iterable[str]) -> list[dict[str, Any]]:
    """What each case gives: its types and rows, or that it fails."""
    os.environ["TZ"] = "UTC"  # the client shows instants on the process's clock
    time.tzset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pysail.spark import SparkConnectServer
        from pyspark.sql import SparkSession

        server = SparkConnectServer(port=0)
        server.start(background=True)
        _, port = server.listening_address
        spark = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
        spark.conf.set("spark.sql.ansi.enabled", "true")
        spark.conf.set("spark.sql.session.timeZone", ZONE)
        try:
            return [_answer(spark, case) for case in cases]
        finally:
            spark.stop()
            server.stop()


def _kind(data_type: Any) -> str:
    name = data_type.simpleString()
    return name.split("<")[0] if "<" in name else name


def _answer(spark: Any, case: str) -> dict[str, Any]:
    try:
        frame = spark.sql(query_of(case))
        rows = frame.collect()
        types = [_kind(field.dataType) for field in frame.schema.fields]
    except Exception as error:
        return {"sql": case, "error": str(error).splitlines()[0][:160]}
    return {
        "sql": case,
        "types": types,
        "rows": [
            [value_of(_instant(v, t)) for v, t in zip(row, types, strict=True)] for row in rows
        ],
    }


def _instant(value: Any, kind: str) -> Any:
    return value.replace(tzinfo=dt.UTC) if kind == "timestamp" and value is not None else value
