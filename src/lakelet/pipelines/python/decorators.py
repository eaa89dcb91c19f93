"""The decorators that declare datasets and flows, named as `pyspark.pipelines` 4.3 names them.

``spark_conf`` is taken so that a file runs in both places, and means nothing here. ``reads``,
``stream`` and ``timeout`` are Lakelet's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar, overload

from lakelet.errors import PipelineError
from lakelet.pipelines.definitions.dataset import Cdc, Kind
from lakelet.pipelines.python.declared import (
    EXPECTED,
    OUTPUT,
    DeclaredFlow,
    Output,
    caller,
    current,
    declared_columns,
    inputs_of_function,
    listed,
    names_of,
    place_of,
)
from lakelet.pipelines.python.expectations import expectations_of

__all__ = (
    "append_flow", "create_auto_cdc_flow", "create_streaming_table", "materialized_view", "table",
    "temporary_view",
)  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])
Streams: TypeAlias = Sequence[str] | Mapping[str, str]


@overload
def table(query_function: F) -> F: ...
@overload
def table(
    query_function: None = None,
    *,
    name: str | None = None,
    comment: str | None = None,
    spark_conf: Mapping[str, str] | None = None,
    table_properties: Mapping[str, str] | None = None,
    partition_cols: Sequence[str] | None = None,
    cluster_by: Sequence[str] | None = None,
    schema: Any = None,
    format: str | None = None,
    reads: Mapping[str, str] | None = None,
    stream: Streams | None = None,
    timeout: float | None = None,
) -> Callable[[F], F]: ...
def table(
    query_function: F | None = None,
    *,
    name: str | None = None,
    comment: str | None = None,
    spark_conf: Mapping[str, str] | None = None,
    table_properties: Mapping[str, str] | None = None,
    partition_cols: Sequence[str] | None = None,
    cluster_by: Sequence[str] | None = None,
    schema: Any = None,
    format: str | None = None,  # noqa: A002 - Spark's name for it
    reads: Mapping[str, str] | None = None,
    stream: Streams | None = None,
    timeout: float | None = None,
) -> Any:
    """Declare a streaming table: the function is given new rows, and what it returns is added.

    Args:
        query_function: the function, where the decorator has no arguments.
        name: the table's name; the function's where there is none.
        comment: what is said about it.
        spark_conf: means nothing here.
        table_properties: Delta table properties.
        partition_cols: columns whose values become folders.
        cluster_by: columns that rows near one another share.
        schema: its columns, as SQL text or a Spark ``StructType``; they are enforced.
        format: ``delta``, or nothing.
        reads: tables by the name they have in the function, where that is not a dataset's name.
        stream: which inputs deliver new rows only; or a dictionary that says by name what they
            deliver, ``skipChangeCommits`` or ``readChangeFeed``.
        timeout: seconds the function may take.

    Raises:
        PipelineError: an argument that means nothing.
    """
    return _stored(
        "streaming table", query_function, name, comment, spark_conf, table_properties,
        partition_cols, cluster_by, schema, format, reads, stream, timeout,
    )  # fmt: skip


@overload
def materialized_view(query_function: F) -> F: ...
@overload
def materialized_view(
    query_function: None = None,
    *,
    name: str | None = None,
    comment: str | None = None,
    spark_conf: Mapping[str, str] | None = None,
    table_properties: Mapping[str, str] | None = None,
    partition_cols: Sequence[str] | None = None,
    cluster_by: Sequence[str] | None = None,
    schema: Any = None,
    format: str | None = None,
    reads: Mapping[str, str] | None = None,
    stream: Streams | None = None,
    timeout: float | None = None,
) -> Callable[[F], F]: ...
def materialized_view(
    query_function: F | None = None,
    *,
    name: str | None = None,
    comment: str | None = None,
    spark_conf: Mapping[str, str] | None = None,
    table_properties: Mapping[str, str] | None = None,
    partition_cols: Sequence[str] | None = None,
    cluster_by: Sequence[str] | None = None,
    schema: Any = None,
    format: str | None = None,  # noqa: A002 - Spark's name for it
    reads: Mapping[str, str] | None = None,
    stream: Streams | None = None,
    timeout: float | None = None,
) -> Any:
    """Declare a materialized view: it always equals what the function returns.

    Args: as for `table`.

    Raises:
        PipelineError: an argument that means nothing.
    """
    return _stored(
        "materialized view", query_function, name, comment, spark_conf, table_properties,
        partition_cols, cluster_by, schema, format, reads, stream, timeout,
    )  # fmt: skip


@overload
def temporary_view(query_function: F) -> F: ...
@overload
def temporary_view(
    query_function: None = None,
    *,
    name: str | None = None,
    comment: str | None = None,
    spark_conf: Mapping[str, str] | None = None,
    reads: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Callable[[F], F]: ...
def temporary_view(
    query_function: F | None = None,
    *,
    name: str | None = None,
    comment: str | None = None,
    spark_conf: Mapping[str, str] | None = None,
    reads: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Any:
    """Declare a view of this pipeline, computed once in an update that reads it, and not stored.

    Args: as for `table`.
    """
    return _stored(
        "temporary view", query_function, name, comment, spark_conf, None, None, None, None, None,
        reads, None, timeout,
    )  # fmt: skip


def append_flow(
    *,
    target: str,
    name: str | None = None,
    spark_conf: Mapping[str, str] | None = None,
    once: bool = False,
    reads: Mapping[str, str] | None = None,
    stream: Streams | None = None,
    timeout: float | None = None,
) -> Callable[[F], F]:
    """Declare a flow: what the function returns is added to a streaming table.

    Args:
        target: the streaming table.
        name: the flow's name; the function's where there is none.
        spark_conf: means nothing here.
        once: whether it runs in the first update and after a full refresh only.
        reads: as for `table`.
        stream: as for `table`.
        timeout: as for `table`.
    """
    _refuse_conf(spark_conf)

    def decorate(function: F) -> F:
        file, line = place_of(function)
        inputs, streams, delivers = inputs_of_function(function, reads, stream)
        collected = current()
        collected.flows.append(
            DeclaredFlow(
                name or function.__name__, target, file, line, function, None, inputs, streams,
                timeout, once, delivers, module=collected.module,
            )
        )  # fmt: skip
        return function

    return decorate


def create_streaming_table(
    name: str,
    *,
    comment: str | None = None,
    table_properties: Mapping[str, str] | None = None,
    partition_cols: Sequence[str] | None = None,
    cluster_by: Sequence[str] | None = None,
    schema: Any = None,
    format: str | None = None,  # noqa: A002 - Spark's name for it
    expect_all: Mapping[str, str] | None = None,
    expect_all_or_drop: Mapping[str, str] | None = None,
    expect_all_or_fail: Mapping[str, str] | None = None,
) -> None:
    """Declare a streaming table that flows fill.

    Args: as for `table`, and expectations by name (Databricks).
    """
    file, line = caller()
    expectations = [
        *expectations_of("warn", expect_all or {}),
        *expectations_of("drop", expect_all_or_drop or {}),
        *expectations_of("fail", expect_all_or_fail or {}),
    ]
    _refuse_format(format)
    current().outputs.append(
        Output(
            name, "streaming table", file, line, comment, declared_columns(schema),
            listed("partition_cols", partition_cols), listed("cluster_by", cluster_by),
            names_of("table_properties", table_properties or {}), expectations,
        )
    )  # fmt: skip


def create_auto_cdc_flow(
    target: str,
    source: str,
    keys: Sequence[str],
    sequence_by: str,
    apply_as_deletes: str | None = None,
    column_list: Sequence[str] | None = None,
    except_column_list: Sequence[str] | None = None,
    stored_as_scd_type: int | str | None = None,
    name: str | None = None,
    *,
    track_history_column_list: Sequence[str] | None = None,
    track_history_except_column_list: Sequence[str] | None = None,
    spark_conf: Mapping[str, str] | None = None,
    apply_as_truncates: str | None = None,
    ignore_null_updates: bool = False,
    once: bool = False,
) -> None:
    """Declare that changes in ``source`` are applied to the streaming table ``target``.

    Args:
        target: the streaming table.
        source: the table whose new rows are changes.
        keys: columns that identify a row.
        sequence_by: SQL that orders the changes of a key.
        apply_as_deletes: SQL that marks a change as a deletion.
        column_list: the only columns that are stored.
        except_column_list: columns that are not.
        stored_as_scd_type: 1 keeps the newest row of a key, 2 its history.
        name: the flow's name; the target's where there is none.
        track_history_column_list: columns whose change begins a new row of history.
        track_history_except_column_list: columns whose change begins none.
        spark_conf: means nothing here.
        apply_as_truncates: SQL that marks a change as a deletion of every key (Databricks).
        ignore_null_updates: whether NULL in a change leaves the value as it is (Databricks).
        once: whether it runs in the first update and after a full refresh only (Databricks).

    Raises:
        PipelineError: an argument that means nothing.
    """
    _refuse_conf(spark_conf)
    file, line = caller()
    for what, value in (
        ("sequence_by", sequence_by), ("apply_as_deletes", apply_as_deletes),
        ("apply_as_truncates", apply_as_truncates),
    ):  # fmt: skip
        if not isinstance(value, str) and (value is not None or what == "sequence_by"):
            raise PipelineError(
                f"{what} is SQL text, not a {type(value).__name__}.",
                hint=f'write for example {what}="changed_at".',
            )
    scd = str(stored_as_scd_type or 1)
    if scd not in ("1", "2"):
        raise PipelineError("stored_as_scd_type is 1 or 2.")
    cdc = Cdc(
        listed("keys", keys), sequence_by, apply_as_deletes,
        listed("except_column_list", except_column_list), listed("column_list", column_list),
        int(scd), listed("track_history_column_list", track_history_column_list),
        ignore_null_updates,
        listed("track_history_except_column_list", track_history_except_column_list),
        apply_as_truncates,
    )  # fmt: skip
    if not cdc.keys:
        raise PipelineError("keys is empty; it names the columns that identify a row.")
    table = ".".join(_quoted(part) for part in source.replace("`", "").split("."))
    collected = current()
    collected.flows.append(
        DeclaredFlow(
            name or target, target, file, line, None, f"SELECT * FROM STREAM {table}",
            once=once, cdc=cdc, module=collected.module,
        )
    )  # fmt: skip


def _stored(
    kind: Kind,
    query_function: F | None,
    name: str | None,
    comment: str | None,
    spark_conf: Mapping[str, str] | None,
    table_properties: Mapping[str, str] | None,
    partition_cols: Sequence[str] | None,
    cluster_by: Sequence[str] | None,
    schema: Any,
    format: str | None,  # noqa: A002 - Spark's name for it
    reads: Mapping[str, str] | None,
    stream: Streams | None,
    timeout: float | None,
) -> Any:
    _refuse_conf(spark_conf)
    _refuse_format(format)
    if timeout is not None and not (isinstance(timeout, int | float) and timeout > 0):
        raise PipelineError(f"timeout is a number of seconds, not {timeout!r}.")
    columns = declared_columns(schema)
    properties = names_of("table_properties", table_properties or {})
    partitions = listed("partition_cols", partition_cols)
    clusters = listed("cluster_by", cluster_by)

    def decorate(function: F) -> F:
        file, line = place_of(function)
        own = name or function.__name__
        inputs, streams, delivers = inputs_of_function(function, reads, stream)
        expectations = list(getattr(function, EXPECTED, []))
        collected = current()
        output = Output(
            own, kind, file, line, comment, columns, partitions, clusters, properties, expectations
        )
        collected.outputs.append(output)
        collected.flows.append(
            DeclaredFlow(
                own, own, file, line, function, None, inputs, streams, timeout,
                delivers=delivers, own=True, module=collected.module,
            )
        )  # fmt: skip
        setattr(function, OUTPUT, output)
        return function

    return decorate if query_function is None else decorate(query_function)


def _refuse_conf(spark_conf: object) -> None:
    if spark_conf is not None:
        names_of("spark_conf", spark_conf)


def _refuse_format(format: str | None) -> None:  # noqa: A002 - Spark's name for it
    if format is not None and format.lower() != "delta":
        raise PipelineError(f"tables here are Delta tables, not {format}.", hint="leave format out")


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f"`{name}`"
