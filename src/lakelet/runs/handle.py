"""An open run in a person's hands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakelet.runs.artifacts import log_figure, log_table
from lakelet.runs.client import mlflow_errors, quiet
from lakelet.runs.flavors import log_model

__all__ = ("Run",)

_STAYS = "what was logged before stays; the run goes on."


class Run:
    """A run that is under way, MLflow's active one: what any library logs by MLflow goes into it.

    Attributes:
        id: MLflow's id of the run.
        experiment: the folders of its name, MLflow's experiment.
        name: the last part of its name.
    """

    def __init__(self, mlflow: Any, run_id: str, experiment: str, name: str) -> None:
        self._mlflow = mlflow
        self.id = run_id
        self.experiment = experiment
        self.name = name

    def __repr__(self) -> str:
        return f"<lakelet run {self.experiment}/{self.name} {self.id}>"

    def log(
        self, values: Mapping[str, float] | None = None, *, step: int | None = None, **more: float
    ) -> None:
        """Log metrics, all of one step in one write.

        Args:
            values: metrics by name, for names that are none in Python: ``{"val/f1": 0.8}``.
            step: the step they belong to.
            more: metrics by name: ``run.log(loss=0.3, step=10)``.

        Raises:
            StorageError: a value is no number, or the store said no.
        """
        with mlflow_errors("logging metrics", _STAYS):
            self._mlflow.log_metrics({**(values or {}), **more}, step=step, run_id=self.id)

    def param(self, **params: object) -> None:
        """Log further parameters; one that was logged keeps its value.

        Raises:
            StorageError: a parameter has another value already.
        """
        with mlflow_errors("logging parameters", _STAYS):
            self._client.log_batch(self.id, params=_as_params(self._mlflow, params))

    def tag(self, **tags: object) -> None:
        """Set tags; one that was set gets the new value."""
        with mlflow_errors("setting tags", _STAYS):
            for key, value in tags.items():
                self._client.set_tag(self.id, key, value)

    def figure(self, figure: Any, name: str) -> None:
        """Keep a figure: Matplotlib's as PNG, Plotly's as HTML, an image (Pillow, NumPy) as PNG.

        Raises:
            SchemaError: it is none of these.
        """
        with mlflow_errors(f"keeping the figure {name}", _STAYS), quiet():
            log_figure(self._mlflow, self.id, figure, name)

    def table(self, frame: Any, name: str) -> None:
        """Keep a table as a Parquet file.

        Args:
            frame: Arrow, Polars, pandas, a DuckDB relation, a query's result, or a list of
                dictionaries.
            name: its name among the run's tables.

        Raises:
            SchemaError: it is no frame.
        """
        with mlflow_errors(f"keeping the table {name}", _STAYS):
            log_table(self._mlflow, self.id, frame, name)

    def model(self, model: Any, name: str) -> None:
        """Keep a model the way MLflow does for the library it is of.

        Raises:
            SchemaError: MLflow knows no way to keep it.
        """
        with mlflow_errors(f"keeping the model {name}", _STAYS), quiet():
            log_model(self._mlflow, model, name)

    @property
    def _client(self) -> Any:
        return self._mlflow.MlflowClient()


def _as_params(mlflow: Any, params: Mapping[str, object]) -> list[Any]:
    return [mlflow.entities.Param(key, str(value)) for key, value in flat(params).items()]


def flat(params: Mapping[str, object], before: str = "") -> dict[str, object]:
    """Parameters by name; those within a dictionary by names with dots."""
    found: dict[str, object] = {}
    for key, value in params.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = value
    return found
