"""Pins as MLflow's inputs, all in one call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lakelet.runs.pins import Pin

__all__ = ("log_pins",)


def log_pins(client: Any, run_id: str, pins: Sequence[Pin]) -> None:
    """Tell MLflow what a run read. One it knows already is not written again."""
    if not pins:
        return
    from mlflow.entities import Dataset, DatasetInput, InputTag

    client.log_inputs(
        run_id,
        datasets=[
            DatasetInput(
                Dataset(
                    name=pin.name[:500],
                    digest=pin.digest,
                    source_type=pin.kind,
                    source=json.dumps(pin.facts),
                ),
                tags=[InputTag("mlflow.data.context", "input")],
            )
            for pin in pins
        ],
    )
