"""Figures and tables of a run, as files among MLflow's artifacts."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from lakelet.errors import CommandError, SchemaError
from lakelet.workspace.steps import declare, step

__all__ = ("log_figure", "log_files", "log_table")

_ARTIFACT = declare("runs.artifact", "the file is among the run's artifacts")


def log_figure(mlflow: Any, run_id: str, figure: Any, name: str) -> None:
    """Keep a figure under ``figures/``.

    Raises:
        SchemaError: it is no figure and no image.
    """
    kind = type(figure).__module__.partition(".")[0]
    client = mlflow.MlflowClient()
    _check_name(name)
    with step(_ARTIFACT):
        if kind == "plotly":
            client.log_figure(run_id, figure, f"figures/{name}.html")
        elif hasattr(figure, "savefig"):
            client.log_figure(run_id, figure, f"figures/{name}.png")
        elif kind in ("PIL", "numpy", "mlflow"):
            client.log_image(run_id, figure, f"figures/{name}.png")
        else:
            raise SchemaError(
                f"a {type(figure).__name__} is no figure; nothing was kept of it.",
                hint="give a figure of Matplotlib or Plotly, or an image of Pillow or NumPy.",
            )


def log_table(mlflow: Any, run_id: str, frame: Any, name: str) -> None:
    """Keep a table as ``tables/NAME.parquet``.

    Raises:
        SchemaError: it is no frame.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    _check_name(name)
    try:
        if isinstance(frame, list | tuple):
            rows = pa.Table.from_pylist(list(frame))
        elif hasattr(frame, "arrow") and not hasattr(frame, "__arrow_c_stream__"):
            rows = frame.arrow()
        else:
            rows = pa.table(frame)
    except (TypeError, AttributeError, pa.ArrowException) as error:
        raise SchemaError(
            f"a {type(frame).__name__} is no frame of rows: {error}; nothing was kept of it.",
            hint="give Arrow, Polars, pandas, a DuckDB relation, or a list of dictionaries.",
        ) from None
    with tempfile.TemporaryDirectory() as scratch, step(_ARTIFACT):
        path = Path(scratch, f"{name.rpartition('/')[2]}.parquet")
        pq.write_table(rows, path)
        folder = "/".join(["tables", *name.split("/")[:-1]])
        mlflow.log_artifact(str(path), artifact_path=folder, run_id=run_id)


def log_files(mlflow: Any, run_id: str, files: dict[str, bytes], place: str) -> None:
    """Keep files, by their paths, below a folder of the artifacts."""
    if not files:
        return
    with tempfile.TemporaryDirectory() as scratch, step(_ARTIFACT):
        for name, data in files.items():
            path = Path(scratch, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        mlflow.log_artifacts(scratch, artifact_path=place, run_id=run_id)


def _check_name(name: str) -> None:
    if not name or name.startswith("/") or any(p in ("", ".", "..") for p in name.split("/")):
        raise CommandError(
            f"{name!r} is no name for a file of a run; nothing was kept.",
            hint="write a plain name, such as 'roc', or folders and a name, such as 'test/roc'.",
        )
