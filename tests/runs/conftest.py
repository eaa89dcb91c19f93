"""Runs with real MLflow, whose libraries warn of themselves."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/runs" in item.path.as_posix():
            item.add_marker(pytest.mark.filterwarnings("default"))
