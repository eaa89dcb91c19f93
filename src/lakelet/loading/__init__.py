"""Raw files into typed rows: discovery, formats, inference, rescue, the ledger."""

from __future__ import annotations

from lakelet.loading.discovery import NothingThereError
from lakelet.loading.load import LoadRequest, load
from lakelet.loading.options import ReadOptions, parse_options
from lakelet.loading.report import LoadReport
from lakelet.loading.retry import RetryReport, RetryRequest, retry_rejected

__all__ = (
    "LoadReport", "LoadRequest", "NothingThereError", "ReadOptions", "RetryReport",
    "RetryRequest", "load", "parse_options", "retry_rejected",
)  # fmt: skip
