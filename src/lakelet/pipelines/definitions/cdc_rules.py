"""What the flows of an AUTO CDC target must have in common, known before anything is read."""

from __future__ import annotations

from lakelet.errors import PipelineError
from lakelet.lake import TableName
from lakelet.lake.publications import Publications
from lakelet.pipelines.definitions.dataset import Cdc, Dataset, Flow, fingerprint

__all__ = ("ADDED_ONLY", "check_cdc", "is_made_by_changes", "shape_of")

ADDED_ONLY = "rows were only added"
"""What the publication of a table says that was made by changes before, and anew since."""


def is_made_by_changes(publications: Publications, name: TableName) -> bool:
    """Whether the published rows of a table came about by AUTO CDC."""
    published = publications.of(name)
    return (
        published is not None
        and publications.of(name.changes) is not None
        and ADDED_ONLY not in published.inputs
    )


def shape_of(cdc: Cdc) -> str:
    """A digest of what the rows of a target are made by; another one needs everything anew."""
    return fingerprint(
        *(tuple(name.lower() for name in names) for names in (cdc.keys, cdc.track)),
        tuple(name.lower() for name in cdc.track_except),
        cdc.scd,
        cdc.ignore_null,
    )


def check_cdc(dataset: Dataset) -> None:
    """Refuse flows that contradict themselves or one another.

    Raises:
        PipelineError: with file and line.
    """
    changing = [flow for flow in dataset.flows if flow.cdc is not None]
    if not changing:
        return
    if adding := next((flow for flow in dataset.flows if flow.cdc is None), None):
        raise PipelineError(
            f"{adding.place}: {dataset.name} is made by AUTO CDC, so the flow {adding.name} cannot "
            "only add rows to it.",
            hint="make it AUTO CDC too, or give it a streaming table of its own.",
        )
    for flow in changing:
        assert flow.cdc is not None
        _check_flow(dataset, flow, flow.cdc)
        if dataset.cdc is not None and shape_of(flow.cdc) != shape_of(dataset.cdc):
            raise PipelineError(
                f"{flow.place}: the flow {flow.name} into {dataset.name} differs from "
                f"{changing[0].name} in KEYS, STORED AS SCD TYPE, IGNORE NULL UPDATES or TRACK "
                "HISTORY ON.",
                hint="all AUTO CDC flows into one table agree on these.",
            )


def _check_flow(dataset: Dataset, flow: Flow, cdc: Cdc) -> None:
    wrong = None
    if cdc.scd == 1 and (cdc.track or cdc.track_except):
        wrong = "TRACK HISTORY ON is for STORED AS SCD TYPE 2; type 1 keeps no history."
    if cdc.scd == 2 and cdc.truncate_when is not None:
        wrong = (
            "APPLY AS TRUNCATE WHEN is for STORED AS SCD TYPE 1; it would take the history that "
            "type 2 keeps."
        )
    if cdc.columns and cdc.except_columns:
        wrong = "COLUMNS names what is stored or, after * EXCEPT, what is not; not both."
    if cdc.track and cdc.track_except:
        wrong = "TRACK HISTORY ON names columns or, after * EXCEPT, the others; not both."
    kept = {name.lower() for name in cdc.columns}
    left = {name.lower() for name in cdc.except_columns}
    for key in cdc.keys:
        if (kept and key.lower() not in kept) or key.lower() in left:
            wrong = f"the key {key} is not among the columns that are stored."
    if wrong is not None:
        raise PipelineError(f"{flow.place}: {dataset.name}: {wrong}")
