"""Which of MLflow's ways to keep a model fits it."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from lakelet.errors import SchemaError
from lakelet.workspace.steps import declare, step

__all__ = ("log_model",)

_MODEL = declare("runs.model", "the model is among the run's artifacts")
# The package a model's class, or a class it derives from, comes from; MLflow's module for it; and
# what must be installed to load it.
_FLAVORS = {
    "xgboost": ("xgboost", "xgboost"),
    "lightgbm": ("lightgbm", "lightgbm"),
    "catboost": ("catboost", "catboost"),
    "sklearn": ("sklearn", "scikit-learn"),
    "statsmodels": ("statsmodels", "statsmodels"),
    "transformers": ("transformers", "transformers"),
    "sentence_transformers": ("sentence_transformers", "sentence-transformers"),
    "keras": ("keras", "keras"),
    "torch": ("pytorch", "torch"),
    "mlflow": ("pyfunc", "mlflow"),
}


def log_model(mlflow: Any, model: Any, name: str) -> None:
    """Keep a model with the active run.

    The packages it needs are named here: MLflow would load the model in a second process to see.

    Raises:
        SchemaError: MLflow knows no way to keep it.
    """
    packages = [base.__module__.partition(".")[0] for base in type(model).__mro__]
    for package in packages:
        if package in _FLAVORS:
            module, distribution = _FLAVORS[package]
            break
    else:
        raise SchemaError(
            f"MLflow knows no way to keep a {type(model).__name__}; nothing was kept of it.",
            hint="give a model of scikit-learn, PyTorch, transformers, XGBoost, LightGBM, Keras or "
            "statsmodels, or wrap it in a subclass of mlflow.pyfunc.PythonModel.",
        )
    flavor = import_module(f"mlflow.{module}")
    needed = [_required(distribution)]
    if module == "sklearn":
        needed.append(_required("cloudpickle"))
    with step(_MODEL):
        if module == "pyfunc":
            flavor.log_model(name=name, python_model=model, pip_requirements=needed)
        elif module == "sklearn":
            flavor.log_model(
                model, name=name, pip_requirements=needed, serialization_format="cloudpickle"
            )
        else:
            flavor.log_model(model, name=name, pip_requirements=needed)


def _required(distribution: str) -> str:
    try:
        return f"{distribution}=={version(distribution)}"
    except PackageNotFoundError:
        return distribution
